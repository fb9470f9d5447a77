// Augmentation: each training image is warped and jittered anew in every step.
//
// The operations are those of mnist_core/augment.py, applied in order to grey values of 0 to 255.
// Operation k draws for an image from the words of layer k (random.hpp): whatever block, vector
// width or order it is done in, an image of a step comes out the same.
#pragma once

#include <cstdint>
#include <vector>

#include "binding.h"
#include "canvas.hpp"
#include "layout.hpp"
#include "random.hpp"
#include "vector.hpp"

namespace drilldown {

// Turns brightness or contrast up or down: the pivot stays, the distance from it is multiplied.
// Grey values are then cut to whole ones of 0 to 255.
void blend(Canvas& image, float pivot, float factor);

// The pivot of contrast: the mean grey value, rounded.
float rounded_mean(const Canvas& image);

class Augmenter {
 public:
  // A rotation is an affine map with nothing but `degrees`: both directions are as likely.
  Augmenter(const dd_augmentation* operations, int32_t count, uint64_t seed);

  // The first `count` of kLanes images, augmented and scaled to mean 0 and variance 1 over the
  // training images, side by side at layout.at(0, y, x); the other lanes are 0. chosen [count]:
  // their indices in images [*, 28, 28]; first: the place of the first of them in the batch.
  void block(const uint8_t* images, const int64_t* chosen, int64_t first, int count, int64_t step,
             Vector* out, const Layout& layout);

  // One image [28, 28], augmented, as grey values. Valid until the next call.
  const Canvas& image(const uint8_t* image, int64_t place, int64_t step);

 private:
  void apply(const uint8_t* image, int64_t place, int64_t step, int lane);

  std::vector<dd_augmentation> operations_;
  std::vector<Key> keys_;  // of each operation
  Buffer<Canvas> canvases_;
  Canvas* lanes_[kLanes];
  Canvas* spare_;  // what the next warp writes into
};

// kLanes images as they are, [count, 28, 28], scaled and laid out like those of an Augmenter.
void plain_block(const uint8_t* images, int count, Vector* out, const Layout& layout);

}  // namespace drilldown
