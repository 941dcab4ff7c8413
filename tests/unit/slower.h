// How much longer than elsewhere tests wait where a sanitizer watches: nothing is optimised there, either.
#pragma once

namespace gitopsd::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int kSlower = 5;
#else
inline constexpr int kSlower = 1;
#endif

}  // namespace gitopsd::test
