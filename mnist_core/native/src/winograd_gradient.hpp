// The gradient of a convolution's weights by Winograd's minimal filtering (see winograd.hpp).
#pragma once

#include "correlation.hpp"

namespace drilldown {

// Whether the shape can be done here and is faster so than by direct arithmetic. Measured.
bool winograd_gradient_pays(const ConvolutionShape& shape);

// As WeightGradient, for kernel 3 and stride 1: F(3 x 3, 2 x 2), whose outputs are the nine weights
// and whose filter is a tile of 2 x 2 pixels of the gradient. With g for two of its pixels,
//
//   m1 = (d1 + d2) (g0 + g1)    m0 = (d0 - d2) g0    dw0 = (m1 + m2) / 2 + m0
//   m2 = (d2 - d1) (g0 - g1)    m3 = (d3 - d1) g1    dw1 = (m1 - m2) / 2
//                                                    dw2 = (m1 + m2) / 2 + m3
//
// The products are summed over tiles, blocks and lanes and transformed back at the end of a step.
class WinogradWeightGradient {
 public:
  explicit WinogradWeightGradient(const ConvolutionShape& shape);

  void add(const ConstMap& in, const ConstMap& out_gradient);
  // Write the sums, [outputs][inputs][3][3], and begin new ones.
  void finish(float* dw);

 private:
  ConvolutionShape shape_;
  Split outputs_, inputs_;  // pairs, or one alone
  Split rows_;              // of tiles
  Buffer<Vector> sums_;     // [inputs][outputs][point of y][output][input][point of x]
  Buffer<Vector> zeros_;    // a row of a gradient
};

}  // namespace drilldown
