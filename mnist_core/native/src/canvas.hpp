// One image while it is augmented: 28 x 28 grey values as floats, with room for a border.
#pragma once

#include <cstdint>
#include <cstring>

#include "vector.hpp"

namespace drilldown {

constexpr int kSide = 28;
constexpr int kImagePixels = kSide * kSide;

// Pixel (y, x) lies at (y + 2) * kStride + x + 2: what lies outside the image is read from the
// border around it, not asked for. Rows are whole vectors, border and all: so are the image's rows
// from kFirstRow to kLastRow, which may be computed with what of the border is in them.
struct Canvas {
  static constexpr int kBorder = 2;
  static constexpr int kStride = 32;
  static constexpr int kFirstRow = kBorder, kLastRow = kBorder + kSide - 1;
  static_assert(kStride % kLanes == 0 && kSide + 2 * kBorder == kStride, "whole vectors");

  alignas(64) float grey[kStride * kStride];
  alignas(64) float apart[16];  // lest one pixel of all canvases falls into one set of the cache

  float* row(int y) { return grey + (y + kBorder) * kStride + kBorder; }
  const float* row(int y) const { return grey + (y + kBorder) * kStride + kBorder; }

  void load(const uint8_t* image) {
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) row(y)[x] = float(image[y * kSide + x]);
    }
  }

  void store(float* image) const {
    for (int y = 0; y < kSide; ++y) std::memcpy(image + y * kSide, row(y), kSide * sizeof(float));
  }

  // Sets everything outside the image.
  void frame(float fill) {
    for (int x = 0; x < kStride * kBorder; ++x) {
      grey[x] = fill;
      grey[kStride * kStride - 1 - x] = fill;
    }
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kBorder; ++x) row(y)[-1 - x] = row(y)[kSide + x] = fill;
    }
  }
};

inline Vector load(const float* values) {
  Vector v;
  std::memcpy(&v, values, sizeof v);
  return v;
}

inline void store(Vector v, float* values) { std::memcpy(values, &v, sizeof v); }

// Cut to 0..limit; what is no number becomes one of the two. The order of numbers that are not
// negative is that of their bits, and all others are negative as integers: of these compilers make
// single instructions where they would not of comparisons of floats.
inline Vector cut(Vector v, float limit) {
  const Ints last = floats_to_bits(splat(limit));
  Ints bits = floats_to_bits(v);
  bits = bits > 0 ? bits : Ints{};
  return bits_to_floats(bits < last ? bits : last);
}

}  // namespace drilldown
