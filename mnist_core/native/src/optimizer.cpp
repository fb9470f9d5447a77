#include "optimizer.hpp"

#include <cmath>

namespace drilldown {
namespace {

// What one rule reads and writes for one tensor.
struct Slice {
  int64_t count;
  float* __restrict values;
  const float* __restrict gradients;
  float* __restrict mean;
  float* __restrict square;
};

// torch.optim.SGD:
//
//   g = gradient + decay * value
//   velocity = momentum * velocity + g    (at first g: `kept` is how much of the velocity is kept)
//   value -= lr * velocity                (Nesterov: lr * (g + momentum * velocity))
void plain_sgd(const Slice& at, float lr, float decay) {
  for (int64_t i = 0; i < at.count; ++i) {
    at.values[i] -= lr * (at.gradients[i] + decay * at.values[i]);
  }
}

void sgd(const Slice& at, float lr, float kept, float decay) {
  for (int64_t i = 0; i < at.count; ++i) {
    at.mean[i] = kept * at.mean[i] + (at.gradients[i] + decay * at.values[i]);
    at.values[i] -= lr * at.mean[i];
  }
}

void nesterov(const Slice& at, float lr, float momentum, float kept, float decay) {
  for (int64_t i = 0; i < at.count; ++i) {
    const float gradient = at.gradients[i] + decay * at.values[i];
    at.mean[i] = kept * at.mean[i] + gradient;
    at.values[i] -= lr * (gradient + momentum * at.mean[i]);
  }
}

// torch.optim.Adam and AdamW, after t updates, this one included:
//
//   value *= 1 - lr * decay               (AdamW)
//   g = gradient + decay * value          (Adam)
//   mean = beta1 * mean + (1 - beta1) * g
//   square = beta2 * square + (1 - beta2) * g^2
//   value -= lr / (1 - beta1^t) * mean / (sqrt(square) / sqrt(1 - beta2^t) + epsilon)
//
// A schedule that moves beta 1 moves the correction with it: beta1^t is of the beta 1 at hand.
struct AdamRates {
  float step, root_correction;     // lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t)
  float mean_share, square_share;  // 1 - beta1, 1 - beta2
  float beta2;
};

AdamRates adam_rates(double lr, double beta1, double beta2, int64_t steps) {
  return {float(lr / (1 - std::pow(beta1, double(steps)))),
          float(1 / std::sqrt(1 - std::pow(beta2, double(steps)))), float(1 - beta1),
          float(1 - beta2), float(beta2)};
}

// left: what AdamW leaves of a value, else 1; coupled: Adam's decay, else 0.
void adam(const Slice& at, const AdamRates& rates, float left, float coupled) {
  constexpr float kEpsilon = 1e-8f;
  for (int64_t i = 0; i < at.count; ++i) {
    const float value = left * at.values[i];
    const float gradient = at.gradients[i] + coupled * at.values[i];
    at.mean[i] += rates.mean_share * (gradient - at.mean[i]);
    at.square[i] = rates.beta2 * at.square[i] + rates.square_share * gradient * gradient;
    const float root = std::sqrt(at.square[i]) * rates.root_correction;
    at.values[i] = value - rates.step * at.mean[i] / (root + kEpsilon);
  }
}

}  // namespace

Optimizer::Optimizer(const dd_recipe& recipe, int64_t parameters, const std::vector<Range>& decayed)
    : recipe_(recipe), mean_(parameters), square_(recipe.optimizer == DD_SGD ? 0 : parameters) {
  int64_t end = 0;
  for (const Range& range : decayed) {
    if (end < range.begin) pieces_.push_back({{end, range.begin}, 0});
    pieces_.push_back({range, recipe.weight_decay});
    end = range.end;
  }
  if (end < parameters) pieces_.push_back({{end, parameters}, 0});
}

void Optimizer::update(float* values, const float* gradients, double lr, double momentum) {
  const bool is_sgd = recipe_.optimizer == DD_SGD, decoupled = recipe_.optimizer == DD_ADAMW;
  const float kept = has_velocity_ ? float(momentum) : 0;
  const AdamRates rates = adam_rates(lr, momentum, recipe_.beta2, ++steps_);
  for (const auto& [range, decay] : pieces_) {
    const Slice at = {range.end - range.begin, values + range.begin, gradients + range.begin,
                      mean_.data() + range.begin, is_sgd ? nullptr : square_.data() + range.begin};
    if (!is_sgd) {
      adam(at, rates, decoupled ? float(1 - lr * decay) : 1, decoupled ? 0 : float(decay));
    } else if (momentum == 0) {
      plain_sgd(at, float(lr), float(decay));
    } else if (recipe_.nesterov) {
      nesterov(at, float(lr), float(momentum), kept, float(decay));
    } else {
      sgd(at, float(lr), kept, float(decay));
    }
  }
  has_velocity_ = has_velocity_ || momentum != 0;
}

void Optimizer::reset() {
  steps_ = 0;
  has_velocity_ = false;
  mean_.fill_zero();
  square_.fill_zero();
}

}  // namespace drilldown
