// Cross entropy of the ten scores, and what it says of them.
#pragma once

#include "operation.hpp"

namespace drilldown {

constexpr int kClasses = 10;

struct Outcome {
  double loss = 0;  // summed over images
  int64_t correct = 0;
};

// Of a block whose lanes have these labels. With p = softmax(scores) and the smoothed target
// q = (1 - smoothing) [class is the label] + smoothing / 10, an image's loss is - sum q log p, and
// its gradient at the scores (p - q) / batch, written where `gradient` is given: 0 in lanes without
// an image.
Outcome cross_entropy(const ConstMap& scores, const int64_t* labels, double smoothing,
                      const Pass& pass, int64_t batch, const Map* gradient);

}  // namespace drilldown
