// Which of the instruction sets this processor has.
//
// Asked of the processor itself: the compilers' __builtin_cpu_supports says no to everything where
// zig has compiled it. To have the instructions is not enough: the operating system must keep the
// registers, too, which the register xcr0 tells (Intel's manual, volume 1, 14.3 and 15.2).
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace drilldown {

#if defined(__x86_64__)

constexpr bool has_all(uint64_t word, uint64_t bits) { return (word & bits) == bits; }

constexpr uint32_t bits() { return 0; }

template <class... Rest>
constexpr uint32_t bits(int first, Rest... rest) {
  return uint32_t(1) << first | bits(rest...);
}

// The registers that the operating system keeps; none where it does not say.
inline uint64_t kept_registers() {
  uint32_t a = 0, b = 0, c = 0, d = 0;
  constexpr uint32_t kXgetbv = bits(27);
  if (!__get_cpuid(1, &a, &b, &c, &d) || !has_all(c, kXgetbv)) return 0;
  uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t(high) << 32 | low;
}

inline const char* best_instruction_set() {
  uint32_t a = 0, b = 0, c = 0, d = 0;
  constexpr uint32_t kFmaMovbeAvxF16c = bits(12, 22, 28, 29);
  if (!__get_cpuid(1, &a, &b, &c, &d) || !has_all(c, kFmaMovbeAvxF16c)) return "portable";
  constexpr uint32_t kLzcnt = bits(5);
  if (!__get_cpuid(0x80000001, &a, &b, &c, &d) || !has_all(c, kLzcnt)) return "portable";
  constexpr uint32_t kBmi1Avx2Bmi2 = bits(3, 5, 8), kAvx512FDqCdBwVl = bits(16, 17, 28, 30, 31);
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !has_all(b, kBmi1Avx2Bmi2)) return "portable";
  constexpr uint64_t kXmmYmm = bits(1, 2), kMasksZmm = bits(5, 6, 7);
  const uint64_t kept = kept_registers();
  if (!has_all(kept, kXmmYmm)) return "portable";
  return has_all(b, kAvx512FDqCdBwVl) && has_all(kept, kMasksZmm) ? "avx512" : "avx2";
}

#else

inline const char* best_instruction_set() { return "portable"; }

#endif

}  // namespace drilldown
