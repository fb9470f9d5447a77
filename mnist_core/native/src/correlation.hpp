// Convolution by direct arithmetic on one block of images, as deep learning understands it
// (cross-correlation), and the gradient of its weights.
//
// A tile of O output channels x T neighbouring pixels stays in registers over all input channels
// and the whole kernel: each pixel that is loaded serves O multiply-adds, each weight, a broadcast,
// T.
#pragma once

#include <vector>

#include "operation.hpp"

namespace drilldown {

struct ConvolutionShape {
  int inputs, outputs, kernel, stride;
  int height, width;  // of the output

  int64_t weights() const {
    return checked_product(checked_product(inputs, outputs), checked_product(kernel, kernel));
  }
};

// Sums of the weights' gradients in vectors may take so many bytes in all.
constexpr int64_t kMostSums = int64_t(1) << 22;

// How many of `count` things the tiles take that cover them, as evenly as can be: 10 as 5 + 5, not
// as 8 + 2.
struct Split {
  int count, tiles;
  Split(int count_, int largest) : count(count_), tiles((count_ + largest - 1) / largest) {}
  int begin(int tile) const { return int(int64_t(count) * tile / tiles); }
  int size(int tile) const { return begin(tile + 1) - begin(tile); }
};

// out[o][y][x] =
//     bias[o] + sum over i, ky, kx of w[o][i][ky][kx] in[i][stride y + ky][stride x + kx]
class Correlation {
 public:
  explicit Correlation(const ConvolutionShape& shape);

  // w: [outputs][inputs][kernel][kernel], repacked here into the order that `run` reads it in.
  // flipped: w is [inputs][outputs][kernel][kernel], to be read back to front, as the gradient at
  // the input takes it.
  void set_weights(const float* w, bool flipped);
  // bias: [outputs], or null.
  void run(const ConstMap& in, const Map& out, const float* bias) const;

 private:
  ConvolutionShape shape_;
  Split channels_, pixels_;
  std::vector<float> weights_;  // by tile of channels: [inputs][kernel][kernel][O]
};

// The weights' gradient over a block, summed in vectors over blocks:
// dw[o][i][ky][kx] = sum over y, x of dy[o][y][x] in[i][stride y + ky][stride x + kx]
class WeightGradient {
 public:
  explicit WeightGradient(const ConvolutionShape& shape);

  void add(const ConstMap& in, const ConstMap& out_gradient);
  // Write the sums over lanes, [outputs][inputs][kernel][kernel], and begin new ones.
  void finish(float* dw);

 private:
  ConvolutionShape shape_;
  int columns_;  // of a row of the kernel that one tile takes together
  Split channels_, rows_;
  Buffer<Vector> sums_;    // [outputs][inputs][kernel][kernel], unless they would take too much
  Buffer<double> totals_;  // else these
};

}  // namespace drilldown
