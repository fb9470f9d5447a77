#include "engine.hpp"

#include <algorithm>
#include <stdexcept>

namespace drilldown {
namespace {

// What the weight decay acts on: weights, or all parameters.
std::vector<Range> decayed(const Plan& plan, const dd_recipe& recipe) {
  std::vector<Range> ranges;
  for (const Tensor& tensor : plan.tensors) {
    if (tensor.parameter && (tensor.weight || recipe.decay_all)) {
      ranges.push_back({tensor.place, tensor.place + tensor.size});
    }
  }
  return ranges;
}

void check_labels(const int64_t* labels, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    if (labels[i] < 0 || labels[i] >= kClasses) throw std::invalid_argument("no such class");
  }
}

void check(const dd_recipe& recipe) {
  if (recipe.batch_size < 1) throw std::invalid_argument("the batch size is below 1");
}

}  // namespace

Engine::Engine(const dd_layer* layers, int layer_count, const dd_augmentation* augmentations,
               int augmentation_count, const dd_recipe& recipe)
    : recipe_((check(recipe), recipe)),
      net_(make_plan(layers, layer_count, recipe), recipe.batch_size, recipe.label_smoothing),
      augmenter_(augmentations, augmentation_count, recipe.augmentation_seed),
      optimizer_(recipe, net_.plan().parameters, decayed(net_.plan(), recipe)),
      average_(recipe.average_decay),
      values_(size_t(net_.plan().values)),
      gradients_(size_t(net_.plan().parameters)),
      averages_(recipe.averaging ? values_.size() : 0) {}

Outcome Engine::backward(const uint8_t* images, const int64_t* labels, int64_t size,
                         const int64_t* chosen, int64_t count, int64_t step) {
  if (count < 1 || count > recipe_.batch_size) throw std::invalid_argument("not a batch's size");
  chosen_labels_.resize(size_t(count));
  for (int64_t i = 0; i < count; ++i) {
    if (chosen[i] < 0 || chosen[i] >= size) throw std::invalid_argument("no such image");
    chosen_labels_[size_t(i)] = labels[chosen[i]];
  }
  check_labels(chosen_labels_.data(), count);
  {
    const Timed timed(net_.costs(), Part::kAugmentation);
    for (int64_t block = 0; block < blocks_of(count); ++block) {
      const Map into = net_.images(block);
      const int64_t first = block * kLanes;
      augmenter_.block(images, chosen + first, first, valid_lanes_of(count, block), step, into.data,
                       into.layout);
    }
  }
  return net_.train(values_.data(), gradients_.data(), chosen_labels_.data(), count, step);
}

void Engine::update(double lr, double momentum) {
  const Timed timed(net_.costs(), Part::kOptimizer);
  optimizer_.update(values_.data(), gradients_.data(), lr, momentum);
  if (recipe_.averaging) {
    average_.update(averages_.data(), values_.data(), int64_t(values_.size()));
  }
}

Outcome Engine::evaluate(const uint8_t* images, const int64_t* labels, int64_t count,
                         bool averaged) {
  check_labels(labels, count);
  net_.prepare_evaluation(values(averaged ? DD_AVERAGE : DD_CURRENT));
  Outcome whole;
  for (int64_t block = 0; block < blocks_of(count); ++block) {
    const Map into = net_.images(0);
    const int64_t first = block * kLanes;
    const int valid = valid_lanes_of(count, block);
    plain_block(images + first * kSide * kSide, valid, into.data, into.layout);
    const Outcome part = net_.evaluate(labels + first, valid);
    whole.loss += part.loss;
    whole.correct += part.correct;
  }
  return whole;
}

float* Engine::values(int which) {
  switch (which) {
    case DD_CURRENT:
      return values_.data();
    case DD_GRADIENT:
      return gradients_.data();
    case DD_AVERAGE:
      if (recipe_.averaging) return averages_.data();
      throw std::invalid_argument("there is no average");
    default:
      throw std::invalid_argument("no such values");
  }
}

int64_t engine_bytes(const dd_layer* layers, int layer_count, const dd_recipe& recipe) {
  check(recipe);
  return plan_bytes(layers, layer_count, recipe);
}

}  // namespace drilldown
