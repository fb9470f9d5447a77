// clang-format off
#include "exact.hpp"  // first
// clang-format on

#include "augmentation.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "warp.hpp"

namespace drilldown {
namespace {

// Of the 60,000 training images, grey values scaled to 0..1; as in mnist_core/torch_engine.py.
constexpr float kMean = 0.1307f, kDeviation = 0.3081f;

inline float normalised(float grey) { return (grey * (1 / 255.0f) - kMean) * (1 / kDeviation); }

// The words that an image's operation draws from; only as many blocks as are looked at.
struct Draws {
  const Key& key;
  uint64_t step;
  uint32_t image;

  Block<uint32_t> block(uint32_t index) const { return random_words(key, step, image, index); }
};

// Uniform in +-range.
inline double within(double range, uint32_t word) { return range * signed_uniform(word); }

AffineMap drawn_map(const dd_augmentation& affine, const Draws& draws) {
  const Block<uint32_t> words = draws.block(0);
  AffineMap map;
  map.angle = within(affine.degrees, words.word[0]);
  for (int axis : {0, 1}) {
    const double shift = within(affine.translate[axis] * kSide, words.word[1 + axis]);
    map.shift[axis] = affine.whole_pixels ? std::nearbyint(shift) : shift;
  }
  const double low = affine.scale[0], high = affine.scale[1];
  map.scale = (low + high) / 2 + within((high - low) / 2, words.word[3]);
  if (affine.shear[0] != 0 || affine.shear[1] != 0) {
    const Block<uint32_t> more = draws.block(1);
    for (int axis : {0, 1}) map.shear[axis] = within(affine.shear[axis], more.word[axis]);
  }
  return map;
}

// Uniform in 1 +- spread, not below 0.
float drawn_factor(double spread, uint32_t word) {
  const double low = std::max(0.0, 1 - spread);
  const double half = (1 + spread - low) / 2;
  return float(low + half + within(half, word));
}

void jitter(Canvas& image, const dd_augmentation& ranges, const Draws& draws) {
  const Block<uint32_t> words = draws.block(0);
  const bool contrast_first = signed_uniform(words.word[0]) > 0;
  const float brightness = drawn_factor(ranges.brightness, words.word[1]);
  const float contrast = drawn_factor(ranges.contrast, words.word[2]);
  if (!contrast_first) blend(image, 0, brightness);
  blend(image, rounded_mean(image), contrast);
  if (contrast_first) blend(image, 0, brightness);
}

// Row after row, so that the vectors which the lanes are written into stay in the nearest cache.
// row(lane, y) is where a lane's row begins.
template <class Row>
void interleave(Row row, int count, Vector* out, const Layout& layout) {
  for (int y = 0; y < kSide; ++y) {
    Vector* line = out + layout.at(0, y, 0);
    if (count < kLanes) {
      for (int x = 0; x < kSide; ++x) line[x * layout.column] = Vector{};
    }
    for (int lane = 0; lane < count; ++lane) {
      const auto* pixels = row(lane, y);
      float* values = reinterpret_cast<float*>(line) + lane;
      const int64_t step = layout.column * kLanes;
      for (int x = 0; x < kSide; ++x) values[x * step] = normalised(float(pixels[x]));
    }
  }
}

}  // namespace

void blend(Canvas& image, float pivot, float factor) {
  float* row = image.grey + Canvas::kFirstRow * Canvas::kStride;
  for (int i = 0; i < kSide * Canvas::kStride; i += kLanes) {
    const Vector grey = cut(pivot + factor * (load(row + i) - pivot), 255);
    store(__builtin_convertvector(__builtin_convertvector(grey, Ints), Vector), row + i);
  }
}

float rounded_mean(const Canvas& image) {
  alignas(64) float columns[Canvas::kStride] = {};
  for (int y = Canvas::kFirstRow; y <= Canvas::kLastRow; ++y) {
    for (int x = 0; x < Canvas::kStride; ++x) columns[x] += image.grey[y * Canvas::kStride + x];
  }
  double sum = 0;
  for (int x = 0; x < kSide; ++x) sum += double(columns[Canvas::kBorder + x]);
  return std::floor(float(sum) / kImagePixels + 0.5f);
}

Augmenter::Augmenter(const dd_augmentation* operations, int32_t count, uint64_t seed)
    : operations_(operations, operations + count), canvases_(kLanes + 1), spare_(&canvases_[0]) {
  for (int32_t k = 0; k < count; ++k) {
    keys_.push_back(make_key(seed, uint32_t(k), Purpose::kAugmentation));
  }
  for (int lane = 0; lane < kLanes; ++lane) lanes_[lane] = &canvases_[1 + lane];
}

void Augmenter::block(const uint8_t* images, const int64_t* chosen, int64_t first, int count,
                      int64_t step, Vector* out, const Layout& layout) {
  for (int lane = 0; lane < count; ++lane) {
    apply(images + chosen[lane] * kImagePixels, first + lane, step, lane);
  }
  const auto row = [this](int lane, int y) { return lanes_[lane]->row(y); };
  interleave(row, count, out, layout);
}

const Canvas& Augmenter::image(const uint8_t* image, int64_t place, int64_t step) {
  apply(image, place, step, 0);
  return *lanes_[0];
}

void Augmenter::apply(const uint8_t* image, int64_t place, int64_t step, int lane) {
  Canvas*& canvas = lanes_[lane];
  canvas->load(image);
  for (size_t k = 0; k < operations_.size(); ++k) {
    const dd_augmentation& operation = operations_[k];
    const Draws draws = {keys_[k], uint64_t(step), uint32_t(place)};
    if (operation.kind == DD_JITTER) {
      jitter(*canvas, operation, draws);
    } else {
      const Matrix matrix = inverse_matrix(drawn_map(operation, draws));
      warp(*canvas, matrix, float(operation.fill), operation.bilinear != 0, *spare_);
      std::swap(canvas, spare_);
    }
  }
}

void plain_block(const uint8_t* images, int count, Vector* out, const Layout& layout) {
  const auto row = [images](int lane, int y) { return images + (lane * kSide + y) * kSide; };
  interleave(row, count, out, layout);
}

}  // namespace drilldown
