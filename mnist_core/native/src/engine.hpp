// One training's state: parameters, statistics, their average, the optimizer's memory.
#pragma once

#include <vector>

#include "augmentation.hpp"
#include "averaging.hpp"
#include "net.hpp"
#include "optimizer.hpp"

namespace drilldown {

class Engine {
 public:
  Engine(const dd_layer* layers, int layer_count, const dd_augmentation* augmentations,
         int augmentation_count, const dd_recipe& recipe);

  // Mean loss and gradients of the chosen images, [count]; see dd_backward.
  Outcome backward(const uint8_t* images, const int64_t* labels, int64_t size,
                   const int64_t* chosen, int64_t count, int64_t step);
  void update(double lr, double momentum);
  void reset_optimizer() { optimizer_.reset(); }
  Outcome evaluate(const uint8_t* images, const int64_t* labels, int64_t count, bool averaged);

  const std::vector<Tensor>& tensors() const { return net_.plan().tensors; }
  // The flat array of dd_which. Raises std::invalid_argument where there is none.
  float* values(int which);
  const Costs& costs() const { return net_.costs(); }

 private:
  dd_recipe recipe_;
  Net net_;
  Augmenter augmenter_;
  Optimizer optimizer_;
  Average average_;
  std::vector<float> values_, gradients_, averages_;
  std::vector<int64_t> chosen_labels_;
};

// Bytes that an Engine takes. Raises as make_plan, and std::length_error.
int64_t engine_bytes(const dd_layer* layers, int layer_count, const dd_recipe& recipe);

}  // namespace drilldown
