#include "daemon/sync/check_providers.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/file.h"
#include "config/quote.h"

namespace gitopsd::sync {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto kPatience = 10s;

bool can_run(const std::string& program) {
  std::error_code error;
  return fs::is_regular_file(program, error) && ::access(program.c_str(), X_OK) == 0;
}

std::vector<std::string> providers_in(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    const std::string path = entry->path().string(), name = entry->path().filename().string();
    if (name.starts_with(kProviderPrefix) && can_run(path))
      names.push_back(name.substr(kProviderPrefix.size()));
    // In a build each has a folder of its own.
    if (can_run(path + "/" + std::string(kProviderPrefix) + name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string meant_by(const std::string& name, const std::string& program_directory) {
  const auto known = providers_in(program_directory);
  if (const auto meant = did_you_mean(name, known); !meant.empty())
    return "did you mean " + config::in_quotes(meant) + "?";
  std::string list;
  for (const auto& word : known) list += (list.empty() ? "" : ", ") + word;
  return list.empty() ? "there is none in " + program_directory : "known are " + list;
}

Problem at(const config::Destination& d, Problem problem) {
  const std::string which = "destination " + d.name.str() + ": ";
  if (!problem.message.starts_with(which)) problem.message = which + problem.message;
  if (problem.position.line > 0) return problem;
  problem.file = d.file;
  problem.position = d.position;
  return problem;
}

/// Why a destination's provider is no program here.
Problem no_program(const config::Destination& d, const std::string& program_directory) {
  const std::string named = config::in_quotes(d.provider);
  Problem problem{ProblemCause::input, "there is no provider " + named, {}, {}, {}};
  if (!d.socket.empty()) {
    problem.cause = ProblemCause::transient;
    problem.message = "its provider " + named + " answers only at " + d.socket;
  } else if (!d.command.empty()) {
    problem.message = d.command + " cannot be run: " + errno_text(errno);
    problem.hint = "correct `command`";
    return at(d, problem);
  }
  problem.hint = meant_by(d.provider, program_directory);
  return at(d, problem);
}

Problem of_policy(const config::Application& app, const protocol::WireProblem& wire) {
  Problem problem{wire.cause, "application " + app.name.str() + ": " + wire.message, wire.hint, app.file,
                  app.policy.position.line > 0 ? app.policy.position : app.position};
  if (const Value* member = wire.pointer.empty() ? nullptr : app.policy.at_pointer(wire.pointer))
    problem.position = member->position;
  return problem;
}

void add(ProviderCheck& out, Problem problem) {
  if (refuses(problem.cause)) return out.problems.push_back(std::move(problem));
  problem.file.clear();
  problem.position = {};
  out.unchecked.push_back(problem.str());
}

void check(const config::Config& config, const config::Destination& d, const std::string& program_directory,
           ProviderCheck& out) {
  try {
    const AskedProvider provider(d, program_directory);
    provider->info();
    for (const auto& app : config.applications) {
      if (app.destination == d.name) ask_policy(*provider, app, out);
    }
  } catch (const Failure& failure) {
    for (const auto& problem : failure.problems()) add(out, at(d, problem));
    for (const auto& app : config.applications)
      if (app.destination == d.name)
        out.unchecked.push_back("application " + app.name.str() + ": its policy, since destination " +
                                d.name.str() + " cannot be asked");
  }
}

/// Takes out of the settings what the problems are about, which all have to be of what is elsewhere.
bool take_out(config::Destination& d, const std::vector<Problem>& problems) {
  if (!d.settings.is_object()) return false;
  for (const auto& problem : problems) {
    if (problem.cause != ProblemCause::destination || problem.position.line == 0) return false;
    const auto found = std::erase_if(d.settings.as_object(), [&](const auto& member) {
      return member.second.position == problem.position;
    });
    if (found == 0) return false;
  }
  return true;
}

std::string own_directory() {
  char path[4096];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  const std::string self(path, n > 0 ? static_cast<std::size_t>(n) : 0);
  return self.substr(0, self.rfind('/'));
}

}  // namespace

std::string default_provider_directory() {
  const std::string own = own_directory();
  for (const std::string& candidate : {own + "/../libexec/gitopsd", own + "/../providers"}) {
    if (has_providers(candidate)) return candidate;
  }
  return own + "/../libexec/gitopsd";
}

bool has_providers(const std::string& program_directory) {
  return !providers_in(program_directory).empty();
}

bool refuses(ProblemCause cause) {
  return cause == ProblemCause::input || cause == ProblemCause::permission || cause == ProblemCause::conflict;
}

AskedProvider::AskedProvider(config::Destination d, const std::string& program_directory)
    : scratch_(in_temporary_directory("gitopsd-check-")) {
  if (!can_run(provider_program(d, program_directory))) throw Failure(no_program(d, program_directory));
  d.socket.clear();
  fs::create_directory(scratch_.path() + "/providers");
  provider_ = open_provider(d, "check", program_directory, scratch_.path(),
                            {[](const protocol::Changed&) {}, [](const std::string&) {}, [] {}});
}

AskedProvider::~AskedProvider() {
  provider_->shutdown(Monotonic::now() + kPatience);
}

std::unique_ptr<AskedProvider> start_to_resolve(config::Destination d, const std::string& program_directory) {
  for (;;) {  // what is taken out may have hidden more; each turn has less left
    try {
      auto provider = std::make_unique<AskedProvider>(d, program_directory);
      (*provider)->info();
      return provider;
    } catch (const Failure& failure) {
      if (!take_out(d, failure.problems())) throw;
    }
  }
}

void ask_policy(Provider& provider, const config::Application& app, ProviderCheck& out) {
  protocol::ResolveRequest request;
  request.application = app.uid.str();
  request.defaults = app.defaults;
  request.policy = app.policy;
  const auto said = provider.resolve(request, nullptr, Monotonic::now() + kPatience);
  for (const auto& wire : said.problems) out.problems.push_back(of_policy(app, wire));
  for (const auto& wire : said.warnings) out.warnings.push_back(of_policy(app, wire));
}

std::vector<Problem> unknown_providers(const config::Config& config, const std::string& program_directory) {
  std::vector<Problem> problems;
  for (const auto& d : config.destinations) {
    if (d.command.empty() && d.socket.empty() && !can_run(provider_program(d, program_directory)))
      problems.push_back(no_program(d, program_directory));
  }
  return problems;
}

ProviderCheck check_providers(const config::Config& config, const std::string& program_directory) {
  ProviderCheck out;
  for (const auto& d : config.destinations) {
    if (can_run(provider_program(d, program_directory)))
      check(config, d, program_directory, out);
    else
      add(out, no_program(d, program_directory));
  }
  return out;
}

}  // namespace gitopsd::sync
