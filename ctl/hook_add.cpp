#include <algorithm>
#include <filesystem>

#include "config/config.h"
#include "config/names.h"
#include "ctl/commands.h"
#include "ctl/forges.h"
#include "handlers/handler.h"

namespace gitopsd::ctl {
namespace {

std::string joined(const std::vector<std::string>& words, std::string_view between = ", ") {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : std::string(between)) + word;
  return out;
}

bool is_forge(const std::string& word) {
  const auto known = handlers::forges();
  return std::find(known.begin(), known.end(), word) != known.end();
}

// The forge: as configured, as told, or the hook's name where that is one.
std::string forge_for(const config::Hook* hook, const HookAddOptions& options) {
  if (hook != nullptr) {
    if (options.forge.empty() || options.forge == hook->forge) return hook->forge;
    throw UsageError("hook " + options.name + " is configured for " + hook->forge + ", not " + options.forge);
  }
  if (!options.forge.empty()) return options.forge;
  if (is_forge(options.name)) return options.name;
  throw UsageError("hook " + options.name + " is not configured, and its name says no forge: give --forge " +
                   joined(handlers::forges(), " or "));
}

std::vector<std::string> repositories_for(const config::Config& config, const HookAddOptions& options) {
  for (const auto& name : options.repositories) {
    if (config.repository(RepositoryName(name)) == nullptr) {
      throw UsageError("there is no repository " + name + " in " + config.file);
    }
  }
  if (!options.repositories.empty()) return options.repositories;
  std::vector<std::string> all;
  for (const auto& repository : config.repositories) all.push_back(repository.name.str());
  return all;
}

constexpr std::string_view kUnitPrefix = "secret_";  // the unit's LoadCredential=secret:FOLDER

// Files in the folder beside the configuration are the unit's credentials.
std::string credential_file(const config::Config& config, const std::string& name) {
  return (std::filesystem::path(config.file).parent_path() / "credentials" / name).string();
}

std::string write_command(const std::string& file) {
  return "  install -D -m 0600 /dev/stdin " + file + "      (as root; paste the secret, then Ctrl-D twice)";
}

std::vector<std::string> steps_for_new(const config::Config& config, const HookAddOptions& options,
                                       const std::string& forge) {
  return {"Write the secret into a file that only root can read; systemd hands it to the daemon:",
          write_command(credential_file(config, options.name)),
          "Add to the list hooks in " + config.file + ":",
          "  - name: " + options.name,
          "    forge: " + forge,
          "    secrets: [{credential: " + std::string(kUnitPrefix) + options.name + "}]",
          "    repositories: [" + joined(repositories_for(config, options)) + "]",
          "Bring it into force; what was accepted and the port are kept meanwhile:",
          "  systemctl restart gitopsd"};
}

std::vector<std::string> steps_for_known(const config::Config& config, const config::SecretRef& secret) {
  std::vector<std::string> steps{"Write the secret to where the configuration looks for it, " + secret.str() +
                                 ":"};
  if (secret.credential.starts_with(kUnitPrefix)) {
    steps.push_back(write_command(credential_file(config, secret.credential.substr(kUnitPrefix.size()))));
  } else if (!secret.credential.empty()) {
    steps.push_back("  the unit's LoadCredential=" + secret.credential + ":PATH names the file");
  } else if (!secret.file.empty()) {
    steps.push_back("  in a way that only the daemon's user can read it");
  }
  // Only files are read again on reload.
  steps.push_back(std::string("Bring it into force: systemctl ") +
                  (secret.file.empty() ? "restart" : "reload") + " gitopsd");
  steps.push_back(
      "Without a gap: list the new secret beside the old one under secrets until the forge uses it.");
  return steps;
}

Value list(const std::vector<std::string>& lines) {
  Value out = Value::array();
  for (const auto& line : lines) out.push(line);
  return out;
}

}  // namespace

Exit hook_add(const Session& session, const HookAddOptions& options) {
  config::normal_name(options.name);
  // What nothing can make right comes first: a configuration that is not there would hide it.
  if (!options.forge.empty() && !is_forge(options.forge))
    throw UsageError("there is no forge " + options.forge + "; --forge is one of " +
                     joined(handlers::forges()));
  if (!std::filesystem::exists(options.config))
    throw NotFoundError("there is no configuration " + options.config + "; --config names another");
  // The steps are for whoever stands in another folder later.
  const auto config =
      config::load(std::filesystem::absolute(options.config).lexically_normal().string(), false);
  const auto* hook = config->hook(HookName(options.name));
  const auto forge = forge_for(hook, options);
  const auto base = config->server.public_url.empty() ? "https://HOST" : config->server.public_url;
  const auto url = base + "/hooks/" + options.name;
  const auto secret = new_secret(forge);
  const auto here = hook == nullptr ? steps_for_new(*config, options, forge)
                                    : steps_for_known(*config, hook->secrets.front());
  const auto there = forge_steps(forge, url, secret);
  if (session.json) {
    session.print_json(Value::object({{"name", options.name},
                                      {"forge", forge},
                                      {"url", url},
                                      {"secret", secret},
                                      {"configured", hook != nullptr},
                                      {"here", list(here)},
                                      {"at_the_forge", list(there)}}));
    return Exit::ok;
  }
  const auto& terminal = session.terminal;
  session.line(terminal.paint(Colour::bold, "URL:    ") + safe(url));
  session.line(terminal.paint(Colour::bold, "Secret: ") + secret + "   (new, shown once, stored nowhere)");
  if (config->server.public_url.empty())
    session.line("Set server.public_url, so that the host's name is known here.");
  session.line("\n" + terminal.paint(Colour::bold, "On this host"));
  for (const auto& line : here) session.line("  " + safe(line));
  session.line("\n" + terminal.paint(Colour::bold, "At the forge"));
  for (const auto& line : there) session.line("  " + safe(line));
  return Exit::ok;
}

}  // namespace gitopsd::ctl
