#include "correlation.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "unrolled.hpp"

namespace drilldown {
namespace {

constexpr int kLargestSide = 8;  // of a tile

constexpr bool fits(int a, int b) { return a * b <= kAccumulators; }

// The sides a x b of the tiles that cover `rows` x `columns` at the least cost, where each column
// is `wide` accumulators and a is at most `tallest`.
std::pair<int, int> cheapest_tiles(int rows, int tallest, int columns, int wide) {
  std::pair<int, int> best{1, 1};
  double least = -1;
  for (int a = 1; a <= std::min(rows, tallest); ++a) {
    for (int b = 1; b <= std::min(columns, kLargestSide) && fits(a, b * wide); ++b) {
      const Split down(rows, a), across(columns, b);
      const int height = down.size(down.tiles - 1), width = across.size(across.tiles - 1) * wide;
      // A multiply-add waits four cycles for the one before it: a tile of fewer than eight leaves
      // its two pipes idle. Loads go beside the arithmetic, but not for free.
      const double tile = std::max(height * width, 8) + 0.5 * (height + width);
      const double cost = tile * down.tiles * across.tiles;
      if (least < 0 || cost < least) {
        least = cost;
        best = {a, b};
      }
    }
  }
  return best;
}

struct CorrelationTile {
  int inputs, kernel;
  int64_t in_channel, in_row, stride;  // stride: between neighbouring output pixels, in the input
  int64_t out_channel, out_column;
};

// K: the kernel, where it is known at compile time, else 0.
template <int O, int T, int K>
void correlate_tile(const CorrelationTile& tile, const Vector* in, const float* weights,
                    const float* bias, Vector* out) {
  Vector sums[O][T];
  for_each<O, T>([&](int o, int t) { sums[o][t] = splat(bias == nullptr ? 0.0f : bias[o]); });
  const int kernel = K > 0 ? K : tile.kernel;
  const int64_t stride = K > 0 ? 1 : tile.stride;
  for (int i = 0; i < tile.inputs; ++i) {
    for (int ky = 0; ky < kernel; ++ky) {
      const Vector* row = in + i * tile.in_channel + ky * tile.in_row;
#pragma GCC unroll 3
      for (int kx = 0; kx < kernel; ++kx) {
        for_each<O, T>(
            [&](int o, int t) { sums[o][t] += splat(weights[o]) * row[kx + t * stride]; });
        weights += O;
      }
    }
  }
  for_each<O, T>(
      [&](int o, int t) { out[o * tile.out_channel + t * tile.out_column] = sums[o][t]; });
}

using CorrelateTile = void (*)(const CorrelationTile&, const Vector*, const float*, const float*,
                               Vector*);

template <int O, int T, int K>
constexpr CorrelateTile correlate_entry() {
  if constexpr (fits(O, T)) {
    return correlate_tile<O, T, K>;
  } else {
    return nullptr;
  }
}

template <int K, size_t... I>
constexpr std::array<CorrelateTile, sizeof...(I)> correlate_table(std::index_sequence<I...>) {
  return {correlate_entry<int(I) / kLargestSide + 1, int(I) % kLargestSide + 1, K>()...};
}

using Indices = std::make_index_sequence<kLargestSide * kLargestSide>;

CorrelateTile correlate_kernel(int outputs, int pixels, int kernel, int64_t stride) {
  static constexpr auto any = correlate_table<0>(Indices{});
  static constexpr auto one = correlate_table<1>(Indices{});
  static constexpr auto three = correlate_table<3>(Indices{});
  const auto& table = stride != 1 ? any : kernel == 3 ? three : kernel == 1 ? one : any;
  return table[size_t((outputs - 1) * kLargestSide + pixels - 1)];
}

std::pair<int, int> correlation_tiles(const ConvolutionShape& shape) {
  return cheapest_tiles(shape.outputs, kLargestSide, shape.width, 1);
}

}  // namespace

Correlation::Correlation(const ConvolutionShape& shape)
    : shape_(shape),
      channels_(shape.outputs, correlation_tiles(shape).first),
      pixels_(shape.width, correlation_tiles(shape).second),
      weights_(size_t(shape.weights())) {}

void Correlation::set_weights(const float* w, bool flipped) {
  const int area = shape_.kernel * shape_.kernel;
  float* next = weights_.data();
  for (int tile = 0; tile < channels_.tiles; ++tile) {
    for (int i = 0; i < shape_.inputs; ++i) {
      for (int k = 0; k < area; ++k) {
        for (int o = channels_.begin(tile); o < channels_.begin(tile + 1); ++o) {
          *next++ = flipped ? w[(int64_t(i) * shape_.outputs + o) * area + area - 1 - k]
                            : w[(int64_t(o) * shape_.inputs + i) * area + k];
        }
      }
    }
  }
}

void Correlation::run(const ConstMap& in, const Map& out, const float* bias) const {
  const CorrelationTile tile{shape_.inputs,
                             shape_.kernel,
                             in.layout.channel,
                             in.layout.row,
                             shape_.stride * in.layout.column,
                             out.layout.channel,
                             out.layout.column};
  const int64_t taps = int64_t(shape_.inputs) * shape_.kernel * shape_.kernel;
  for (int y = 0; y < shape_.height; ++y) {
    for (int across = 0; across < pixels_.tiles; ++across) {
      const int x = pixels_.begin(across);
      const Vector* corner = in.at(0, int64_t(y) * shape_.stride, int64_t(x) * shape_.stride);
      for (int down = 0; down < channels_.tiles; ++down) {
        const int o = channels_.begin(down);
        const auto kernel = correlate_kernel(channels_.size(down), pixels_.size(across),
                                             shape_.kernel, tile.stride);
        kernel(tile, corner, weights_.data() + taps * o, bias == nullptr ? nullptr : bias + o,
               out.at(o, y, x));
      }
    }
  }
}

namespace {

struct GradientTile {
  int height, width;
  int64_t out_channel, out_row, out_column;
  int64_t in_row, in_column;  // between neighbouring output pixels, in the input
  int64_t tap;                // between neighbouring columns of the kernel, in the input
};

// O output channels x R rows of the kernel (of any input channel) x C of its columns.
template <int O, int R, int C>
void gradient_tile(const GradientTile& tile, const Vector* const* in, const Vector* out_gradient,
                   Vector* sums) {
  Vector acc[O][R * C];
  for_each<O * R, C>([&](int i, int c) { acc[i / R][i % R * C + c] = splat(0); });
  for (int y = 0; y < tile.height; ++y) {
    const Vector* gradient = out_gradient + y * tile.out_row;
    const Vector* rows[R];
    for (int r = 0; r < R; ++r) rows[r] = in[r] + y * tile.in_row;
    for (int x = 0; x < tile.width; ++x) {
      Vector g[O];
      for (int o = 0; o < O; ++o) g[o] = gradient[o * tile.out_channel];
      for (int r = 0; r < R; ++r) {
        for (int c = 0; c < C; ++c) {
          const Vector pixel = rows[r][c * tile.tap];
          for (int o = 0; o < O; ++o) acc[o][r * C + c] += g[o] * pixel;
        }
        rows[r] += tile.in_column;
      }
      gradient += tile.out_column;
    }
  }
  for_each<O * R, C>([&](int i, int c) { sums[i * C + c] = acc[i / R][i % R * C + c]; });
}

using AddGradientTile = void (*)(const GradientTile&, const Vector* const*, const Vector*, Vector*);

template <int O, int R, int C>
constexpr AddGradientTile gradient_entry() {
  if constexpr (fits(O, R * C)) {
    return gradient_tile<O, R, C>;
  } else {
    return nullptr;
  }
}

template <int C, size_t... I>
constexpr std::array<AddGradientTile, sizeof...(I)> gradient_table(std::index_sequence<I...>) {
  return {gradient_entry<int(I) / kLargestSide + 1, int(I) % kLargestSide + 1, C>()...};
}

AddGradientTile gradient_kernel(int outputs, int rows, int columns) {
  static constexpr auto one = gradient_table<1>(Indices{});
  static constexpr auto three = gradient_table<3>(Indices{});
  const auto& table = columns == 3 ? three : one;
  return table[size_t((outputs - 1) * kLargestSide + rows - 1)];
}

int tile_columns(const ConvolutionShape& shape) { return shape.kernel == 3 ? 3 : 1; }

// Rows of the kernel over all input channels, each of so many columns.
int tap_rows(const ConvolutionShape& shape) {
  return shape.inputs * shape.kernel * shape.kernel / tile_columns(shape);
}

// Four output channels at most: the addresses of more do not fit in registers.
std::pair<int, int> gradient_tiles(const ConvolutionShape& shape) {
  const int columns = tile_columns(shape);
  return cheapest_tiles(shape.outputs, 4, tap_rows(shape), columns);
}

bool sums_fit(const ConvolutionShape& shape) {
  return checked_product(shape.weights(), int64_t(sizeof(Vector))) <= kMostSums;
}

}  // namespace

WeightGradient::WeightGradient(const ConvolutionShape& shape)
    : shape_(shape),
      columns_(tile_columns(shape)),
      channels_(shape.outputs, gradient_tiles(shape).first),
      rows_(tap_rows(shape), gradient_tiles(shape).second),
      sums_(sums_fit(shape) ? shape.weights() : 0),
      totals_(sums_fit(shape) ? 0 : shape.weights()) {}

void WeightGradient::add(const ConstMap& in, const ConstMap& out_gradient) {
  const GradientTile tile{shape_.height,
                          shape_.width,
                          out_gradient.layout.channel,
                          out_gradient.layout.row,
                          out_gradient.layout.column,
                          in.layout.row * shape_.stride,
                          in.layout.column * shape_.stride,
                          in.layout.column};
  const int64_t taps = int64_t(shape_.inputs) * shape_.kernel * shape_.kernel;
  const int steps = shape_.kernel / columns_;  // tiles beside one another in a row of the kernel
  Vector found[kAccumulators];
  for (int across = 0; across < rows_.tiles; ++across) {
    const Vector* rows[kLargestSide];
    for (int r = 0; r < rows_.size(across); ++r) {
      const int place = rows_.begin(across) + r;
      const int kx = place % steps, ky = place / steps % shape_.kernel;
      rows[r] = in.at(place / steps / shape_.kernel, ky, kx);
    }
    for (int down = 0; down < channels_.tiles; ++down) {
      const int o = channels_.begin(down), wide = rows_.size(across) * columns_;
      gradient_kernel(channels_.size(down), rows_.size(across), columns_)(
          tile, rows, out_gradient.at(o), found);
      for (int i = 0; i < channels_.size(down); ++i) {
        const int64_t place = (o + i) * taps + int64_t(rows_.begin(across)) * columns_;
        for (int j = 0; j < wide; ++j) {
          if (sums_.size() > 0) {
            sums_[place + j] += found[i * wide + j];
          } else {
            totals_[place + j] += lane_sum(found[i * wide + j]);
          }
        }
      }
    }
  }
}

void WeightGradient::finish(float* dw) {
  for (int64_t i = 0; i < shape_.weights(); ++i) {
    dw[i] = float(sums_.size() > 0 ? lane_sum(sums_[i]) : totals_[i]);
  }
  sums_.fill_zero();
  totals_.fill_zero();
}

}  // namespace drilldown
