// The activations of the layer notation: value and derivative, as torch defines them.
#pragma once

#include "math.hpp"

namespace drilldown {

// A comparison with nan is false, so that nan passes through each of them.
struct Relu {
  static Vector value(Vector x) { return choose(x < 0.0f, splat(0), x); }
  static Vector derivative(Vector x) { return choose(x <= 0.0f, splat(0), splat(1)); }
};

struct LeakyRelu {
  static constexpr float kSlope = 0.01f;
  static Vector value(Vector x) { return choose(x < 0.0f, x * kSlope, x); }
  static Vector derivative(Vector x) { return choose(x <= 0.0f, splat(kSlope), splat(1)); }
};

// x s with s = sigmoid(x); d/dx = s + x s (1 - s).
struct Silu {
  static Vector value(Vector x) { return x * sigmoid(x); }
  static Vector derivative(Vector x) {
    const Vector s = sigmoid(x);
    return s * (1.0f + x * (1.0f - s));
  }
};

// x P(x) with P the normal distribution; d/dx = P(x) + x p(x).
struct Gelu {
  static Vector distribution(Vector x) { return 0.5f + 0.5f * erf(x * 0.70710678f); }
  static Vector value(Vector x) { return x * distribution(x); }
  static Vector derivative(Vector x) {
    return distribution(x) + x * 0.39894228f * exp(-0.5f * x * x);
  }
};

struct Elu {
  static Vector value(Vector x) { return choose(x > 0.0f, x, exp(x) - 1.0f); }
  static Vector derivative(Vector x) { return choose(x > 0.0f, splat(1), exp(x)); }
};

struct Hardswish {
  static Vector value(Vector x) {
    const Vector middle = x * (x + 3.0f) * (1.0f / 6);
    return choose(x <= -3.0f, splat(0), choose(x >= 3.0f, x, middle));
  }
  static Vector derivative(Vector x) {
    const Vector middle = x * (1.0f / 3) + 0.5f;
    return choose(x <= -3.0f, splat(0), choose(x >= 3.0f, splat(1), middle));
  }
};

// x t with t = tanh(log(1 + e^x)) = w / (w + 2), w = e^x (e^x + 2);
// d/dx = t + x (1 - t^2) sigmoid(x). Above 20, where e^x squared is beyond floats, t is 1.
struct Mish {
  static Vector ratio(Vector x) {
    const Vector e = exp(minimum(x, splat(20)));
    const Vector w = e * (e + 2.0f);
    return choose(x > 20.0f, splat(1), w / (w + 2.0f));
  }
  static Vector value(Vector x) { return x * ratio(x); }
  static Vector derivative(Vector x) {
    const Vector t = ratio(x);
    return t + x * (1.0f - t * t) * sigmoid(x);
  }
};

struct Tanh {
  static Vector value(Vector x) { return tanh(x); }
  static Vector derivative(Vector x) {
    const Vector t = tanh(x);
    return 1.0f - t * t;
  }
};

}  // namespace drilldown
