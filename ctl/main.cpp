// gitopsctl, the operator's client: the command line, and what its end says.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <utility>

#include "config/config.h"
#include "ctl/commands.h"
#include "ctl/format.h"

namespace gitopsd::ctl {
namespace {

constexpr const char* kFooter =
    "Exit status:\n"
    "  0  it worked\n"
    "  1  the thing failed: an event or sync failed or is held, the daemon refused, the audit record is "
    "broken,\n"
    "     the checked files or those of the planned commit have problems\n"
    "  2  the command line or an argument is wrong\n"
    "  3  the daemon cannot be reached, or stopped meanwhile\n"
    "  4  there is no such application, event, file\n"
    "With --output json an error is one JSON object on standard error: {\"error\": {\"message\", \"hint\", "
    "...}}.\n"
    "\n"
    "Environment: GITOPSD_SOCKET names the daemon's socket, NO_COLOR turns colour off.";

struct Options {
  std::string socket = config::Api{}.socket;
  std::string output = "text";
  std::string application, event, revision, sync, destination, identity;
  bool no_wait = false;
  bool cascade = false;
  EventsOptions events;
  ReplayOptions replay;
  AuditOptions audit;
  HookAddOptions hook;
  WaitOptions wait;
  ValidateOptions validate;
};

using Run = std::function<Exit(const Session&)>;

class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.footer(kFooter);
    app_.set_version_flag("--version", "gitopsctl " GITOPSD_VERSION);
    app_.add_option("--socket", o_.socket, "The daemon's socket")
        ->envname("GITOPSD_SOCKET")
        ->capture_default_str();
    app_.add_option("--output,-o", o_.output, "text or json")->check(CLI::IsMember({"text", "json"}));
    add_looking();
    add_acting();
    add_offline();
  }

  Options& options() { return o_; }
  CLI::App& app() { return app_; }
  Exit run(const Session& session) const { return run_(session); }

  /// What is wrong where the words name no command, with the one that may be meant; else empty.
  std::string unknown_command(const std::vector<std::string>& words) {
    std::vector<std::string> names;
    for (const auto* command : app_.get_subcommands({})) names.push_back(command->get_name());
    auto word = words.begin();
    while (word != words.end() && word->starts_with('-')) {
      const bool takes_value = *word == "--socket" || *word == "--output" || *word == "-o";
      std::advance(word, std::min<std::ptrdiff_t>(takes_value ? 2 : 1, words.end() - word));
    }
    if (word == words.end() || std::find(names.begin(), names.end(), *word) != names.end()) return {};
    const auto meant = did_you_mean(*word, names);
    return "there is no command '" + *word + "'" + (meant.empty() ? "" : " (did you mean '" + meant + "'?)");
  }

 private:
  CLI::App* command(CLI::App& parent, const char* name, const char* help, Run run) {
    auto* added = parent.add_subcommand(name, help);
    added->fallthrough();
    added->callback([this, run = std::move(run)] { run_ = run; });
    return added;
  }
  void application(CLI::App* command, bool required = true) {
    command->add_option("APPLICATION", o_.application, "Name of the application")->required(required);
  }
  void no_wait(CLI::App* command) {
    command->add_flag("--no-wait", o_.no_wait, "Return at once instead of following it to its end");
  }

  void held_sync(CLI::App* command) {
    command->add_option("--sync", o_.sync, "Only if this sync is the one that waits, as `status` shows it");
  }

  void add_looking() {
    application(command(app_, "status", "What each application is doing, and what it waits for",
                        [this](const Session& s) { return status(s, o_.application); }),
                false);

    auto* list = command(app_, "events", "The newest events",
                         [this](const Session& s) { return events(s, o_.events); });
    list->add_option("--state", o_.events.state, "Only those in this state, such as failed or held");
    list->add_option("--repository", o_.events.repository, "Only those of this repository");
    list->add_option("--since", o_.events.since, "Only newer ones: a duration (2h) or a time");
    list->add_option("--before", o_.events.before, "Only those older than this event");
    list->add_option("--limit", o_.events.limit, "How many")
        ->check(CLI::Range(1, 500))
        ->capture_default_str();

    command(app_, "show", "One event with its syncs and steps",
            [this](const Session& s) { return show(s, o_.event); })
        ->add_option("EVENT", o_.event, "Number of the event")
        ->required();

    auto* preview = command(app_, "plan", "What a sync would change; changes nothing",
                            [this](const Session& s) { return plan(s, o_.application, o_.revision); });
    application(preview);
    preview->add_option("--revision", o_.revision,
                        "A commit instead of the newest, or the first digits of one");

    command(app_, "hooks", "Endpoints for forges, and deliveries that were refused",
            [](const Session& s) { return hooks(s); });

    auto* record = command(app_, "audit", "Who changed what, when and why",
                           [this](const Session& s) { return audit(s, o_.audit); });
    record->add_flag("--verify", o_.audit.verify, "Recompute the chain of hashes instead");
    record->add_option("--from", o_.audit.from, "Begin with this entry")->check(CLI::Range(1L, LONG_MAX));
    record->add_option("--limit", o_.audit.limit, "How many; all without it")
        ->check(CLI::Range(1L, LONG_MAX));
  }

