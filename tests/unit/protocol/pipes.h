// Connected descriptors for tests of the protocol.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "base/file.h"

namespace gitopsd::protocol::test {

struct Duplex {
  Fd in, out;
};

/// Two ends, connected by two pipes (64 KiB each, as a child's standard streams are).
inline std::pair<Duplex, Duplex> pipes() {
  int a[2], b[2];
  if (::pipe2(a, O_CLOEXEC) != 0 || ::pipe2(b, O_CLOEXEC) != 0) std::abort();
  return {Duplex{Fd(a[0]), Fd(b[1])}, Duplex{Fd(b[0]), Fd(a[1])}};
}

}  // namespace gitopsd::protocol::test
