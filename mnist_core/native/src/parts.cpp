// Parts of the engine on their own, for tests: see the end of binding.h.
#include <algorithm>
#include <initializer_list>

#include "augmentation.hpp"
#include "binding.h"
#include "guarded.hpp"
#include "random.hpp"
#include "warp.hpp"

namespace drilldown {
namespace {

// The known answers that the authors publish with Random123, for 13 and 20 rounds.
constexpr Block<uint32_t> kPi = {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};
constexpr Key kMorePi = {{0xa4093822, 0x299f31d0, 0x082efa98, 0xec4e6c89}};
constexpr Block<uint32_t> kOnes = {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}};
constexpr Key kOnesKey = {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}};

constexpr bool equal(const Block<uint32_t>& block, const Block<uint32_t>& answer) {
  for (int i = 0; i < 4; ++i) {
    if (block.word[i] != answer.word[i]) return false;
  }
  return true;
}

static_assert(equal(threefry<13>(Block<uint32_t>{}, Key{}),
                    {{0x531c7e4f, 0x39491ee5, 0x2c855a92, 0x3d6abf9a}}));
static_assert(equal(threefry<13>(kOnes, kOnesKey),
                    {{0xc4189358, 0x1c9cc83a, 0xd5881c67, 0x6a0a89e0}}));
static_assert(equal(threefry<13>(kPi, kMorePi),
                    {{0x4aa71d8f, 0x734738c2, 0x431fc6a8, 0xae6debf1}}));
static_assert(equal(threefry<20>(Block<uint32_t>{}, Key{}),
                    {{0x9c6ca96a, 0xe17eae66, 0xfc10ecd4, 0x5256a7d8}}));
static_assert(equal(threefry<20>(kOnes, kOnesKey),
                    {{0x2a881696, 0x57012287, 0xf6c7446e, 0xa16a6732}}));
static_assert(equal(threefry<20>(kPi, kMorePi),
                    {{0x59cd1dbb, 0xb8879579, 0x86b5d00c, 0xac8b6d84}}));

}  // namespace
}  // namespace drilldown

extern "C" {

void dd_random_words(uint64_t seed, uint64_t step, uint32_t layer, uint32_t image, uint32_t index,
                     uint32_t* words) {
  using namespace drilldown;
  std::copy_n(random_words(make_key(seed, layer), step, image, index).word, 4, words);
}

int dd_augment(const dd_augmentation* augmentations, int32_t augmentation_count, uint64_t seed,
               int64_t step, const uint8_t* images, const int64_t* chosen, int32_t count,
               float* out) {
  using namespace drilldown;
  return guarded([&] {
    Augmenter augmenter(augmentations, augmentation_count, seed);
    for (int32_t i = 0; i < count; ++i) {
      augmenter.image(images + chosen[i] * kImagePixels, i, step).store(out + i * kImagePixels);
    }
  });
}

int dd_warp(const uint8_t* image, const double* matrix, double fill, int32_t bilinear, float* out) {
  using namespace drilldown;
  Matrix map;
  for (int axis : {0, 1}) std::copy_n(matrix + 3 * axis, 3, map.value[axis]);
  Canvas source = {}, target = {};
  source.load(image);
  warp(source, map, float(fill), bilinear != 0, target);
  target.store(out);
  return 0;
}

}  // extern "C"
