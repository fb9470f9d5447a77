#include "loss.hpp"

#include <cmath>

#include "math.hpp"

namespace drilldown {

Outcome cross_entropy(const ConstMap& scores, const int64_t* labels, double smoothing,
                      const Pass& pass, int64_t batch, const Map* gradient) {
  Vector highest = *scores.at(0);
  for (int c = 1; c < kClasses; ++c) highest = maximum(*scores.at(c), highest);
  Vector exponentials[kClasses], sum = splat(0);
  for (int c = 0; c < kClasses; ++c) {
    exponentials[c] = exp(*scores.at(c) - highest);
    sum += exponentials[c];
  }
  const double even = smoothing / kClasses;
  Outcome outcome;
  for (int lane = 0; lane < pass.valid; ++lane) {
    const double log_sum = double(highest[lane]) + std::log(double(sum[lane]));
    double loss = 0;
    int best = 0;
    for (int c = 0; c < kClasses; ++c) {
      const double target = even + (c == labels[lane] ? 1 - smoothing : 0);
      const float score = (*scores.at(c))[lane];
      // A target of 0 and a score of minus infinity are worth nothing, not nan.
      if (target != 0) loss += target * (log_sum - double(score));
      if (score > (*scores.at(best))[lane]) best = c;
    }
    outcome.loss += loss;
    outcome.correct += best == labels[lane];
  }
  if (gradient == nullptr) return outcome;
  Vector share = splat(0);  // 1 / batch in the lanes that hold images
  for (int lane = 0; lane < pass.valid; ++lane) share[lane] = float(1.0 / double(batch));
  for (int c = 0; c < kClasses; ++c) {
    Vector target = splat(float(even));
    for (int lane = 0; lane < pass.valid; ++lane) {
      if (c == labels[lane]) target[lane] += float(1 - smoothing);
    }
    *gradient->at(c) = (exponentials[c] / sum - target) * share;
  }
  return outcome;
}

}  // namespace drilldown
