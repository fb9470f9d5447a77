// Convolution by Winograd's minimal filtering: kernels of 3 x 3, stride 1. After Lavin and Gray
// (2015), Fast Algorithms for Convolutional Neural Networks, arXiv:1509.09308; for the points, and
// what they cost in rounding, Barabasz et al. (2020), ACM Trans. Math. Software 46(4).
//
// F(2, 3) makes two outputs y of a filter g, y[x] = sum over k of d[x + k] g[k], of four products
// instead of six. Taken as polynomials, filter and outputs have a product of degree 3, known by its
// values at four points; the transposed way back from those values is the filter. At 1, -1, 0 and
// infinity:
//
//   m1 = (d1 + d2) (g0 + g1 + g2) / 2    m0 = (d0 - d2) g0     y0 = m1 + m2 + m0
//   m2 = (d2 - d1) (g0 - g1 + g2) / 2    m3 = (d3 - d1) g2     y1 = m1 - m2 + m3
//
// F(4, 3) makes four outputs of six products instead of twelve, at 1, -1, 1/2, -1/2, 0, infinity:
//
//   m1 = (d4 + d3 - (d2 + d1) / 4) (g0 + g1 + g2) 2 / 3
//   m2 = (d4 - d3 - (d2 - d1) / 4) (g0 - g1 + g2) 2 / 3        y0 = m1 + m2 + m3 + m4 + m0
//   m3 = (d4 - d2 + (d3 - d1) / 2) (g0 + g1/2 + g2/4) (-8/3)   y1 = m1 - m2 + (m3 - m4) / 2
//   m4 = (d4 - d2 - (d3 - d1) / 2) (g0 - g1/2 + g2/4) (-8/3)   y2 = m1 + m2 + (m3 + m4) / 4
//   m0 = (d0 - 5 d2 + 4 d4) g0                                 y3 = m1 - m2 + (m3 - m4) / 8 + m5
//   m5 = (d5 - 5/4 d3 + d1 / 4) g2
//
// One inside the other they filter images: F(2 x 2, 3 x 3) takes 16 products for the 36 of direct
// arithmetic, F(4 x 2, 3 x 3) 24 for 72. As all maps are linear, the products are summed over the
// input channels before they are transformed back.
#pragma once

#include <array>
#include <vector>

#include "correlation.hpp"

namespace drilldown {

// Whether the shape can be done here and is faster so than by direct arithmetic. Measured.
bool winograd_pays(const ConvolutionShape& shape);

// As Correlation, for kernel 3, stride 1 and an output of at least 2 rows of 4 pixels, of maps
// whose columns lie side by side. It holds the memory that it works in: one for each thread.
class WinogradCorrelation {
 public:
  // tallest: 4 for F(4 x 2) where four rows are left, 2 for F(2 x 2) everywhere, which rounds less.
  explicit WinogradCorrelation(const ConvolutionShape& shape, int tallest = 4);

  void set_weights(const float* w, bool flipped);
  void run(const ConstMap& in, const Map& out, const float* bias);

 private:
  // Rows from y on, or pixels from x on. The last may overlap the one before.
  struct Span {
    int begin, size;
  };
  // The weights for panels of a size: some tiles side by side, of so many rows x 2 pixels each. By
  // group of output channels: [point of y][pair of points of x][input][2][output].
  struct Weights {
    Split channels{0, 1};
    Buffer<float> packed;  // empty where no panel has the size
  };

  static std::vector<Span> spans(int size, const std::vector<int>& sizes);
  Weights& weights_for(int rows, int tiles) { return weights_[rows / 4][tiles - 2]; }
  template <int M>
  void pack(Weights& weights, const float* w, bool flipped) const;
  template <int M, int T>
  void run_panel(const ConstMap& in, const Map& out, const float* bias);

  ConvolutionShape shape_;
  std::vector<Span> down_, across_;
  std::array<std::array<Weights, 2>, 2> weights_;
  Buffer<Vector> data_;     // of two points of y: [point][pair of points of x][input][2][tile]
  Buffer<Vector> partial_;  // sums over the points of y so far: [output][row][pixel]
};

}  // namespace drilldown
