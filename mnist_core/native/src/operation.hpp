// What every step of a net can do with one block of images, forward and backward.
#pragma once

#include <cstdint>
#include <stdexcept>

#include "costs.hpp"
#include "layout.hpp"

namespace drilldown {

// Which block of which batch is at hand, and what for.
struct Pass {
  int64_t number = 0;  // of the batch, from 0
  int valid = kLanes;  // its first lanes that hold images; the others hold zeros
  int64_t step = 0;    // of the training, from 0
  bool training = true;
  bool again = false;  // the forward pass is run again for the backward pass: nothing is drawn anew
  Costs* costs = nullptr;

  int64_t first_image() const { return number * kLanes; }
  // Until the end of this, what runs counts as that part's cost.
  Timed timed(Part part) const { return {*costs, training ? part : Part::kEvaluation}; }
};

// A map in a buffer: `data` and where its numbers lie.
template <class V>
struct MapView {
  V* data;
  Layout layout;

  V* at(int64_t c, int64_t y = 0, int64_t x = 0) const { return data + layout.at(c, y, x); }
};
using Map = MapView<Vector>;
using ConstMap = MapView<const Vector>;
inline ConstMap constant(const Map& map) { return {map.data, map.layout}; }

// Parameters and running statistics of a net lie in one flat array, and their gradients in another
// of the same order.
class Operation {
 public:
  Operation(Shape input, Shape output) : input_(input), output_(output) {}
  virtual ~Operation() = default;

  const Shape& input() const { return input_; }
  const Shape& output() const { return output_; }

  // How the operation wants its input, and the gradient at its output, to lie. Whoever writes them
  // writes the numbers of the shape only: what lies between and around them is zero.
  virtual Layout input_layout() const { return dense_layout(input_); }
  virtual Layout gradient_layout() const { return dense_layout(output_); }

  // New values of the parameters are to be used from now on.
  virtual void prepare(const float* /*values*/) {}

  virtual void forward(const ConstMap& in, const Map& out, const Pass& block) = 0;

  // From the gradient at the output to that at the input (unless `in_gradient.data` is null), and
  // to those of the parameters, which are summed over the blocks of a batch. The output is not at
  // hand: what it takes of it is computed again.
  virtual void backward(const ConstMap& in, const ConstMap& out_gradient, const Map& in_gradient,
                        const Pass& block) = 0;

  // Put the sums over the batch where the gradients of the parameters belong, and begin new ones.
  virtual void finish(float* /*gradients*/) {}

 protected:
  Shape input_, output_;
};

}  // namespace drilldown
