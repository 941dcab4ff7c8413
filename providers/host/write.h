// Everything that changes the host. Each change is whole or not there: made beside, synced, renamed into
// place.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>

#include "providers/host/place.h"

namespace gitopsd::host {

/// The live state is no longer what the plan saw.
class Stale : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

using ContentSink = std::function<void(std::string_view)>;

/// How a finished thing gets its name.
struct Arrival {
  Type replaces = Type::absent;  ///< what stands there; a directory is swapped out and then removed
  /// Runs just before the rename; throws Stale where the plan's precondition no longer holds.
  std::function<void()> check;
};

/// The name beside a path under which its next state is made; the same for the same path, so that what a
/// crash left is found again.
std::string temporary_name(std::string_view path);
/// Removes what a crash may have left beside `place`.
void remove_leftover(const Place& place);

/// `produce` hands the content to its sink; `ready` is told its HMAC just before the file arrives.
void put_file(const Place&, const Facts& wanted, const Secret& key,
              const std::function<void(const ContentSink&)>& produce, const Arrival&,
              const std::function<void(std::string)>& ready);
void put_symlink(const Place&, const std::string& target, const Arrival&);
void put_directory(const Place&, const Facts& wanted, const Arrival&);
/// Mode and owner of a directory that is there already.
void change_directory(const Place&, const Facts& wanted);

/// Removes a file, link or special file.
void remove_name(const Place&);
/// Removes a directory; what is in it only with `contents`. Crosses no mount point and follows no link.
void remove_directory(const Place&, bool contents);

}  // namespace gitopsd::host
