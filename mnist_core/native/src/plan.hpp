// From the layers of a config to what the engine runs: operations in segments, and the place of
// every tensor.
//
// A segment is what a block of images can go through without asking other blocks. Each but the
// first begins with a batch norm, whose statistics need the whole batch; only the inputs of
// segments are kept for the batch, everything between is computed again in the backward pass, in
// cache.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "binding.h"
#include "canvas.hpp"
#include "operation.hpp"
#include "pointwise.hpp"

namespace drilldown {

// One of torch's state_dict.
struct Tensor {
  int64_t place;  // in the flat array
  int64_t size;
  bool parameter;  // else a running statistic
  bool weight;     // of a convolution or linear layer
};

struct Segment {
  std::vector<std::unique_ptr<Operation>> operations;
  Pointwise* head = nullptr;  // the operation with batch norm that it begins with
};

struct Plan {
  std::vector<Segment> segments;
  std::vector<Tensor> tensors;  // in the order of the state_dict
  // The flat array: parameters first, then running statistics.
  int64_t parameters = 0, values = 0;
};

inline Shape image_shape() { return {1, kSide, kSide}; }

// Raises std::invalid_argument where the layers do not fit one another, std::length_error where
// sizes are beyond counting.
Plan make_plan(const dd_layer* layers, int count, const dd_recipe& recipe);

// About how many bytes an engine of these layers takes, found without asking for any. Raises as
// `make_plan`.
int64_t plan_bytes(const dd_layer* layers, int count, const dd_recipe& recipe);

inline int64_t blocks_of(int64_t images) { return (images + kLanes - 1) / kLanes; }
// How many of a block's lanes hold one of so many images.
inline int valid_lanes_of(int64_t images, int64_t block) {
  return int(std::min<int64_t>(kLanes, images - block * kLanes));
}

}  // namespace drilldown
