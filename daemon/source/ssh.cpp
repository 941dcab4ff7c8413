#include "daemon/source/ssh.h"

#include <cstdlib>
#include <optional>
#include <sstream>

#include "base/file.h"
#include "base/hash.h"

namespace gitopsd::source {

namespace {

/// An option whose value is a path: ssh splits at spaces and expands "%" there.
std::string path_option(const Operation& operation, const std::string& name, const std::string& path) {
  std::string out = name + "=\"";
  for (const char c : path) {
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20)
      throw operation.failure(ProblemCause::input,
                              name + ": a path with characters that ssh cannot take: " + printable(path));
    out += c;
    if (c == '%') out += c;
  }
  return out += '"';
}

std::string line_with(std::string_view text, std::string_view needle) {
  const auto at = text.find(needle);
  if (at == std::string_view::npos) return {};
  const auto begin = text.rfind('\n', at) + 1;
  return printable(text.substr(begin, text.find('\n', at) - begin));
}

/// The first "SHA256:..." word.
std::string fingerprint_in(std::string_view text) {
  const auto at = text.find("SHA256:");
  if (at == std::string_view::npos) return {};
  return printable(text.substr(at, text.find_first_of(" \r\n.", at) - at));
}

/// ssh names the line of known_hosts that does not fit, not its fingerprint: that is worked out here.
std::string known_fingerprint(const std::string& known_hosts, std::string_view complaint) {
  const std::string offending = line_with(complaint, "Offending ");
  const auto colon = offending.rfind(':');
  if (colon == std::string::npos) return {};
  const int number = std::atoi(offending.c_str() + colon + 1);
  std::istringstream file;
  try {
    file.str(read_file(known_hosts, 4u << 20));
  } catch (const Failure&) {
    return {};
  }
  std::string line;
  for (int i = 0; i < number; ++i)
    if (!std::getline(file, line)) return {};
  std::istringstream words(line);
  std::string hosts, kind, key;
  words >> hosts;
  if (hosts.starts_with('@')) words >> hosts;
  words >> kind >> key;
  const auto bytes = from_base64(key);
  if (!bytes) return {};
  std::string text = "SHA256:" + to_base64([](const Sha256& digest) {
                       return std::string(digest.begin(), digest.end());
                     }(sha256(*bytes)));
  while (text.ends_with('=')) text.pop_back();
  return text;
}

std::string scan_hint(const Address& address, const std::string& known_hosts) {
  return "ssh-keyscan -p " + address.port + " " + address.host +
         " shows the host's keys; compare one with what its " + "owner publishes, then add it to " +
         known_hosts;
}

/// What the far side of the connection said, which comes last, without ssh's own notices.
std::string last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  const auto newline = text.rfind('\n');
  return printable(newline == std::string_view::npos ? text : text.substr(newline + 1));
}

bool has_any(std::string_view text, std::initializer_list<std::string_view> needles) {
  for (const std::string_view needle : needles)
    if (text.find(needle) != std::string_view::npos) return true;
  return false;
}

}  // namespace

std::string shell_quote(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '!') {
      out += "'\\";
      out += c;
      out += '\'';
    } else {
      out += c;
    }
  }
  return out += '\'';
}

Command ssh_command(const Operation& operation, const Address& address) {
  const Remote& remote = operation.remote();
  if (!remote.proxy.empty())
    throw operation.failure(ProblemCause::input, "a proxy is used for HTTP and git:// only",
                            "remove `proxy`, or use an https:// url");
  if (remote.known_hosts.empty())
    throw operation.failure(ProblemCause::input, "ssh needs the host's key to know whom it speaks to",
                            "set `known_hosts` to a file with it (ssh-keyscan prints one; compare it first)");
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(remote.connect_timeout).count();
  Command command;
  command.arguments = {"/usr/bin/ssh", "-F", "none", "-x", "-T"};
  const auto option = [&](std::string text) {
    command.arguments.emplace_back("-o");
    command.arguments.push_back(std::move(text));
  };
  option("BatchMode=yes");
  option("StrictHostKeyChecking=yes");
  option("UpdateHostKeys=no");
  option(path_option(operation, "UserKnownHostsFile", remote.known_hosts));
  option("GlobalKnownHostsFile=/dev/null");
  option("ConnectTimeout=" + std::to_string(seconds));
  option("ConnectionAttempts=1");
  option("ControlPath=none");
  option("ClearAllForwardings=yes");
  option("PermitLocalCommand=no");
  option("SendEnv=GIT_PROTOCOL");
  option("PreferredAuthentications=publickey");
  command.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C", "GIT_PROTOCOL=version=2"};
  if (!remote.ssh_key.empty()) {
    option("IdentitiesOnly=yes");
    option("IdentityAgent=none");
    option(path_option(operation, "IdentityFile", remote.ssh_key));
  } else if (const char* agent = std::getenv("SSH_AUTH_SOCK"); agent != nullptr) {
    command.environment.push_back("SSH_AUTH_SOCK=" + std::string(agent));
  }
  const std::string user = !address.user.empty() ? address.user : !remote.user.empty() ? remote.user : "git";
  const std::string path = address.path.starts_with("/~") ? address.path.substr(1) : address.path;
  for (const std::string& word : {std::string("-p"), address.port, std::string("-l"), user, std::string("--"),
                                  address.host, "git-upload-pack " + shell_quote(path)})
    command.arguments.push_back(word);
  return command;
}

Failure ssh_failure(const Operation& operation, const Address& address, std::string_view complaint) {
  const Remote& remote = operation.remote();
  if (has_any(complaint, {"IDENTIFICATION HAS CHANGED"})) {
    const std::string shown = fingerprint_in(complaint),
                      known = known_fingerprint(remote.known_hosts, complaint);
    return operation.failure(ProblemCause::permission,
                             "the host's key has changed: it shows " +
                                 (shown.empty() ? "another one" : shown) + ", but " + remote.known_hosts +
                                 " says " + (known.empty() ? "otherwise" : known) + "; nothing was sent",
                             "somebody may be in between. If the host was given a new key: " +
                                 scan_hint(address, remote.known_hosts) + " in place of the old one");
  }
  if (has_any(complaint, {"Host key verification failed", "host key is known"}))
    return operation.failure(ProblemCause::permission,
                             "the host's key is not in " + remote.known_hosts + "; nothing was sent",
                             scan_hint(address, remote.known_hosts));
  if (has_any(complaint, {"Permission denied", "Too many authentication failures", "UNPROTECTED PRIVATE KEY",
                          "Load key"})) {
    const std::string key = line_with(complaint, "Load key");
    return operation.failure(
        ProblemCause::permission, "the host refuses the key: " + (key.empty() ? last_line(complaint) : key),
        remote.ssh_key.empty()
            ? "set `ssh_key` of repository " + remote.name.str()
            : "add " + remote.ssh_key +
                  ".pub to the repository's deploy keys; the file must be ours alone (mode 0600)");
  }
  if (has_any(complaint, {"not found", "does not appear to be a git repository", "dubious ownership"}))
    return operation.failure(ProblemCause::permission, "the server says: " + last_line(complaint),
                             "is the url right, and may the key read the repository?");
  const std::string said = last_line(complaint);
  return operation.failure(ProblemCause::transient, said.empty() ? "the connection was closed" : said,
                           "is the host up, and the url right?");
}

}  // namespace gitopsd::source
