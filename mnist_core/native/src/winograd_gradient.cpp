#include "winograd_gradient.hpp"

#include <algorithm>
#include <array>

#include "unrolled.hpp"

namespace drilldown {
namespace {

constexpr int kPair = 2;  // outputs, and inputs, that are worked on together: 16 sums in registers
constexpr int64_t kFirstLevel = 32 << 10;  // bytes of a core's first-level data cache

// For some inputs and outputs: rows of tiles, each two rows of pixels below the one before.
struct GradientProduct {
  const Vector* in;
  int64_t in_channel, in_row;
  const Vector* gradient;
  int64_t gradient_channel, gradient_row;
  int rows, width;      // whole rows of tiles; pixels of the gradient
  const Vector* zeros;  // if not null, half a row of tiles is left: this goes for its upper pixels
};

// One column of a tile of the gradient, transformed to point P of y: 1, -1, 0, infinity.
template <int P>
DRILLDOWN_INLINE Vector gradient_at(Vector upper, Vector lower) {
  if (P == 0) return upper + lower;
  if (P == 1) return upper - lower;
  return P == 2 ? upper : lower;
}

// One column of a tile of the input.
template <int P>
DRILLDOWN_INLINE Vector column_at(const Vector* d, int64_t row) {
  if (P == 0) return d[row] + d[2 * row];
  if (P == 1) return d[2 * row] - d[row];
  return P == 2 ? d[0] - d[2 * row] : d[3 * row] - d[row];
}

// The two rows of pixels of a row of tiles.
struct GradientRows {
  const Vector *upper, *lower;
  int64_t upper_channel, lower_channel;
};

// The tile at x. `d`: its first two columns, of each input, and then those of the next. Half: of
// its gradient there is the second column only. Nothing that is transformed here is stored to be
// used again: additions have pipes of their own, beside those that multiply, and stores are dear.
template <int P, int O, int N, bool Half>
DRILLDOWN_INLINE void add_tile(const GradientRows& rows, const Vector* in, int64_t channel,
                               int64_t row, int64_t x, Vector (&d)[N][2], Vector (&sums)[O][N][4]) {
  Vector g[O][4];
#pragma GCC unroll 2
  for (int o = 0; o < O; ++o) {
    const Vector* upper = rows.upper + o * rows.upper_channel + x;
    const Vector* lower = rows.lower + o * rows.lower_channel + x;
    g[o][2] = Half ? Vector{} : gradient_at<P>(upper[0], lower[0]);
    g[o][3] = gradient_at<P>(upper[1], lower[1]);
    g[o][0] = g[o][2] + g[o][3];
    g[o][1] = g[o][2] - g[o][3];
  }
#pragma GCC unroll 2
  for (int n = 0; n < N; ++n) {
    const Vector d2 = column_at<P>(in + n * channel + x + 2, row);
    const Vector d3 = column_at<P>(in + n * channel + x + 3, row);
    const Vector v[4] = {d[n][1] + d2, d2 - d[n][1], d[n][0] - d2, d3 - d[n][1]};
    d[n][0] = d2;
    d[n][1] = d3;
    for_each<O, 4>([&](int o, int point) { sums[o][n][point] += g[o][point] * v[point]; });
  }
}

// Add products of O outputs and N inputs at point P of y to `kept`: [output][input][point of x].
template <int P, int O, int N>
void add_products(const GradientProduct& p, Vector* kept) {
  Vector sums[O][N][4], d[N][2];
  for_each<O * N, 4>([&](int i, int point) { sums[i / N][i % N][point] = Vector{}; });
  const Vector* in = p.in;
  const auto begin_at = [&](int64_t x) {
    for_each<N, 2>([&](int n, int column) {
      d[n][column] = column_at<P>(in + n * p.in_channel + x + column, p.in_row);
    });
  };
  GradientRows rows{p.gradient, p.gradient + p.gradient_row, p.gradient_channel,
                    p.gradient_channel};
  for (int row = 0; row < p.rows + (p.zeros == nullptr ? 0 : 1); ++row) {
    if (row == p.rows) {
      in -= p.in_row;
      rows.lower -= p.gradient_row;
      rows.upper = p.zeros;
      rows.upper_channel = 0;
    }
    begin_at(0);
#pragma GCC unroll 1
    for (int x = 0; x + 2 <= p.width; x += 2) {
      add_tile<P, O, N, false>(rows, in, p.in_channel, p.in_row, x, d, sums);
    }
    if (p.width % 2 == 1) {
      begin_at(p.width - 2);
      add_tile<P, O, N, true>(rows, in, p.in_channel, p.in_row, p.width - 2, d, sums);
    }
    in += 2 * p.in_row;
    rows.upper += 2 * p.gradient_row;
    rows.lower += 2 * p.gradient_row;
  }
  // Short sums are added to the long one: much less rounding than one after another.
  for_each<O * N, 4>([&](int i, int point) { kept[i * 4 + point] += sums[i / N][i % N][point]; });
}

using AddProducts = void (*)(const GradientProduct&, Vector*);

template <int O, int N>
constexpr std::array<AddProducts, 4> at_points = {add_products<0, O, N>, add_products<1, O, N>,
                                                  add_products<2, O, N>, add_products<3, O, N>};

const std::array<AddProducts, 4>& gradient_kernels(int outputs, int inputs) {
  static constexpr std::array<AddProducts, 4> kernels[kPair][kPair] = {
      {at_points<1, 1>, at_points<1, 2>}, {at_points<2, 1>, at_points<2, 2>}};
  return kernels[outputs - 1][inputs - 1];
}

// How many rows of tiles a pair of inputs and one of outputs take that stay in the first-level
// cache while all points of y are worked through.
int rows_in_cache(const ConvolutionShape& shape) {
  const int64_t columns = 2 * int64_t(shape.width) + 2;  // of the input and the gradient
  const int64_t vectors = kFirstLevel / int64_t(sizeof(Vector)) / kPair;
  return int(std::max<int64_t>(2, (vectors - 2 * shape.width - 4) / (2 * columns)));
}

// Sums over lanes, in halves: as good as in double for so few, and faster.
float sum_of_lanes(Vector v) {
  float lanes[kLanes];
  std::memcpy(lanes, &v, sizeof lanes);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

// From four points to three weights.
DRILLDOWN_INLINE void weights_from(const Vector* m, int step, Vector* w) {
  const Vector sum = 0.5f * (m[0] + m[step]);
  w[0] = sum + m[2 * step];
  w[1] = 0.5f * (m[0] - m[step]);
  w[2] = sum + m[3 * step];
}

constexpr int kPoints = 4;
constexpr int kSumsOfPair = kPair * kPair * kPoints;

}  // namespace

WinogradWeightGradient::WinogradWeightGradient(const ConvolutionShape& shape)
    : shape_(shape),
      outputs_(shape.outputs, kPair),
      inputs_(shape.inputs, kPair),
      rows_(shape.height / 2, rows_in_cache(shape)),
      sums_(checked_product(checked_product(outputs_.tiles, inputs_.tiles), kPoints * kSumsOfPair)),
      zeros_(shape.width) {}

void WinogradWeightGradient::add(const ConstMap& in, const ConstMap& out_gradient) {
  GradientProduct p{};
  p.in_channel = in.layout.channel;
  p.in_row = in.layout.row;
  p.gradient_channel = out_gradient.layout.channel;
  p.gradient_row = out_gradient.layout.row;
  p.width = shape_.width;
  for (int strip = 0; strip < rows_.tiles; ++strip) {
    const int y = 2 * rows_.begin(strip);
    p.rows = rows_.size(strip);
    p.zeros = strip + 1 == rows_.tiles && shape_.height % 2 == 1 ? zeros_.data() : nullptr;
    Vector* sums = sums_.data();
    for (int across = 0; across < inputs_.tiles; ++across) {
      p.in = in.at(inputs_.begin(across), y);
      for (int down = 0; down < outputs_.tiles; ++down) {
        p.gradient = out_gradient.at(outputs_.begin(down), y);
        for (AddProducts kernel : gradient_kernels(outputs_.size(down), inputs_.size(across))) {
          kernel(p, sums);
          sums += kSumsOfPair;
        }
      }
    }
  }
}

void WinogradWeightGradient::finish(float* dw) {
  const Vector* sums = sums_.data();
  for (int across = 0; across < inputs_.tiles; ++across) {
    for (int down = 0; down < outputs_.tiles; ++down, sums += kPoints * kSumsOfPair) {
      const int outputs = outputs_.size(down), inputs = inputs_.size(across);
      for (int i = 0; i < outputs * inputs; ++i) {
        const int64_t o = outputs_.begin(down) + i / inputs, n = inputs_.begin(across) + i % inputs;
        Vector rows[3 * kPoints], all[9];
        for (int x = 0; x < kPoints; ++x) {
          const Vector* m = sums + i * kPoints + x;
          Vector column[3];
          weights_from(m, kSumsOfPair, column);
          for (int y = 0; y < 3; ++y) rows[y * kPoints + x] = column[y];
        }
        for (int y = 0; y < 3; ++y) weights_from(rows + y * kPoints, 1, all + 3 * y);
        float* w = dw + (o * shape_.inputs + n) * 9;
        for (int k = 0; k < 9; ++k) w[k] = sum_of_lanes(all[k]);
      }
    }
  }
  sums_.fill_zero();
}

// On Zen 4, two compilers, against WeightGradient, it gains at least half as much again, less what
// half tiles waste. With AVX2 it does not: two pairs and their transforms take more than 16
// registers.
bool winograd_gradient_pays(const ConvolutionShape& shape) {
#if defined(__AVX512F__)
  if (shape.kernel != 3 || shape.stride != 1 || shape.height < 2 || shape.width < 2) return false;
  const double sums = 16.0 * shape.inputs * shape.outputs * double(sizeof(Vector));
  const double whole = double((shape.height + 1) / 2 * 2) * double((shape.width + 1) / 2 * 2);
  return sums <= double(kMostSums) &&
         1.5 * double(shape.height) * double(shape.width) > 1.05 * whole;
#else
  (void)shape;
  return false;
#endif
}

}  // namespace drilldown