  void add_acting() {
    auto* now = command(app_, "sync", "Sync an application to its ref's newest commit",
                        [this](const Session& s) { return sync(s, o_.application, !o_.no_wait); });
    application(now);
    no_wait(now);

    auto* yes = command(app_, "approve", "Let a held sync go on", [this](const Session& s) {
      return approve(s, o_.application, o_.sync, !o_.no_wait);
    });
    application(yes);
    held_sync(yes);
    no_wait(yes);

    auto* no = command(app_, "reject", "End a held sync; the application stays at what is in force",
                       [this](const Session& s) { return reject(s, o_.application, o_.sync); });
    application(no);
    held_sync(no);

    auto* back = command(
        app_, "rollback",
        "Go back to an earlier revision, until its files in the repository change or somebody resumes",
        [this](const Session& s) { return rollback(s, o_.application, o_.revision, !o_.no_wait); });
    application(back);
    auto* to = back->add_option("COMMIT", o_.revision,
                                "What was in force at it; by default what was before what is in force now");
    back->add_option("--to", o_.revision, "The same")->excludes(to);
    no_wait(back);

    application(command(app_, "resume",
                        "Follow the ref again after a rollback, and put contested drift back at once",
                        [this](const Session& s) { return resume(s, o_.application); }));

    auto* away = command(
        app_, "delete", "Delete everything that an application owns",
        [this](const Session& s) { return delete_application(s, o_.application, o_.cascade, !o_.no_wait); });
    application(away);
    away->add_flag("--cascade", o_.cascade, "Needed: yes, at the destination, too");
    no_wait(away);

    application(command(app_, "forget",
                        "List an application no more that left the configuration or its destination; what it "
                        "owns stays",
                        [this](const Session& s) { return forget(s, o_.application); }));

    auto* place = app_.add_subcommand("destination", "Steer a destination");
    place->require_subcommand(1);
    place->fallthrough();
    auto* taken = command(
        *place, "accept", "Take a destination that is another one than before for the one that is meant",
        [this](const Session& s) { return accept_destination(s, o_.destination, o_.identity); });
    taken->add_option("NAME", o_.destination, "Name of the destination")->required();
    taken->add_option("--identity", o_.identity, "Only if it is this one, as `status` shows it");

    auto* again = command(app_, "replay", "Do events again", [this](const Session& s) {
      o_.replay.wait = !o_.no_wait;
      return replay(s, o_.replay);
    });
    again->add_option("EVENT", o_.replay.events, "Numbers of events");
    again->add_flag("--failed", o_.replay.failed, "Whatever is still failed, instead");
    again->add_option("--since", o_.replay.since, "With --failed: a duration (2h) or a time; 24h by default");
    again->add_option("--repository", o_.replay.repository, "With --failed: only of this repository");
    no_wait(again);

    auto* until = command(app_, "wait", "Block until an event or an application has ended what it does",
                          [this](const Session& s) { return wait(s, o_.wait); });
    until->add_option("EVENT|APPLICATION", o_.wait.what, "Number of an event or name of an application")
        ->required();
    until->add_option("--timeout", o_.wait.timeout, "Give up after this duration, with status 1");
  }

  void add_offline() {
    auto* hook = app_.add_subcommand("hook", "Make a webhook");
    hook->require_subcommand(1);
    hook->fallthrough();
    auto* add =
        command(*hook, "add", "Print URL, a new secret and what to click at the forge; needs no daemon",
                [this](const Session& s) { return hook_add(s, o_.hook); });
    add->add_option("NAME", o_.hook.name, "Name of the hook, new or configured")->required();
    add->add_option("--forge", o_.hook.forge, "The kind of forge; the hook's name if that is one");
    add->add_option("--repository", o_.hook.repositories,
                    "What it may speak for; every repository by default");
    add->add_option("--config", o_.hook.config, "The daemon's configuration")
        ->default_val("/etc/gitopsd/gitopsd.yaml");

    auto* check =
        command(app_, "validate", "Check a configuration or the manifests of a checkout; needs no daemon",
                [this](const Session& s) { return validate(s, o_.validate); });
    check
        ->add_option("PATH", o_.validate.path, "A configuration, a folder with one, a manifest or a checkout")
        ->required();
    check->add_option("--config", o_.validate.config,
                      "A configuration: PATH is a checkout for its applications, and its providers that are "
                      "here are asked, too");
    check->add_option("--repository", o_.validate.repository,
                      "Which of that configuration's repositories the checkout is of, where it has several");
  }

