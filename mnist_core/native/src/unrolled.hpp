// Loops over what is to stay in registers.
#pragma once

#define DRILLDOWN_INLINE __attribute__((always_inline)) inline

namespace drilldown {

// Calls f(a, b) for all a < A, b < B, each with its own copy of the code. An array that is indexed
// by a and b in such loops only stays in registers; one other loop, and all of it goes through
// memory.
template <int A, int B, class F>
DRILLDOWN_INLINE void for_each(F f) {
#pragma GCC unroll 24
  for (int a = 0; a < A; ++a) {
#pragma GCC unroll 24
    for (int b = 0; b < B; ++b) f(a, b);
  }
}

}  // namespace drilldown
