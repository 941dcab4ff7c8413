// Gives what a C library made back to it.
#pragma once

namespace gitopsd::source {

/// A deleter for std::unique_ptr that calls `F`.
template <auto F>
struct Free {
  template <class T>
  void operator()(T* p) const {
    F(p);
  }
};

}  // namespace gitopsd::source
