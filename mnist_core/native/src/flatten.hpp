// From a map to a flat vector of features, in the order of channels, rows and columns.
#pragma once

#include "operation.hpp"

namespace drilldown {

class Flatten : public Operation {
 public:
  Flatten(Shape input, Shape output) : Operation(input, output) {}

  void forward(const ConstMap& in, const Map& out, const Pass&) override {
    each([&](int64_t feature, int c, int y, int x) { *out.at(feature) = *in.at(c, y, x); });
  }
  void backward(const ConstMap&, const ConstMap& out_gradient, const Map& in_gradient,
                const Pass&) override {
    if (in_gradient.data == nullptr) return;
    each([&](int64_t feature, int c, int y, int x) {
      *in_gradient.at(c, y, x) = *out_gradient.at(feature);
    });
  }

 private:
  template <class F>
  void each(F f) const {
    int64_t feature = 0;
    for (int c = 0; c < input_.channels; ++c) {
      for (int y = 0; y < input_.height; ++y) {
        for (int x = 0; x < input_.width; ++x) f(feature++, c, y, x);
      }
    }
  }
};

}  // namespace drilldown
