#include "daemon/source/upload_pack.h"

#include <algorithm>

namespace gitopsd::source {

namespace {

constexpr std::size_t kRefs = 1'000'000;
constexpr std::size_t kCapabilities = 256;
constexpr std::string_view kPeeled = "^{}";

bool begins_with_one_of(std::string_view name, const std::vector<std::string>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& p) { return name.starts_with(p); });
}

Failure sha256_repository(const Operation& operation) {
  return operation.failure(ProblemCause::input, "is a SHA-256 repository, which is not supported",
                           "use a repository whose object format is SHA-1 (git init --object-format=sha1)");
}

Failure not_understood(const Operation& operation, std::string_view line) {
  return operation.failure(ProblemCause::transient,
                           "sends what is not understood: \"" + printable(line, 80) + "\"",
                           "is the url that of a Git repository?");
}

CommitId parse_id(const Operation& operation, std::string_view hex, std::string_view line) {
  if (hex.size() == 64) throw sha256_repository(operation);
  const auto id = CommitId::parse(hex);
  if (!id) throw not_understood(operation, line);
  return *id;
}

/// What the server itself says is wrong; nearly always that there is no such repository, or not for us.
Failure server_says(const Operation& operation, std::string_view text) {
  return operation.failure(ProblemCause::permission, "the server says: " + printable(text),
                           "is the url right, and may the credentials read the repository?");
}

void too_many_refs(const Operation& operation, std::size_t count) {
  if (count > kRefs)
    throw operation.failure(ProblemCause::input, "has more than " + std::to_string(kRefs) + " matching refs");
}

}  // namespace

Packet UploadPack::data(const Operation& operation) {
  const Packet packet = packets_.next(operation);
  if (packet.kind == Packet::Kind::end) throw service_->ended(operation);
  if (packet.data.starts_with("ERR ")) throw server_says(operation, packet.line().substr(4));
  return packet;
}

void UploadPack::note_capability(const Operation& operation, std::string_view word) {
  if (word == "object-format=sha256") throw sha256_repository(operation);
  if (capabilities_.size() < kCapabilities && word.size() < 1024) capabilities_.emplace_back(word);
}

bool UploadPack::has_capability(std::string_view name) const {
  return std::any_of(capabilities_.begin(), capabilities_.end(), [&](std::string_view capability) {
    return capability.starts_with(name) &&
           (capability.size() == name.size() || capability[name.size()] == '=');
  });
}

std::vector<RemoteRef> UploadPack::start(const Operation& operation, const Prefixes& prefixes) {
  capabilities_.clear();
  advertised_.clear();
  packets_.restart();
  service_->advertise(operation);
  Packet first = data(operation);
  if (first.data.starts_with("# service=")) {
    if (data(operation).kind != Packet::Kind::flush) throw not_understood(operation, first.data);
    first = data(operation);
  }
  if (first.line() == "version 2") {
    read_capabilities_v2(operation);
    version_ = 2;
    return {};
  }
  if (first.line() == "version 1") first = data(operation);
  auto refs = read_refs_v0(operation, first, prefixes);
  version_ = 0;
  return refs;
}

void UploadPack::read_capabilities_v2(const Operation& operation) {
  for (Packet packet = data(operation); packet.kind == Packet::Kind::data; packet = data(operation))
    note_capability(operation, packet.line());
  if (!has_capability("ls-refs") || !has_capability("fetch")) throw not_understood(operation, "version 2");
}

std::vector<RemoteRef> UploadPack::read_refs_v0(const Operation& operation, Packet packet,
                                                const Prefixes& prefixes) {
  std::vector<RemoteRef> refs;
  bool first = true;
  for (; packet.kind == Packet::Kind::data; packet = data(operation)) {
    std::string_view line = packet.line();
    if (first) {
      std::string_view words;
      if (const auto zero = line.find('\0'); zero != std::string_view::npos) {
        words = line.substr(zero + 1);
        line = line.substr(0, zero);
      }
      while (!words.empty()) {
        const auto space = words.find(' ');
        note_capability(operation, words.substr(0, space));
        words.remove_prefix(space == std::string_view::npos ? words.size() : space + 1);
      }
      first = false;
    }
    if (line.starts_with("shallow ")) continue;
    const auto space = line.find(' ');
    if (space == std::string_view::npos) throw not_understood(operation, line);
    const CommitId id = parse_id(operation, line.substr(0, space), line);
    const std::string_view name = line.substr(space + 1);
    if (name == "capabilities^{}" || !begins_with_one_of(name, prefixes)) continue;
    if (!name.ends_with(kPeeled)) {
      refs.push_back({std::string(name), id, {}});
    } else if (!refs.empty() && refs.back().name == name.substr(0, name.size() - kPeeled.size())) {
      refs.back().peeled = id;
    }
    too_many_refs(operation, refs.size());
  }
  advertised_ = refs;
  return refs;
}

std::vector<RemoteRef> UploadPack::refs(const Operation& operation, const Prefixes& prefixes) {
  if (version_ != 2) {
    auto found = start(operation, prefixes);
    if (version_ != 2) return found;
  }
  return refs_v2(operation, prefixes);
}

std::string UploadPack::command_v2(std::string_view name) const {
  std::string out;
  append_packet(out, "command=" + std::string(name) + "\n");
  if (has_capability("agent")) append_packet(out, "agent=git/gitopsd-" GITOPSD_VERSION "\n");
  if (has_capability("object-format")) append_packet(out, "object-format=sha1\n");
  return out += kDelimiter;
}

