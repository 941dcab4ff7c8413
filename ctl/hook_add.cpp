#include <algorithm>

#include "config/config.h"
#include "config/names.h"
#include "ctl/commands.h"
#include "ctl/forges.h"
#include "handlers/handler.h"

namespace gitopsd::ctl {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

// The forge: as configured, as told, or the hook's name where that is one.
std::string forge_for(const config::Hook* hook, const HookAddOptions& options) {
  const auto known = handlers::forges();
  if (hook != nullptr) {
    if (options.forge.empty() || options.forge == hook->forge) return hook->forge;
    throw UsageError("hook " + options.name + " is configured for " + hook->forge + ", not " + options.forge);
  }
  const auto& wanted = options.forge.empty() ? options.name : options.forge;
  if (std::find(known.begin(), known.end(), wanted) != known.end()) return wanted;
  throw UsageError("--forge is one of " + joined(known));
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

// Where the new secret goes: each line is a step on this host.
std::vector<std::string> host_steps(const config::Config& config, const config::Hook* hook,
                                    const HookAddOptions& options, const std::string& forge) {
  if (hook == nullptr) {
    const auto file = "/etc/gitopsd/secrets/" + options.name;
    return {"Write the secret into a file that only the daemon can read:",
            "  install -D -m 0640 -g gitopsd /dev/stdin " + file + "      (paste the secret, then Ctrl-D)",
            "Add to the list hooks in " + config.file + ":",
            "  - name: " + options.name,
            "    forge: " + forge,
            "    secrets: [{file: " + file + "}]",
            "    repositories: [" + joined(repositories_for(config, options)) + "]",
            "Bring it into force: systemctl reload gitopsd"};
  }
  const auto& secret = hook->secrets.front();
  std::vector<std::string> steps{"Write the secret to where the configuration looks for it: " + secret.str()};
  if (!secret.credential.empty()) {
    steps.push_back("  (the unit's LoadCredential=" + secret.credential +
                    ":PATH names the file; credentials are read at "
                    "the start)");
    steps.push_back("Bring it into force: systemctl restart gitopsd");
  } else if (!secret.file.empty()) {
    steps.push_back("Bring it into force: systemctl reload gitopsd");
  } else {
    steps.push_back("Bring it into force: systemctl restart gitopsd");
  }
  steps.push_back(
      "To change a secret without a gap, list the new one beside the old one under secrets until the forge "
      "uses it.");
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
  const auto config = config::load(options.config, false);
  const auto* hook = config->hook(HookName(options.name));
  const auto forge = forge_for(hook, options);
  const auto base = config->server.public_url.empty() ? "https://HOST" : config->server.public_url;
  const auto url = base + "/hooks/" + options.name;
  const auto secret = new_secret(forge);
  const auto here = host_steps(*config, hook, options, forge);
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
