// The C interface: see binding.h. Exceptions end here, as a line that dd_error gives.
#include "binding.h"

#include <algorithm>
#include <stdexcept>

#include "engine.hpp"
#include "guarded.hpp"
#include "processor.hpp"

struct dd_engine {
  drilldown::Engine engine;
};

namespace {

using drilldown::guarded;

// Calls f(values, tensor) where that tensor is in the values and of this size.
template <class F>
void with_tensor(dd_engine* engine, int32_t which, int32_t tensor, int64_t size, F f) {
  const auto& tensors = engine->engine.tensors();
  if (tensor < 0 || size_t(tensor) >= tensors.size()) throw std::invalid_argument("no such tensor");
  const drilldown::Tensor& found = tensors[size_t(tensor)];
  if (found.size != size) throw std::invalid_argument("a tensor of another size");
  if (which == DD_GRADIENT && !found.parameter) throw std::invalid_argument("it has no gradient");
  f(engine->engine.values(which) + found.place);
}

}  // namespace

extern "C" {

const char* dd_version(void) { return "1"; }

const char* dd_compiler(void) {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "gcc " __VERSION__;
#endif
}

const char* dd_instruction_set(void) {
#if DRILLDOWN_LANES == 16
  return "avx512";
#elif DRILLDOWN_LANES == 8
  return "avx2";
#else
  return "portable";
#endif
}

const char* dd_best_instruction_set(void) { return drilldown::best_instruction_set(); }

const char* dd_error(void) { return drilldown::latest_error.c_str(); }

int64_t dd_bytes(const dd_layer* layers, int32_t count, const dd_recipe* recipe) {
  int64_t bytes = -1;
  guarded([&] { bytes = drilldown::engine_bytes(layers, count, *recipe); });
  return bytes;
}

dd_engine* dd_create(const dd_layer* layers, int32_t layer_count,
                     const dd_augmentation* augmentations, int32_t augmentation_count,
                     const dd_recipe* recipe) {
  dd_engine* engine = nullptr;
  guarded([&] {
    engine = new dd_engine{{layers, layer_count, augmentations, augmentation_count, *recipe}};
  });
  return engine;
}

void dd_destroy(dd_engine* engine) { delete engine; }

int dd_backward(dd_engine* engine, const uint8_t* images, const int64_t* labels, int64_t size,
                const int64_t* chosen, int32_t count, int64_t step, double* loss,
                int64_t* correct) {
  return guarded([&] {
    const auto outcome = engine->engine.backward(images, labels, size, chosen, count, step);
    *loss = outcome.loss;
    *correct = outcome.correct;
  });
}

int dd_update(dd_engine* engine, double lr, double momentum) {
  return guarded([&] { engine->engine.update(lr, momentum); });
}

void dd_reset_optimizer(dd_engine* engine) { engine->engine.reset_optimizer(); }

int dd_evaluate(dd_engine* engine, const uint8_t* images, const int64_t* labels, int64_t count,
                int32_t averaged, double* loss, int64_t* correct) {
  return guarded([&] {
    const auto outcome = engine->engine.evaluate(images, labels, count, averaged != 0);
    *loss = outcome.loss;
    *correct = outcome.correct;
  });
}

int dd_read(const dd_engine* engine, int32_t which, int32_t tensor, float* values, int64_t size) {
  return guarded([&] {
    with_tensor(const_cast<dd_engine*>(engine), which, tensor, size,
                [&](const float* place) { std::copy_n(place, size, values); });
  });
}

int dd_write(dd_engine* engine, int32_t which, int32_t tensor, const float* values, int64_t size) {
  return guarded([&] {
    with_tensor(engine, which, tensor, size,
                [&](float* place) { std::copy_n(values, size, place); });
  });
}

int dd_costs(const dd_engine* engine, double* seconds, int32_t count) {
  return guarded([&] {
    const auto& costs = engine->engine.costs();
    if (size_t(count) != costs.size()) throw std::invalid_argument("another number of parts");
    std::copy(costs.begin(), costs.end(), seconds);
  });
}

}  // extern "C"
