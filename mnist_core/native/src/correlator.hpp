// A convolution's passes by direct arithmetic, or by Winograd's where that is faster.
#pragma once

#include <optional>

#include "winograd.hpp"
#include "winograd_gradient.hpp"

namespace drilldown {

// As Correlation.
class Correlator {
 public:
  explicit Correlator(const ConvolutionShape& shape) : direct_(shape) {
    if (winograd_pays(shape)) winograd_.emplace(shape);
  }

  void set_weights(const float* w, bool flipped) {
    direct_.set_weights(w, flipped);
    if (winograd_) winograd_->set_weights(w, flipped);
  }
  void run(const ConstMap& in, const Map& out, const float* bias) {
    // Where a strided convolution has put its gradient apart, only direct arithmetic knows its way.
    if (winograd_ && out.layout.column == 1) {
      winograd_->run(in, out, bias);
    } else {
      direct_.run(in, out, bias);
    }
  }

 private:
  Correlation direct_;
  std::optional<WinogradCorrelation> winograd_;
};

// As WeightGradient.
class WeightSums {
 public:
  explicit WeightSums(const ConvolutionShape& shape) {
    if (winograd_gradient_pays(shape)) {
      winograd_.emplace(shape);
    } else {
      direct_.emplace(shape);
    }
  }

  void add(const ConstMap& in, const ConstMap& out_gradient) {
    winograd_ ? winograd_->add(in, out_gradient) : direct_->add(in, out_gradient);
  }
  void finish(float* dw) { winograd_ ? winograd_->finish(dw) : direct_->finish(dw); }

 private:
  std::optional<WeightGradient> direct_;
  std::optional<WinogradWeightGradient> winograd_;
};

}  // namespace drilldown
