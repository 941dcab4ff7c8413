#include "providers/kubernetes/settings.h"

#include <algorithm>
#include <cstdlib>

#include "base/problem.h"
#include "providers/kubernetes/service_account.h"
#include "providers/protocol/service.h"

namespace gitopsd::kubernetes {
namespace {

using protocol::WireProblem;

const std::vector<std::string>& known_settings() {
  static const std::vector<std::string> known{"kubeconfig", "credential", "context", "health",
                                              "look_seconds"};
  return known;
}

class SettingsReader {
 public:
  explicit SettingsReader(const Value& settings) : settings_(settings) {}

  Settings read() {
    if (!settings_.is_null() && !settings_.is_object()) {
      refuse("", "the settings of a Kubernetes destination are a mapping");
      throw protocol::SettingsRefused(std::move(problems_));
    }
    check_members();
    Settings out;
    out.health = parse_health_rules(settings_.find("health"), "/health", problems_);
    read_look(out);
    read_connection(out);
    if (!problems_.empty()) throw protocol::SettingsRefused(std::move(problems_));
    return out;
  }

 private:
  void refuse(const std::string& member, std::string message, std::string hint = {}) {
    WireProblem problem;
    problem.cause = ProblemCause::input;
    problem.code = "settings";
    problem.message = std::move(message);
    problem.hint = std::move(hint);
    if (!member.empty()) problem.pointer = "/" + member;
    problems_.push_back(std::move(problem));
  }

  void check_members() {
    if (!settings_.is_object()) return;
    const auto& known = known_settings();
    for (const auto& [key, value] : settings_.as_object()) {
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      const auto near = did_you_mean(key, known);
      refuse(key, "a Kubernetes destination has no setting `" + key + "`",
             near.empty() ? "it has: kubeconfig, credential, context, health, look_seconds"
                          : "did you mean `" + near + "`?");
    }
  }

  /// Empty where it is missing, and where it is none, which is told.
  std::string text(const std::string& key) {
    const Value* value = settings_.find(key);
    if (!value || value->is_null()) return {};
    if (value->is_string()) return value->as_string();
    refuse(key, "the setting `" + key + "` has to be a text");
    return {};
  }

  void read_look(Settings& out) {
    const Value* value = settings_.find("look_seconds");
    if (!value || value->is_null()) return;
    if (value->is_int() && value->as_int() >= 1 && value->as_int() <= 3600)
      out.look = std::chrono::seconds(value->as_int());
    else
      refuse("look_seconds", "the setting `look_seconds` has to be a number from 1 to 3600");
  }

  void add_paths(const std::string& list, std::vector<std::string>& paths) {
    for (std::size_t at = 0; at <= list.size();) {
      const std::size_t end = std::min(list.find(':', at), list.size());
      if (end > at) paths.push_back(list.substr(at, end - at));
      at = end + 1;
    }
  }

  /// As $KUBECONFIG lists them, or as a list.
  std::vector<std::string> kubeconfigs() {
    std::vector<std::string> paths;
    const Value* value = settings_.find("kubeconfig");
    if (!value || value->is_null()) return paths;
    const bool many = value->is_array() && !value->as_array().empty();
    if (!many && !value->is_string())
      refuse("kubeconfig", "the setting `kubeconfig` has to be a text, or a list of such");
    if (value->is_string()) add_paths(value->as_string(), paths);
    for (const Value& item : many ? value->as_array() : Value::Array{}) {
      if (item.is_string() && !item.as_string().empty())
        paths.push_back(item.as_string());
      else
        refuse("kubeconfig", "the setting `kubeconfig` lists something that is no path");
    }
    return paths;
  }

  /// A systemd credential of this unit, or empty where there can be none.
  std::string credential_path(const std::string& name) {
    const char* folder = std::getenv("CREDENTIALS_DIRECTORY");  // NOLINT(concurrency-mt-unsafe)
    if (name.find('/') != name.npos) {
      refuse("credential", "'" + name + "' is no name of a credential");
    } else if (!folder) {
      refuse("credential", "there is no systemd credential '" + name + "': this is no unit with credentials",
             "name the file by `kubeconfig` instead of `credential`");
      problems_.back().cause = ProblemCause::destination;  // it is one elsewhere, where this only checks
    } else {
      return std::string(folder) + "/" + name;
    }
    return {};
  }

  void read_connection(Settings& out) {
    const auto before = problems_.size();
    auto paths = kubeconfigs();
    const std::string context = text("context"), credential = text("credential");
    if (!paths.empty() && !credential.empty())
      refuse("credential", "a Kubernetes destination has either `kubeconfig` or `credential`");
    else if (!credential.empty())
      paths = {credential_path(credential)};
    if (problems_.size() > before) return;
    if (paths.empty() && !context.empty())
      return refuse("context", "the setting `context` needs a `kubeconfig`");
    try {
      if (paths.empty()) {
        out.config = service_account_config();
        out.name = "the cluster of this Pod";
        return;
      }
      out.kubeconfig.emplace(std::move(paths), context);
      out.config = out.kubeconfig->load();
      out.name = "context '" + out.config.context + "' of " + out.config.origin;
    } catch (const Failure& failure) {
      for (Problem problem : failure.problems()) {
        const std::string hint = std::exchange(problem.hint, {});
        const bool named = problem.message.find(problem.file) != std::string::npos;
        refuse(paths_member(), named ? problem.message : problem.str(), hint);
      }
    }
  }

  std::string paths_member() const {
    for (const char* member : {"kubeconfig", "credential"})
      if (settings_.find(member)) return member;
    return {};
  }

  const Value& settings_;
  std::vector<WireProblem> problems_;
};

}  // namespace

Settings read_settings(const Value& settings) {
  return SettingsReader(settings).read();
}

}  // namespace gitopsd::kubernetes