std::vector<RemoteRef> UploadPack::refs_v2(const Operation& operation, const Prefixes& prefixes) {
  std::string request = command_v2("ls-refs");
  append_packet(request, "peel\n");
  for (const std::string& prefix : prefixes) append_packet(request, "ref-prefix " + prefix + "\n");
  request += kFlush;
  packets_.restart();
  service_->request(operation, request, 2);

  std::vector<RemoteRef> refs;
  for (Packet packet = data(operation); packet.kind == Packet::Kind::data; packet = data(operation)) {
    const std::string_view line = packet.line();
    std::string_view rest = line;
    const auto word = [&rest] {
      const auto space = rest.find(' ');
      const std::string_view out = rest.substr(0, space);
      rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
      return out;
    };
    const std::string_view hex = word();
    if (hex == "unborn") continue;
    RemoteRef ref{"", parse_id(operation, hex, line), {}};
    ref.name = word();
    while (!rest.empty()) {
      const std::string_view attribute = word();
      if (attribute.starts_with("peeled:")) ref.peeled = parse_id(operation, attribute.substr(7), line);
    }
    refs.push_back(std::move(ref));
    too_many_refs(operation, refs.size());
  }
  return refs;
}

std::string UploadPack::fetch_request_v2(const std::vector<CommitId>& wants,
                                         const std::vector<CommitId>& haves) const {
  std::string out = command_v2("fetch");
  for (const std::string_view option : {"thin-pack\n", "no-progress\n", "ofs-delta\n"})
    append_packet(out, option);
  for (const CommitId& id : wants) append_packet(out, "want " + id.str() + "\n");
  for (const CommitId& id : haves) append_packet(out, "have " + id.str() + "\n");
  append_packet(out, "done\n");
  return out += kFlush;
}

std::string UploadPack::fetch_request_v0(const std::vector<CommitId>& wants,
                                         const std::vector<CommitId>& haves) const {
  std::string options = " side-band-64k";
  for (const std::string_view option : {"multi_ack_detailed", "thin-pack", "no-progress", "ofs-delta"})
    if (has_capability(option)) options += " " + std::string(option);
  if (has_capability("agent")) options += " agent=git/gitopsd-" GITOPSD_VERSION;
  std::string out;
  for (const CommitId& id : wants) {
    append_packet(out, "want " + id.str() + options + "\n");
    options.clear();
  }
  out += kFlush;
  for (const CommitId& id : haves) append_packet(out, "have " + id.str() + "\n");
  append_packet(out, "done\n");
  return out;
}

bool UploadPack::fetch(const Operation& operation, const std::vector<CommitId>& wants,
                       const std::vector<CommitId>& haves, const PackSink& sink) {
  if (version_ != 2) {
    if (!has_capability("side-band-64k"))
      throw operation.failure(ProblemCause::input, "its Git server is too old: it knows no side-band-64k");
    const auto advertised = [&](const CommitId& id) {
      return std::any_of(advertised_.begin(), advertised_.end(),
                         [&](const RemoteRef& ref) { return ref.id == id; });
    };
    const bool any =
        has_capability("allow-reachable-sha1-in-want") || has_capability("allow-tip-sha1-in-want");
    if (!any && !std::all_of(wants.begin(), wants.end(), advertised)) return false;
  }
  fetched_ = true;
  packets_.restart();
  const std::string request = version_ == 2 ? fetch_request_v2(wants, haves) : fetch_request_v0(wants, haves);
  service_->request(operation, request, version_);
  refused_ = !receive(operation, sink);
  return !refused_;
}

bool UploadPack::receive(const Operation& operation, const PackSink& sink) {
  bool in_pack = version_ != 2, some = false;
  for (;;) {
    const Packet packet = packets_.next(operation);
    if (packet.kind == Packet::Kind::end && !some && service_->may_lose_refusal()) return false;
    if (packet.kind == Packet::Kind::end) throw service_->ended(operation);
    if (packet.kind == Packet::Kind::flush && some) return true;
    if (packet.kind != Packet::Kind::data || packet.data.empty()) continue;
    const std::string_view data = packet.data;
    if (data.starts_with("ERR ")) {
      // git words it so in all versions; an id that is not there is no error here but an answer.
      if (!some && data.find("not our ref") != std::string_view::npos) return false;
      throw server_says(operation, packet.line().substr(4));
    }
    if (!in_pack) {
      in_pack = packet.line() == "packfile";
      continue;
    }
    switch (data.front()) {
      case 1:
        some = true;
        sink(data.substr(1));
        break;
      case 2:
        break;  // progress, for people
      case 3:
        throw operation.failure(ProblemCause::transient, "the server gave up: " + printable(data.substr(1)),
                                "look at the server's log");
      default:
        if (some || (data.front() != 'A' && data.front() != 'N')) throw not_understood(operation, data);
    }
  }
}

void UploadPack::finish(const Operation& operation) {
  // In the old versions a pack is the end of the conversation, and a server that refused may have left
  // already.
  if (!can_fetch() || refused_) return;
  service_->finish(operation);
}

void UploadPack::hang_up() {
  packets_.restart();
  service_->hang_up();
}

}  // namespace gitopsd::source
