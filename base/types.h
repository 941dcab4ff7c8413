// The strong types of gitopsd: what must not be mixed up has a type of its own.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace gitopsd {

/// A string that names one kind of thing. `Tag` keeps the kinds apart; two kinds never compare or convert.
template <class Tag>
class Name {
 public:
  Name() = default;
  explicit Name(std::string value) : value_(std::move(value)) {}
  const std::string& str() const { return value_; }
  bool empty() const { return value_.empty(); }
  auto operator<=>(const Name&) const = default;

 private:
  std::string value_;
};

using HookName = Name<struct HookTag>;
using RepositoryName = Name<struct RepositoryTag>;
using ApplicationName = Name<struct ApplicationTag>;
/// Survives a rename of the application (configuration: `uid`, by default the first name it had).
using ApplicationUid = Name<struct ApplicationUidTag>;
using DestinationName = Name<struct DestinationTag>;
/// What the forge calls one HTTP request; the same again on a redelivery.
using DeliveryId = Name<struct DeliveryTag>;
/// Made by a provider, canonical, one per thing per destination, at most 512 bytes; only ever compared.
using ResourceId = Name<struct ResourceTag>;

/// Rows of the store. Zero means "none".
template <class Tag>
struct RowId {
  std::int64_t value = 0;
  explicit operator bool() const { return value != 0; }
  auto operator<=>(const RowId&) const = default;
};
using EventId = RowId<struct EventTag>;
using SyncId = RowId<struct SyncTag>;

/// A full object id of a SHA-1 repository, 40 lower-case hexadecimal digits (commit, tree, blob or tag
/// object). A push event's `after` may name a tag object: it becomes a commit only when source/ peels it.
class CommitId {
 public:
  CommitId() = default;
  /// Accepts 40 hexadecimal digits of either case; anything else, 64 digits (SHA-256) among it, is nullopt.
  static std::optional<CommitId> parse(std::string_view text);
  const std::string& str() const { return hex_; }
  std::string short_str() const { return hex_.substr(0, 10); }
  bool empty() const { return hex_.empty(); }
  /// All zeros: forges write that for "did not exist" and "exists no more".
  bool is_zero() const;
  auto operator<=>(const CommitId&) const = default;

 private:
  explicit CommitId(std::string hex) : hex_(std::move(hex)) {}
  std::string hex_;
};

/// A full ref name, such as `refs/heads/main`, that passes git-check-ref-format(1). Compared whole, never in
/// part.
class Ref {
 public:
  Ref() = default;
  static std::optional<Ref> parse(std::string_view text);
  const std::string& str() const { return name_; }
  bool empty() const { return name_.empty(); }
  auto operator<=>(const Ref&) const = default;

 private:
  explicit Ref(std::string name) : name_(std::move(name)) {}
  std::string name_;
};

using Sha256 = std::array<std::uint8_t, 32>;

/// Wall-clock time in microseconds since the Unix epoch. For records; durations use
/// std::chrono::steady_clock.
using WallMicros = std::int64_t;

}  // namespace gitopsd

template <class Tag>
struct std::hash<gitopsd::Name<Tag>> {
  std::size_t operator()(const gitopsd::Name<Tag>& n) const { return std::hash<std::string>{}(n.str()); }
};
template <>
struct std::hash<gitopsd::CommitId> {
  std::size_t operator()(const gitopsd::CommitId& c) const { return std::hash<std::string>{}(c.str()); }
};
template <>
struct std::hash<gitopsd::Ref> {
  std::size_t operator()(const gitopsd::Ref& r) const { return std::hash<std::string>{}(r.str()); }
};
template <class Tag>
struct std::hash<gitopsd::RowId<Tag>> {
  std::size_t operator()(const gitopsd::RowId<Tag>& r) const { return std::hash<std::int64_t>{}(r.value); }
};
