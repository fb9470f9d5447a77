// Elementary functions of vectors, to about single precision.
#pragma once

#include "vector.hpp"

namespace drilldown {

// exp(x): 2^n * exp(r) with x = n ln 2 + r, |r| <= ln 2 / 2, exp(r) by its Taylor polynomial of
// degree 6 (relative error below 2e-7). It is held between exp(-87.3) and exp(88.3), next to the
// ends of what a float can be; nan stays nan.
inline Vector exp(Vector x) {
  const Vector held = choose(x < -87.3f, splat(-87.3f), choose(x > 88.3f, splat(88.3f), x));
  const Vector magic = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to a whole number
  const Vector shifted = held * 1.44269504f + magic;
  const Vector n = shifted - magic;
  const Vector r = (held - n * 0.693359375f) - n * -2.12194440e-4f;
  Vector p = splat(1.0f / 720);
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return p * bits_to_floats((floats_to_bits(shifted) - 0x4B400000 + 127) << 23);
}

inline Vector sigmoid(Vector x) { return 1.0f / (1.0f + exp(-x)); }

inline Vector tanh(Vector x) { return 1.0f - 2.0f / (1.0f + exp(2.0f * x)); }

// Abramowitz and Stegun 7.1.26; absolute error below 2e-7.
inline Vector erf(Vector x) {
  const Vector size = choose(x < 0.0f, -x, x);
  const Vector t = 1.0f / (1.0f + 0.3275911f * size);
  Vector p = splat(1.061405429f);
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  const Vector result = 1.0f - p * t * exp(-size * size);
  return choose(x < 0.0f, -result, result);
}

}  // namespace drilldown
