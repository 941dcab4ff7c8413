#include <initializer_list>
#include <sstream>
#include <string>
#include <utility>

#include "ctl/commands.h"
#include "ctl/format.h"
#include "ctl/steps.h"

namespace gitopsd::ctl {
namespace {

std::string flags_of(const Value& application) {
  std::string out;
  for (const auto& [flag, word] : std::initializer_list<std::pair<const char*, const char*>>{
           {"suspended", "suspended"}, {"quarantined", "rolled back"}, {"orphaned", "orphaned"}}) {
    if (application.get_bool(flag)) out += (out.empty() ? "" : ", ") + std::string(word);
  }
  return out;
}

std::string waits_of(const Value& application) {
  const auto waits = text_of(application, "waits_for");
  const auto released = text_of(application, "released_by");
  if (waits.empty() || released.empty()) return waits + released;
  return waits + "; released by " + released;
}

void print_daemon(const Session& session, const Value& answer, WallMicros now) {
  const auto& terminal = session.terminal;
  const bool ready = answer.get_bool("ready");
  session.line("gitopsd " + safe(text_of(answer, "version")) + ", up " + age_of(answer, "started", now) +
               ", " + terminal.paint(ready ? Colour::green : Colour::red, ready ? "ready" : "not ready"));
  for (const auto& reason : answer.get_array("not_ready")) {
    session.line("  " + terminal.paint(Colour::red, safe(reason.as_string())));
  }
  if (const auto refused = age_of(answer, "config_refused", now); !refused.empty()) {
    session.line(terminal.paint(Colour::red, "configuration: the reload " + refused +
                                                 " ago was refused, the one before it stays in force:"));
    std::istringstream problems(text_of(answer, "config_error"));
    for (std::string problem; std::getline(problems, problem);)
      session.line("  " + terminal.paint(Colour::red, safe(problem)));
  }
  std::string counts;
  if (const auto* events = answer.find("events"); events != nullptr && events->is_object()) {
    for (const auto* state : {"queued", "running", "held", "failed", "succeeded"}) {
      const auto count = number_of(*events, state);
      if (count.empty() || count == "0") continue;
      counts += (counts.empty() ? "" : ", ") + terminal.paint(colour_of(state), count + " " + state);
    }
  }
  if (!counts.empty()) session.line("events: " + counts);
}

constexpr std::size_t kMostConditions = 5;  // of a destination

// "0123456789 partly, 2 left out": the newest commit in force, if only in part.
std::string revision_of(const Value& application) {
  const auto* part = application.find("in_part");
  if (part == nullptr || !part->is_object()) return commit_of(application, "revision");
  return commit_of(*part, "revision") + " partly, " + number_of(*part, "left_out") + " left out";
}

// "applying, attempt 2"
Cell phase_of(const Value& application) {
  auto phase = word_of(application, "phase");
  if (application.get_int("attempt") > 1) phase.text += ", attempt " + number_of(application, "attempt");
  return phase;
}

// Of the last attempt; or of the one before that which runs now, and says so.
Cell error_of(const Value& application) {
  const auto error = text_of(application, "error");
  const auto before = text_of(application, "error_before");
  if (!error.empty() || before.empty()) return {error, Colour::red};
  return {"the attempt before: " + before, Colour::yellow};
}

// "drift of ... is seen only every check_interval: ... (give ...)"
std::string condition_text(const Value& condition) {
  const auto hint = text_of(condition, "hint");
  return text_of(condition, "message") + (hint.empty() ? "" : " (" + hint + ")");
}

// What destinations do not do as they should, although they can be reached.
std::string conditions_of(const Session& session, const Value& destination) {
  std::string out;
  const auto& conditions = destination.get_array("conditions");
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const bool last = i == kMostConditions;
    const auto text = last ? std::to_string(conditions.size() - i) +
                                 " more of these: gitopsctl status APPLICATION shows those of one"
                           : condition_text(conditions[i]);
    out += session.terminal.paint(Colour::yellow, safe("destination " + text_of(destination, "name") + ": " +
                                                       first_line(text))) +
           "\n";
    if (last) break;
  }
  return out;
}

// Repositories and destinations that cannot be reached, a line each, and what else is the matter with these.
std::string out_of_reach(const Session& session, const Value& repositories, const Value& destinations,
                         WallMicros now) {
  std::string out;
  const auto add = [&](const std::string& line) {
    out += session.terminal.paint(Colour::red, safe(line)) + "\n";
  };
  for (const auto& repository : repositories.get_array("repositories")) {
    const auto error = text_of(repository, "error");
    const auto last = age_of(repository, "last_look", now);
    if (error.empty()) continue;
    add("repository " + text_of(repository, "name") + ": " + first_line(error) +
        (last.empty() ? " (never read)" : " (last read " + last + " ago)"));
  }
  for (const auto& destination : destinations.get_array("destinations")) {
    if (destination.get_bool("reachable")) {
      out += conditions_of(session, destination);
      continue;
    }
    const auto why = text_of(destination, "error");
    const auto since = age_of(destination, "since", now);
    add("destination " + text_of(destination, "name") + ": " +
        (destination.get_bool("connected")
             ? "unreachable"
             : "its provider " + text_of(destination, "provider") + " is not connected") +
        (since.empty() ? "" : " for " + since) + (why.empty() ? "" : ": " + first_line(why)));
  }
  return out;
}

// Why an application's destination cannot be reached, which is said of the destination; else empty.
std::string said_below(const Value& destinations, const Value& application) {
  for (const auto& destination : destinations.get_array("destinations")) {
    if (text_of(destination, "name") != text_of(application, "destination")) continue;
    return destination.get_bool("reachable") ? std::string() : first_line(text_of(destination, "error"));
  }
  return {};
}

constexpr std::size_t kSameWords = 80;  // bytes that tell whether two texts say the same

bool says(const std::string& text, const std::string& words) {
  return !words.empty() && text.find(words.substr(0, kSameWords)) != std::string::npos;
}

Exit status_of_all(const Session& session) {
  const auto answer = session.client.get("/v1/status");
  if (session.json) return session.print_json(answer), Exit::ok;
  const auto now = parse_time(text_of(answer, "now")).value_or(system_clock().wall());
  print_daemon(session, answer, now);
  if (answer.get_array("applications").empty()) return session.line("no applications"), Exit::ok;
  const auto repositories = session.client.get("/v1/repositories");
  const auto destinations = session.client.get("/v1/destinations");
  Table table({"APPLICATION", "STATUS", "HEALTH", "PHASE", "FOR", "REVISION", "WANTED", ">RESOURCES", "FLAGS",
               "WAITS FOR"});
  std::string errors;
  for (const auto& application : answer.get_array("applications")) {
    const auto below = said_below(destinations, application);
    const bool waits_below = says(text_of(application, "waits_for"), below);
    table.add({text_of(application, "name"), word_of(application, "status"), word_of(application, "health"),
               phase_of(application), age_of(application, "since", now), revision_of(application),
               commit_of(application, "wanted"), number_of(application, "resources"),
               Cell(flags_of(application), Colour::yellow),
               waits_below ? "destination " + text_of(application, "destination") + ", see below"
                           : first_line(waits_of(application))});
    if (const auto error = error_of(application); !error.text.empty() && !says(error.text, below)) {
      errors += session.terminal.paint(error.colour,
                                       safe(text_of(application, "name") + ": " + first_line(error.text))) +
                "\n";
    }
  }
  session.terminal.write("\n" + table.str(session.terminal));
  errors += out_of_reach(session, repositories, destinations, now);
  if (!errors.empty()) session.terminal.write("\n" + errors);
  return Exit::ok;
}

// "ConfigMap/shop/a: by kubectl-edit at 2026-11-29T08:15:30Z, put back 5 times, the next time in 40 s"
std::string contested_text(const Value& contested, WallMicros now) {
  const auto by = text_of(contested, "changed_by"), at = text_of(contested, "changed_at");
  const auto until = parse_time(text_of(contested, "paused_until"));
  std::string out = text_of(contested, "id") + ": ";
  if (!by.empty()) out += "by " + by + (at.empty() ? "" : " at " + at) + ", ";
  out += "put back " + number_of(contested, "put_back") + " times";
  if (until && *until > now)
    out +=
        ", the next time in " + std::to_string((*until - now + 999'999) / 1'000'000) + " s at the earliest";
  return out;
}

// What others keep changing, and what does not become as it is declared: the first of them.
void add_fights(Details& details, const Value& application, WallMicros now) {
  const auto add = [&](const char* list, const char* word, const auto& text) {
    const auto* told = application.find(list);
    if (told == nullptr || !told->is_object()) return;
    const auto& resources = told->get_array("resources");
    for (const auto& one : resources) details.add(word, Cell(text(one), Colour::yellow));
    const auto left = told->get_int("count") - static_cast<std::int64_t>(resources.size());
    if (left > 0) details.add(word, Cell("and " + std::to_string(left) + " more", Colour::yellow));
  };
  add("contested", "contested", [&](const Value& one) { return contested_text(one, now); });
  add("not_converging", "not converging", [](const Value& one) {
    return text_of(one, "id") + ": the same change came back " + number_of(one, "came_back") + " times";
  });
}

Exit status_of_one(const Session& session, const std::string& name) {
  const auto answer = session.client.get("/v1/applications/" + percent_encoded(name));
  if (session.json) return session.print_json(answer), Exit::ok;
  const auto now = system_clock().wall();
  const Value& application = *answer.find("application");
  Details details;
  details.add("application", text_of(application, "name"));
  if (text_of(application, "uid") != text_of(application, "name"))
    details.add("uid", text_of(application, "uid"));
  details.add("repository", text_of(application, "repository"));
  details.add("ref", text_of(application, "ref"));
  details.add("destination", text_of(application, "destination"));
  details.add("status", word_of(application, "status"));
  details.add("health", word_of(application, "health"));
  auto phase = phase_of(application);
  if (const auto since = age_of(application, "since", now); !since.empty()) phase.text += " for " + since;
  details.add("phase", phase);
  const auto revision = text_of(application, "revision");
  const auto synced = text_of(application, "synced_revision");
  details.add("revision", revision);
  if (const auto* part = application.find("in_part"); part != nullptr && part->is_object())
    details.add("partly", Cell(text_of(*part, "revision") + ", " + number_of(*part, "left_out") +
                                   " left out (sync " + number_of(*part, "sync") + ")",
                               Colour::yellow));
  if (synced != revision) details.add("synced last", synced);  // nothing since then changes anything of it
  details.add("wanted", text_of(application, "wanted"));
  details.add("resources", number_of(application, "resources"));
  if (const auto* heals = answer.find("heals"); heals != nullptr && heals->is_object())
    details.add("drift put back", put_back(*heals, now));
  details.add("flags", Cell(flags_of(application), Colour::yellow));
  details.add("waits for", text_of(application, "waits_for"));
  details.add("released by", text_of(application, "released_by"));
  for (const auto& condition : application.get_array("conditions"))
    details.add("condition", Cell(condition_text(condition), Colour::yellow));
  add_fights(details, application, now);
  details.add("error", error_of(application));
  session.terminal.write(details.str(session.terminal));
  const auto* sync = answer.find("last_sync");
  if (sync == nullptr) return Exit::ok;
  const auto state = word_of(*sync, "state");
  const auto took = milliseconds_of(*sync, "duration_ms");
  const auto counts = counts_of(*sync);
  session.line("\nlast sync: " + number_of(*sync, "id") + " (" + safe(text_of(*sync, "kind")) + ", " +
               session.terminal.paint(state.colour, safe(state.text)) + (took.empty() ? "" : ", " + took) +
               ")" + (counts.empty() ? "" : " " + counts));
  if (const auto* steps = sync->find("steps")) session.terminal.write(steps_text(session, *steps));
  return Exit::ok;
}

}  // namespace

Exit status(const Session& session, const std::string& application) {
  return application.empty() ? status_of_all(session) : status_of_one(session, application);
}

}  // namespace gitopsd::ctl
