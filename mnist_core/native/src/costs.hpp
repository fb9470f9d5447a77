// Where the time goes: seconds spent in each part, measured as it runs.
#pragma once

#include <array>
#include <chrono>

namespace drilldown {

enum class Part {
  kConvolution,
  kInputGradient,
  kWeightGradient,
  kPointwise,  // batch norm, activation, dropout
  kPooling,
  kAugmentation,
  kOptimizer,  // and averaging
  kEvaluation,
  kOther,
  kCount
};

using Costs = std::array<double, size_t(Part::kCount)>;

// Adds the time from its making to its end to a part.
class Timed {
 public:
  Timed(Costs& costs, Part part) : cost_(costs[size_t(part)]), start_(Clock::now()) {}
  ~Timed() { cost_ += std::chrono::duration<double>(Clock::now() - start_).count(); }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  double& cost_;
  Clock::time_point start_;
};

}  // namespace drilldown
