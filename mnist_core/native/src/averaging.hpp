// The running average of parameters and statistics that is tested in place of the latest ones.
#pragma once

#include <algorithm>
#include <cstdint>

namespace drilldown {

// An exponential moving average: the first update is taken whole, and after n more
//
//   average = d * average + (1 - d) * current    with d = min(decay, (1 + n) / (10 + n)),
//
// so that a short training is not held back by its start (mnist_core.config.Ema).
class Average {
 public:
  explicit Average(double decay) : decay_(decay) {}

  // Takes `current` into `average`, both [count].
  void update(float* __restrict average, const float* __restrict current, int64_t count) {
    const double n = double(updates_++);
    if (n == 0) {  // also where the average is no number yet
      std::copy_n(current, count, average);
      return;
    }
    const float share = float(1 - std::min(decay_, (1 + n) / (10 + n)));
    for (int64_t i = 0; i < count; ++i) average[i] += share * (current[i] - average[i]);
  }

 private:
  double decay_;
  int64_t updates_ = 0;
};

}  // namespace drilldown
