// Maximum and mean over windows of a map. The global mean is that over one window, the whole map.
#pragma once

#include "operation.hpp"

namespace drilldown {

class MaxPool : public Operation {
 public:
  MaxPool(Shape input, Shape output, int kernel, int stride)
      : Operation(input, output), kernel_(kernel), stride_(stride) {}
  void forward(const ConstMap& in, const Map& out, const Pass& pass) override;
  void backward(const ConstMap& in, const ConstMap& out_gradient, const Map& in_gradient,
                const Pass& pass) override;

 private:
  int kernel_, stride_;
};

class AvgPool : public Operation {
 public:
  AvgPool(Shape input, Shape output, int kernel_height, int kernel_width, int stride)
      : Operation(input, output),
        height_(kernel_height),
        width_(kernel_width),
        stride_(stride),
        share_(1.0f / (float(kernel_height) * float(kernel_width))) {}
  void forward(const ConstMap& in, const Map& out, const Pass& pass) override;
  void backward(const ConstMap& in, const ConstMap& out_gradient, const Map& in_gradient,
                const Pass& pass) override;

 private:
  int height_, width_, stride_;
  float share_;
};

}  // namespace drilldown
