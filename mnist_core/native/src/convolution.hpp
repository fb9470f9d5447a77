// Convolutions and linear layers: the passes of a block, each a correlation.
//
// With kernel K, padding p and stride s:
//
//   Forward:          y[o] = bias[o] + sum over i of w[o][i] correlated over the padded x[i]
//   Weight gradient:  dL/dw[o][i][ky][kx] =
//                         sum over pixels of dL/dy[o][y][x] x[i][s y + ky][s x + kx]
//   Input gradient:   x[i][j] had a part in y[o][k] with the weight w[o][i][j + p - s k], so that
//                     dL/dx[i] = sum over o of w[o][i], read back to front, correlated over
//                         dL/dy[o] with s - 1 zeros between its pixels and K - 1 - p around them
#pragma once

#include <memory>
#include <vector>

#include "correlator.hpp"

namespace drilldown {

struct ConvolutionSpec {
  int kernel = 1, padding = 0, stride = 1, groups = 1;
};

class Convolution : public Operation {
 public:
  // weight, bias: where they lie among the parameters; bias is -1 where there is none.
  Convolution(Shape input, Shape output, ConvolutionSpec spec, int64_t weight, int64_t bias);

  Layout input_layout() const override { return padded_layout(input_, spec_.padding); }
  Layout gradient_layout() const override;

  void prepare(const float* values) override;
  void forward(const ConstMap& in, const Map& out, const Pass& pass) override;
  void backward(const ConstMap& in, const ConstMap& out_gradient, const Map& in_gradient,
                const Pass& pass) override;
  void finish(float* gradients) override;

 private:
  // Of one group of channels.
  struct Group {
    Correlator forward, input_gradient;
    WeightSums weight_gradient;
  };

  ConvolutionShape forward_shape() const;
  ConvolutionShape backward_shape() const;
  int edge() const { return spec_.kernel - 1 - spec_.padding; }
  ConstMap padded(const ConstMap& in, int group) const;

  ConvolutionSpec spec_;
  int64_t weight_, bias_;
  const float* values_ = nullptr;
  std::vector<Group> groups_;
  std::vector<double> bias_sums_;
};

}  // namespace drilldown
