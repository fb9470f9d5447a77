// Dropout: what a block's activations, or whole channels, are multiplied by.
#pragma once

#include "operation.hpp"
#include "random.hpp"

namespace drilldown {

// Drawn once for a block and step, and kept until the backward pass is over.
class Dropout {
 public:
  // layer: its place in the net, from 0, which its random numbers follow from.
  Dropout(Shape shape, double rate, bool whole_channels, uint64_t seed, uint32_t layer,
          int64_t blocks);

  void draw(const Pass& pass);

  // Factors of `count` numbers of a channel from the pixel `first` on: 0 or what keeps the mean.
  // Returns the first of them; the next lies `stride` further on. room: for `count` Vectors.
  const Vector* factors(const Pass& pass, int channel, int64_t first, int64_t count, Vector* room,
                        int64_t* stride) const;

 private:
  Shape shape_;
  bool whole_channels_;
  uint32_t cut_;
  float scale_;
  Key key_;
  Buffer<uint16_t> kept_;    // [blocks][C][H][W]: a bit for each lane
  Buffer<Vector> channels_;  // [blocks][C]
};

}  // namespace drilldown