  CLI::App app_{"Look at and steer gitopsd"};
  Options o_;
  Run run_;
};

// The message for people, or the daemon's answer as it is.
void complain(const Session& session, const Value& error) {
  const Terminal terminal(stderr);
  if (session.json) {
    terminal.write(safe_json(to_pretty_json(Value::object({{"error", error}}))) + "\n");
    return;
  }
  std::string text;
  const auto& summary = error.get_array("summary");
  const auto& problems = summary.empty() ? error.get_array("problems") : summary;
  for (const auto& problem : problems)
    text += (text.empty() ? "" : "\n  ") + lines_below(problem.as_string());
  if (const auto all = error.get_array("problems").size(); problems.size() < all)
    text += "\n  all " + std::to_string(all) + " of them: --output json";
  if (problems.empty()) {
    text = lines_below(text_of(error, "message"));
    if (const auto hint = text_of(error, "hint"); !hint.empty()) text += " (" + safe(hint) + ")";
  }
  terminal.write(terminal.paint(Colour::red, "gitopsctl: ") + text + "\n");
}

Exit complain(const Session& session, Exit exit, std::string_view message, const std::string& hint = {}) {
  complain(session, Value::object({{"message", message}, {"hint", hint.empty() ? Value() : Value(hint)}}));
  return exit;
}

Exit refused(const Session& session, const Refused& refusal) {
  const auto* error = refusal.answer().find("error");
  complain(session,
           error != nullptr ? *error : Value::object({{"message", refusal.what()}, {"hint", Value()}}));
  switch (refusal.status()) {
    case 400:
      return Exit::usage;
    case 404:
      return Exit::not_found;
    default:
      return Exit::failed;
  }
}

Exit failed(const Session& session, const Failure& failure) {
  Value problems = Value::array();
  for (const auto& problem : failure.problems()) problems.push(problem.str());
  auto first = failure.problems().front();
  const auto hint = std::exchange(first.hint, {});
  complain(session, Value::object({{"message", first.str()},
                                   {"hint", hint.empty() ? Value() : Value(hint)},
                                   {"cause", to_string(failure.cause())},
                                   {"problems", problems}}));
  return Exit::failed;
}

Exit run(const CommandLine& line, const Session& session) {
  try {
    return line.run(session);
  } catch (const Refused& refusal) {
    return refused(session, refusal);
  } catch (const Unreachable& error) {
    return complain(session, Exit::unreachable, error.what());
  } catch (const UsageError& error) {
    return complain(session, Exit::usage, error.what());
  } catch (const NotFoundError& error) {
    return complain(session, Exit::not_found, error.what());
  } catch (const Failure& failure) {
    return failed(session, failure);
  } catch (const std::exception& error) {
    return complain(session, Exit::failed, error.what());
  }
}

/// Whether the words ask for JSON, as far as words that make no sense can.
bool wants_json(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool next = words[i] == "--output" || words[i] == "-o";
    if (next && i + 1 < words.size() && words[i + 1] == "json") return true;
    if (words[i] == "--output=json" || words[i] == "-ojson") return true;
  }
  return false;
}

Exit misused(const std::vector<std::string>& words, const std::string& message, const std::string& hint) {
  const Session session{Client(), Terminal(stdout), wants_json(words)};
  return complain(session, Exit::usage, message, hint);
}

}  // namespace
}  // namespace gitopsd::ctl

int main(int argc, char** argv) {
  using namespace gitopsd::ctl;
  CommandLine line;
  if (argc < 2) {
    std::fputs(line.app().help().c_str(), stderr);
    return static_cast<int>(Exit::usage);
  }
  try {
    line.app().parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return line.app().exit(error);  // --help and --version
    const std::vector<std::string> words{argv + 1, argv + argc};
    const auto unknown = line.unknown_command(words);
    return static_cast<int>(unknown.empty()
                                ? misused(words, error.what(), "gitopsctl COMMAND --help says what it takes")
                                : misused(words, unknown, "gitopsctl --help lists them"));
  }
  if (line.options().socket.empty()) {
    return static_cast<int>(misused(
        {argv + 1, argv + argc}, "--socket is empty",
        "it takes the path of the daemon's socket; " + gitopsd::config::Api{}.socket + " without it"));
  }
  const Session session{Client(line.options().socket), Terminal(stdout), line.options().output == "json"};
  const Exit exit = run(line, session);
  // A script must not take a truncated table for the whole.
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return static_cast<int>(exit);
  std::perror("gitopsctl: cannot write the output");
  return static_cast<int>(exit == Exit::ok ? Exit::failed : exit);
}
