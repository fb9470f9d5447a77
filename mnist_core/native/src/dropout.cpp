#include "dropout.hpp"

namespace drilldown {

Dropout::Dropout(Shape shape, double rate, bool whole_channels, uint64_t seed, uint32_t layer,
                 int64_t blocks)
    : shape_(shape),
      whole_channels_(whole_channels),
      cut_(dropout_cut(rate)),
      scale_(dropout_scale(cut_)),
      key_(make_key(seed, layer)),
      kept_(whole_channels ? 0 : checked_product(blocks, shape.size())),
      channels_(whole_channels ? checked_product(blocks, shape.channels) : 0) {}

void Dropout::draw(const Pass& pass) {
  const int64_t size = whole_channels_ ? shape_.channels : shape_.size();
  for (int64_t first = 0; first < size; first += 8) {
    Words halves[8];
    draw_halves(key_, uint64_t(pass.step), uint32_t(pass.first_image()), uint32_t(first / 8),
                halves);
    for (int64_t e = first; e < std::min(first + 8, size); ++e) {
      const Words half = halves[e - first];
      if (whole_channels_) {
        channels_[pass.number * size + e] = dropout_factor(half, cut_, scale_);
      } else {
        kept_[pass.number * size + e] = uint16_t(pack_lanes((Ints)half >= int32_t(cut_)));
      }
    }
  }
}

const Vector* Dropout::factors(const Pass& pass, int channel, int64_t first, int64_t count,
                               Vector* room, int64_t* stride) const {
  if (whole_channels_) {
    *stride = 0;
    return channels_.data() + pass.number * shape_.channels + channel;
  }
  *stride = 1;
  const int64_t place = (pass.number * shape_.channels + channel) * shape_.pixels() + first;
  for (int64_t i = 0; i < count; ++i) {
    room[i] = choose(unpack_lanes(kept_[place + i]), splat(scale_), splat(0));
  }
  return room;
}

}  // namespace drilldown
