// Batch norm: what it needs to know of the whole batch before any block can pass, either way.
//
// Over the M = N H W values of a channel, with s = sqrt(variance + eps) and g = dL/dy:
//
//   Forward:   y = gamma (x - mean) / s + beta
//   Backward:  dL/dbeta = sum g
//              dL/dgamma = sum g (x - mean) / s
//              dL/dx = gamma / s (g - sum g / M - (x - mean) / s^2 * sum g (x - mean) / M)
//
// since mean and variance depend on every x.
#pragma once

#include <vector>

#include "operation.hpp"

namespace drilldown {

class BatchNorm {
 public:
  // Where its tensors lie in the array of parameters and statistics.
  struct Places {
    int64_t gamma, beta, mean, variance;
  };

  BatchNorm(Shape shape, Places places);

  // values: from now on these are used, also for running statistics.
  void prepare(float* values) { values_ = values; }

  // Statistics of a channel over a block, from the sums of (x - origin) and its square in each
  // lane.
  void add(int channel, Vector origin, Vector sum, Vector squares, const Pass& pass);
  // The batch is whole. Raises std::domain_error where a channel has a single value.
  void finish_statistics();
  void use_running_statistics();

  // y = x * scale + shift
  Vector scale(int channel) const { return splat(scale_[size_t(channel)]); }
  Vector shift(int channel) const { return splat(shift_[size_t(channel)]); }
  Vector mean(int channel) const { return splat(float(moments_[size_t(channel)].mean)); }

  // Sums of g and of g (x - mean) over a block.
  void add_gradient(int channel, Vector sum, Vector product);
  void finish_gradient(float* gradients);

  // dL/dx = slope * (g - mean) + pull * (x - mean of x), once the gradient is finished. Where all g
  // are equal nothing is left of the first term, however large the slope.
  struct Gradient {
    Vector slope, mean, pull;
  };
  Gradient gradient(int channel) const { return gradient_[size_t(channel)]; }

 private:
  struct Moments {
    int64_t count = 0;
    double mean = 0, squares = 0;  // squares: of the deviations from the mean
    double scale = 0;              // 1 / s
  };
  struct Sums {
    double gradient = 0, product = 0;
  };

  static constexpr double kEpsilon = 1e-5, kMomentum = 0.1;

  Shape shape_;
  Places places_;
  float* values_ = nullptr;
  std::vector<Moments> moments_;
  std::vector<float> scale_, shift_;
  std::vector<Sums> sums_;
  std::vector<Gradient> gradient_;
};

}  // namespace drilldown
