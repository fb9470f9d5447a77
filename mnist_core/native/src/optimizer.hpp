// The rules by which the parameters follow their gradients: those of torch.optim.
#pragma once

#include <cstdint>
#include <vector>

#include "binding.h"
#include "layout.hpp"

namespace drilldown {

// Of the array of all parameters, end not included.
struct Range {
  int64_t begin, end;
};

class Optimizer {
 public:
  // decayed: what the weight decay acts on; in order, without overlap, within [0, parameters).
  Optimizer(const dd_recipe& recipe, int64_t parameters, const std::vector<Range>& decayed);

  // One update of all parameters. momentum: of SGD, or Adam's beta 1, which a schedule may move.
  void update(float* values, const float* gradients, double lr, double momentum);

  // Forgets the past, as a new optimizer does.
  void reset();

 private:
  // A run of parameters of the same decay.
  struct Piece {
    Range range;
    double decay;
  };

  dd_recipe recipe_;
  std::vector<Piece> pieces_;    // all parameters
  int64_t steps_ = 0;            // of Adam
  bool has_velocity_ = false;    // of SGD, from the first update that has a momentum
  Buffer<float> mean_, square_;  // running ones of the gradients; mean_ is also SGD's velocity
};

}  // namespace drilldown
