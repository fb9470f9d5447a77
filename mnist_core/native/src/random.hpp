// Random numbers that are a function of where they are used.
//
// Threefry-4x32 (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11)
// turns a key of four words and a counter of four words into four random words. There is no state:
//
//   key     = (low word of the seed, its high word, layer, purpose)
//   counter = (index, image, low word of the step, its high word)
//
// where `image` is the place of the image in the batch. So the numbers of one image, layer and step
// are the same however many images a vector holds, and a step can be replayed alone. Of the paper's
// variants the one with 12 rounds is the fastest that passes all of BigCrush.
//
// Dropout takes 16 bits for an element, eight elements from one block (as mnist_core/dropout.py
// does, p is rounded to a multiple of 1/65536 and the scale with it: the mean stays exact):
//
//   element e  (c * H + y) * W + x in the layer's output of C x H x W; for dropout2d c
//   index      e / 8
//   half j     e % 8; half 2 w is the low half of word w, half 2 w + 1 the high half
//   dropped    half < cut, cut = min(65535, round(p * 65536)), halves to even
//   kept       times 65536 / (65536 - cut)
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "vector.hpp"

namespace drilldown {

// What a seed's numbers are drawn for: the same seed and layer give others for another purpose.
enum class Purpose : uint32_t { kDropout = 0, kAugmentation = 1 };

// Four words, each a uint32_t or a Words: then the block of kLanes counters at once.
template <class Word>
struct Block {
  Word word[4];
};

struct Key {
  uint32_t word[4];
};

constexpr Key make_key(uint64_t seed, uint32_t layer, Purpose purpose = Purpose::kDropout) {
  return {{uint32_t(seed), uint32_t(seed >> 32), layer, uint32_t(purpose)}};
}

template <int kBits, class Word>
constexpr Word rotate_left(Word x) {
  return (x << kBits) | (x >> (32 - kBits));
}

// One round. Those of even number mix words 0 with 1 and 2 with 3, the odd ones 0 with 3 and 2 with
// 1; the eight pairs of rotations recur.
template <int kRound, class Word>
constexpr void threefry_round(Word* x) {
  constexpr int kRotations[8][2] = {{10, 26}, {11, 21}, {13, 27}, {23, 5},
                                    {6, 20},  {17, 11}, {25, 10}, {18, 20}};
  constexpr int kFirst = kRotations[kRound % 8][0], kSecond = kRotations[kRound % 8][1];
  constexpr int kPartner = kRound % 2 == 0 ? 1 : 3;
  x[0] += x[kPartner];
  x[kPartner] = rotate_left<kFirst>(x[kPartner]) ^ x[0];
  x[2] += x[4 - kPartner];
  x[4 - kPartner] = rotate_left<kSecond>(x[4 - kPartner]) ^ x[2];
}

// The rounds from kRound on; after every fourth the next four of the five words of the key schedule
// are added, and how often that was done.
template <int kRound, int kRounds, class Word>
constexpr void threefry_rounds(Word* x, const uint32_t* schedule) {
  if constexpr (kRound < kRounds) {
    threefry_round<kRound>(x);
    if constexpr (kRound % 4 == 3) {
      constexpr int kDone = kRound / 4 + 1;
      for (int i = 0; i < 4; ++i) x[i] += schedule[(kDone + i) % 5];
      x[3] += uint32_t(kDone);
    }
    threefry_rounds<kRound + 1, kRounds>(x, schedule);
  }
}

// The random words of a counter. The number of rounds is a parameter for the sake of the published
// known answers, which are for 13 and 20.
template <int kRounds = 12, class Word>
constexpr Block<Word> threefry(Block<Word> counter, const Key& key) {
  const uint32_t* k = key.word;
  constexpr uint32_t kParity = 0x1BD11BDA;  // of Skein: no key makes the schedule all zeros
  const uint32_t schedule[5] = {k[0], k[1], k[2], k[3], kParity ^ k[0] ^ k[1] ^ k[2] ^ k[3]};
  for (int i = 0; i < 4; ++i) counter.word[i] += schedule[i];
  threefry_rounds<0, kRounds>(counter.word, schedule);
  return counter;
}

// The words of one image.
inline Block<uint32_t> random_words(const Key& key, uint64_t step, uint32_t image, uint32_t index) {
  return threefry(Block<uint32_t>{{index, image, uint32_t(step), uint32_t(step >> 32)}}, key);
}

// first, first + 1, ... in the lanes.
inline Words counting_words(uint32_t first) {
  Words words;
  for (int lane = 0; lane < kLanes; ++lane) words[lane] = first + uint32_t(lane);
  return words;
}

// The words of kLanes images side by side, of which the first has the place first_image.
inline Block<Words> random_words_of_lanes(const Key& key, uint64_t step, uint32_t first_image,
                                          uint32_t index) {
  return threefry(Block<Words>{{splat_words(index), counting_words(first_image),
                                splat_words(uint32_t(step)), splat_words(uint32_t(step >> 32))}},
                  key);
}

// Uniform in [0, 1) and in [-1, 1): the upper 24 bits, which a float holds exactly.
inline float unit_uniform(uint32_t word) { return float(word >> 8) * (1.0f / (1 << 24)); }
inline float signed_uniform(uint32_t word) { return float(word >> 8) * (2.0f / (1 << 24)) - 1; }

// Eight numbers of 0 to 65535 for each of kLanes images: they decide on the elements 8 * index to
// 8 * index + 7 of a layer's output.
inline void draw_halves(const Key& key, uint64_t step, uint32_t first_image, uint32_t index,
                        Words halves[8]) {
  const Block<Words> block = random_words_of_lanes(key, step, first_image, index);
  for (int w = 0; w < 4; ++w) {
    halves[2 * w] = block.word[w] & 0xFFFFu;
    halves[2 * w + 1] = block.word[w] >> 16;
  }
}

inline void draw_halves(uint64_t seed, uint64_t step, uint32_t layer, uint32_t first_image,
                        uint32_t index, Words halves[8]) {
  draw_halves(make_key(seed, layer), step, first_image, index, halves);
}

// Dropped are the elements whose half is below this; none if it is 0.
inline uint32_t dropout_cut(double p) {
  return uint32_t(std::min(65535.0, std::nearbyint(p * 65536)));
}

inline float dropout_scale(uint32_t cut) { return float(65536.0 / (65536 - cut)); }

// What the elements are multiplied by: 0 where they are dropped, else `scale`. Compared as signed
// numbers, which both are small enough for: AVX2 has no comparison of unsigned ones.
inline Vector dropout_factor(Words half, uint32_t cut, float scale) {
  return choose((Ints)half < int32_t(cut), Vector{}, splat(scale));
}

}  // namespace drilldown
