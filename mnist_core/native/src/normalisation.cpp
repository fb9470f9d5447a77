#include "normalisation.hpp"

#include <cmath>

namespace drilldown {

BatchNorm::BatchNorm(Shape shape, Places places)
    : shape_(shape),
      places_(places),
      moments_(size_t(shape.channels)),
      scale_(size_t(shape.channels)),
      shift_(size_t(shape.channels)),
      sums_(size_t(shape.channels)),
      gradient_(size_t(shape.channels)) {}

// The moments of two sets are joined as in Chan, Golub & LeVeque 1979: neither the squares of large
// means nor the order of the sums costs accuracy.
void BatchNorm::add(int channel, Vector origin, Vector sum, Vector squares, const Pass& pass) {
  const double pixels = double(shape_.pixels());
  const Vector lane_shift = sum * float(1 / pixels);
  const Vector lane_mean = origin + lane_shift;
  const double mean = lane_sum(lane_mean, pass.valid) / pass.valid;
  const Vector apart = lane_mean - float(mean);
  const double deviations = lane_sum(squares - sum * lane_shift, pass.valid) +
                            pixels * lane_sum(apart * apart, pass.valid);
  Moments& all = moments_[size_t(channel)];
  if (pass.number == 0) all = Moments{};
  const double count = pixels * pass.valid, total = double(all.count) + count;
  const double distance = mean - all.mean;
  all.squares += deviations + distance * distance * double(all.count) * count / total;
  all.mean += distance * count / total;
  all.count += int64_t(count);
}

void BatchNorm::finish_statistics() {
  for (int c = 0; c < shape_.channels; ++c) {
    Moments& moments = moments_[size_t(c)];
    if (moments.count < 2) {
      throw std::domain_error("batch norm needs more than one value a channel when it trains");
    }
    const double variance = moments.squares / double(moments.count);
    moments.scale = 1 / std::sqrt(variance + kEpsilon);
    const float scale = float(moments.scale) * values_[places_.gamma + c];
    scale_[size_t(c)] = scale;
    shift_[size_t(c)] = values_[places_.beta + c] - float(moments.mean) * scale;
    float& mean = values_[places_.mean + c];
    float& unbiased = values_[places_.variance + c];
    mean += float(kMomentum * (moments.mean - double(mean)));
    const double sample = moments.squares / double(moments.count - 1);
    unbiased += float(kMomentum * (sample - double(unbiased)));
  }
}

void BatchNorm::use_running_statistics() {
  for (int c = 0; c < shape_.channels; ++c) {
    const double variance = double(values_[places_.variance + c]);
    const double scale = double(values_[places_.gamma + c]) / std::sqrt(variance + kEpsilon);
    scale_[size_t(c)] = float(scale);
    shift_[size_t(c)] =
        float(double(values_[places_.beta + c]) - double(values_[places_.mean + c]) * scale);
  }
}

void BatchNorm::add_gradient(int channel, Vector sum, Vector product) {
  sums_[size_t(channel)].gradient += lane_sum(sum);
  sums_[size_t(channel)].product += lane_sum(product);
}

void BatchNorm::finish_gradient(float* gradients) {
  for (int c = 0; c < shape_.channels; ++c) {
    Sums& sums = sums_[size_t(c)];
    const Moments& moments = moments_[size_t(c)];
    gradients[places_.beta + c] = float(sums.gradient);
    gradients[places_.gamma + c] = float(sums.product * moments.scale);
    const double slope = double(values_[places_.gamma + c]) * moments.scale;
    const double count = double(moments.count);
    gradient_[size_t(c)] = {
        splat(float(slope)), splat(float(sums.gradient / count)),
        splat(float(-slope * moments.scale * moments.scale * sums.product / count))};
    sums = Sums{};
  }
}

}  // namespace drilldown
