// The vector that everything is computed in: one number of each of kLanes images, side by side.
//
// The library is compiled once for each instruction set, with DRILLDOWN_LANES set to the width that
// the set's registers have. The compilers' own vector types make of each operation what the set
// offers, so there is one source for all of them.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AVX__)
#include <immintrin.h>
#endif

#ifndef DRILLDOWN_LANES
#define DRILLDOWN_LANES 4
#endif

namespace drilldown {

constexpr int kLanes = DRILLDOWN_LANES;

// Accumulators that fit in registers beside what they are computed from: of 32 registers 24
// (AVX-512, NEON), of 16 ten (compilers spill with twelve).
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kAccumulators = 24;
#else
constexpr int kAccumulators = 10;
#endif

typedef float Vector __attribute__((vector_size(4 * DRILLDOWN_LANES)));
typedef int32_t Ints __attribute__((vector_size(4 * DRILLDOWN_LANES)));
typedef uint32_t Words __attribute__((vector_size(4 * DRILLDOWN_LANES)));

// value - 0 is value, whatever it is, so that nothing is left of it but a broadcast; value + 0 is
// not where value is -0.
inline Vector splat(float value) { return value - Vector{}; }
inline Words splat_words(uint32_t value) { return Words{} + value; }

// Where `mask` has all bits set the lane of `yes`, where it has none that of `no`.
inline Vector choose(Ints mask, Vector yes, Vector no) { return mask ? yes : no; }

inline Vector maximum(Vector a, Vector b) { return a > b ? a : b; }
inline Vector minimum(Vector a, Vector b) { return a < b ? a : b; }

inline Vector bits_to_floats(Ints bits) {
  Vector floats;
  std::memcpy(&floats, &bits, sizeof floats);
  return floats;
}

inline Ints floats_to_bits(Vector floats) {
  Ints bits;
  std::memcpy(&bits, &floats, sizeof bits);
  return bits;
}

// One bit for each lane, the first lane's the lowest: whether all bits of the lane are set.
inline uint32_t pack_lanes(Ints mask) {
#if defined(__AVX512DQ__) && DRILLDOWN_LANES == 16
  return uint32_t(_mm512_movepi32_mask((__m512i)mask));
#elif defined(__AVX__) && DRILLDOWN_LANES == 8
  return uint32_t(_mm256_movemask_ps((__m256)mask));
#else
  uint32_t bits = 0;
  for (int lane = 0; lane < kLanes; ++lane) bits |= uint32_t(mask[lane] & 1) << lane;
  return bits;
#endif
}

inline Words lane_bits() {
  Words bits;
  for (int lane = 0; lane < kLanes; ++lane) bits[lane] = uint32_t(1) << lane;
  return bits;
}

// The way back from `pack_lanes`.
inline Ints unpack_lanes(uint32_t bits) { return (splat_words(bits) & lane_bits()) != 0; }

// Sum over the first `count` lanes, in order, in double.
inline double lane_sum(Vector v, int count = kLanes) {
  double sum = 0;
  for (int lane = 0; lane < count; ++lane) sum += double(v[lane]);
  return sum;
}

}  // namespace drilldown
