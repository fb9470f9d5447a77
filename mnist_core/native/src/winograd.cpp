#include "winograd.hpp"

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include "unrolled.hpp"

namespace drilldown {
namespace {

// In registers while products are summed. Twelve of 16 registers do here: no more than two vectors
// are needed beside them.
constexpr int kSums = kAccumulators < 24 ? 12 : 24;

constexpr int kWidestPanel = 3;  // tiles
constexpr int kMostOutputs = 8;  // at least as many as a panel's group has

// Of a panel with so many tiles: each takes two sums.
constexpr int largest_group(int tiles) { return kSums / (2 * tiles); }
static_assert(largest_group(2) <= kMostOutputs, "weights are packed so many at a time");

// The points of y are worked through in pairs: 1 and -1; for F(4, 3) 1/2 and -1/2; 0 and infinity.
// One column of the data, transformed to both.
template <int M, int Pair>
DRILLDOWN_INLINE void data_at(const Vector* d, int64_t row, Vector (&v)[2]) {
  const auto at = [&](int y) { return d[y * row]; };
  if constexpr (M == 2 && Pair == 0) {
    v[0] = at(1) + at(2);
    v[1] = at(2) - at(1);
  } else if constexpr (M == 2) {
    v[0] = at(0) - at(2);
    v[1] = at(3) - at(1);
  } else if constexpr (Pair < 2) {
    const Vector even = at(4) - (Pair == 0 ? 0.25f : 1.0f) * at(2);
    const Vector odd = (Pair == 0 ? 1.0f : 0.5f) * at(3) - (Pair == 0 ? 0.25f : 0.5f) * at(1);
    v[0] = even + odd;
    v[1] = even - odd;
  } else {
    v[0] = (at(0) - 5.0f * at(2)) + 4.0f * at(4);
    v[1] = (at(5) - 1.25f * at(3)) + 0.25f * at(1);
  }
}

// The kernel g, each of its three numbers `step` from the one before, at the points of F(2, 3) or
// F(4, 3), each `step` from the one before, for kMostOutputs kernels side by side.
template <int M>
void weights_at(const float* g, int step, float* u) {
  for (int o = 0; o < kMostOutputs; ++o, ++g, ++u) {
    const float g0 = g[0], g1 = g[step], g2 = g[2 * step];
    if constexpr (M == 2) {
      u[0] = 0.5f * (g0 + g2 + g1);
      u[step] = 0.5f * (g0 + g2 - g1);
    } else {
      u[0] = (g0 + g2 + g1) * (2.0f / 3.0f);
      u[step] = (g0 + g2 - g1) * (2.0f / 3.0f);
      u[2 * step] = (g0 + 0.25f * g2 + 0.5f * g1) * (-8.0f / 3.0f);
      u[3 * step] = (g0 + 0.25f * g2 - 0.5f * g1) * (-8.0f / 3.0f);
    }
    u[M * step] = g0;
    u[(M + 1) * step] = g2;
  }
}

// All inputs of T tiles side by side, transformed to a pair of points of y and the four of x.
// v: [point of y][pair of points of x][input][2][T], each pair so many vectors from the one before.
template <int M, int Pair, int T>
void transform_data(const Vector* in, int64_t channel, int64_t row, int inputs, Vector* v,
                    int64_t pair) {
  for (int i = 0; i < inputs; ++i, in += channel, v += 2 * T) {
    Vector d[4][2];
    data_at<M, Pair>(in, row, d[0]);
    data_at<M, Pair>(in + 1, row, d[1]);
#pragma GCC unroll 8
    for (int t = 0; t < T; ++t) {
      data_at<M, Pair>(in + 2 * t + 2, row, d[2]);
      data_at<M, Pair>(in + 2 * t + 3, row, d[3]);
#pragma GCC unroll 2
      for (int point = 0; point < 2; ++point) {
        Vector* to = v + 2 * point * pair + t;
        to[0] = d[1][point] + d[2][point];
        to[T] = d[2][point] - d[1][point];
        to[pair] = d[0][point] - d[2][point];
        to[pair + T] = d[3][point] - d[1][point];
        d[0][point] = d[2][point];
        d[1][point] = d[3][point];
      }
    }
  }
}

// What becomes of the sums of one point of y.
enum class Step {
  kHold,   // the first of a pair of points: kept until the second is there
  kPair,   // the second of F(2, 3)'s, or the first pair of F(4, 3)'s
  kPairs,  // the second pair of F(4, 3)'s: with it the two rows in the middle are done
  kFirst,  // zero: with it the first row is done
  kLast,   // infinity: and the last
};

template <int M, int P>
constexpr Step step_of() {
  if (P == M) return Step::kFirst;
  if (P == M + 1) return Step::kLast;
  return P % 2 == 0 ? Step::kHold : P == 1 ? Step::kPair : Step::kPairs;
}

// For some outputs and tiles: the data at one point of y, the weights there, and where the sums go.
struct Product {
  const Vector* data;
  int64_t pair;  // between its pairs of points of x
  const float* weights;
  int inputs;
  const float* bias;  // or null
  Vector* partial;
  int64_t partial_channel;
  Vector* out;                     // the first row of the tiles
  int64_t channel, row, last_row;  // of the output
};

// Sum products over the inputs, at two points of x.
template <int O, int T>
DRILLDOWN_INLINE void sum_products(const Vector* v, const float* u, int inputs, Vector (&a)[O][T],
                                   Vector (&b)[O][T]) {
#pragma GCC unroll 1
  for (int i = 0; i < inputs; ++i, v += 2 * T, u += 2 * O) {
    for_each<O, T>([&](int o, int t) { a[o][t] += splat(u[o]) * v[t]; });
    for_each<O, T>([&](int o, int t) { b[o][t] += splat(u[O + o]) * v[T + t]; });
  }
}

template <Step S, int O, int T>
void product(const Product& p) {
  Vector a[O][T], b[O][T];
  // A number added to the products at 1 is added to every output: the bias.
  for_each<O, T>([&](int o, int t) {
    a[o][t] = splat(p.bias == nullptr ? 0.0f : p.bias[o]);
    b[o][t] = Vector{};
  });
  sum_products<O, T>(p.data, p.weights, p.inputs, a, b);
  for_each<O, T>([&](int o, int t) {
    const Vector sum = a[o][t] + b[o][t];
    b[o][t] = a[o][t] - b[o][t];
    a[o][t] = sum;
  });
  // The products at 0 belong to the first pixel of a tile, those at infinity to the second.
  sum_products<O, T>(p.data + p.pair, p.weights + 2 * O * p.inputs, p.inputs, a, b);

  constexpr int kRow = 2 * T;  // pixels
  const auto each = [&](auto f) {
    for_each<O, T>([&](int o, int t) {
      Vector* partial = p.partial + o * p.partial_channel + 2 * t;
      Vector* out = p.out + o * p.channel + 2 * t;
      f(a[o][t], partial, out);
      f(b[o][t], partial + 1, out + 1);
    });
  };
  switch (S) {
    case Step::kHold:
      each([&](Vector m, Vector* s, Vector*) { s[0] = m; });
      break;
    case Step::kPair:
      each([&](Vector m, Vector* s, Vector*) {
        const Vector m1 = s[0];
        s[0] = m1 + m;
        s[kRow] = m1 - m;
      });
      break;
    case Step::kPairs:
      each([&](Vector m, Vector* s, Vector* out) {
        const Vector sum = s[2 * kRow] + m, difference = s[2 * kRow] - m;
        out[p.row] = s[kRow] + 0.5f * difference;
        out[2 * p.row] = s[0] + 0.25f * sum;
        s[0] += sum;
        s[kRow] += 0.125f * difference;
      });
      break;
    case Step::kFirst:
      each([&](Vector m, Vector* s, Vector* out) { out[0] = s[0] + m; });
      break;
    case Step::kLast:
      each([&](Vector m, Vector* s, Vector* out) { out[p.last_row] = s[kRow] + m; });
      break;
  }
}

template <int P>
using Number = std::integral_constant<int, P>;

using ProductKernel = void (*)(const Product&);

template <Step S, int T, size_t... I>
constexpr std::array<ProductKernel, sizeof...(I)> product_table(std::index_sequence<I...>) {
  return {product<S, int(I) + 1, T>...};
}

template <Step S, int T>
constexpr auto product_kernels = product_table<S, T>(std::make_index_sequence<largest_group(T)>{});

// F(4 x 2) while rows are left for it, then F(2 x 2).
std::vector<int> heights_of_panels(int height, int tallest) {
  std::vector<int> heights;
  for (int left = height; left > 0; left -= heights.back()) {
    heights.push_back(tallest == 4 && left >= 3 && height >= 4 ? 4 : 2);
  }
  return heights;
}

// Panels of two tiles, or once of three where the number of tiles is odd.
std::vector<int> widths_of_panels(int width) {
  const int tiles = (width + 1) / 2;
  const bool three = tiles % 2 == 1 && width >= 6;
  std::vector<int> widths(size_t(three ? tiles / 2 : (tiles + 1) / 2), 4);
  if (three) widths.back() = 6;
  return widths;
}

}  // namespace

std::vector<WinogradCorrelation::Span> WinogradCorrelation::spans(int size,
                                                                  const std::vector<int>& sizes) {
  std::vector<Span> spans;
  int end = 0;
  for (int each : sizes) {
    spans.push_back({std::min(end, size - each), each});
    end += each;
  }
  return spans;
}

WinogradCorrelation::WinogradCorrelation(const ConvolutionShape& shape, int tallest)
    : shape_(shape),
      down_(spans(shape.height, heights_of_panels(shape.height, tallest))),
      across_(spans(shape.width, widths_of_panels(shape.width))),
      data_(checked_sum(checked_product(8 * kWidestPanel, shape.inputs), 4)),
      partial_(checked_product(3 * 2 * kWidestPanel, shape.outputs)) {
  for (const Span& rows : down_) {
    for (const Span& pixels : across_) {
      Weights& weights = weights_for(rows.size, pixels.size / 2);
      if (weights.packed.size() > 0) continue;
      weights.channels = Split(shape.outputs, largest_group(pixels.size / 2));
      weights.packed = Buffer<float>(
          checked_product(checked_product(4 * (rows.size + 2), shape.inputs), shape.outputs));
    }
  }
}

template <int M>
void WinogradCorrelation::pack(Weights& weights, const float* w, bool flipped) const {
  constexpr int kStep = kMostOutputs;
  const int inputs = shape_.inputs, outputs = shape_.outputs;
  float taps[9 * kStep] = {}, wide[3 * 4 * kStep], all[(M + 2) * 4 * kStep];
  for (int group = 0; group < weights.channels.tiles; ++group) {
    const int first = weights.channels.begin(group), size = weights.channels.size(group);
    float* packed = weights.packed.data() + int64_t(first) * inputs * 4 * (M + 2);
    for (int i = 0; i < inputs; ++i) {
      for (int o = 0; o < size; ++o) {
        const float* g = flipped ? w + (int64_t(i) * outputs + first + o) * 9
                                 : w + (int64_t(first + o) * inputs + i) * 9;
        for (int k = 0; k < 9; ++k) taps[k * kStep + o] = g[flipped ? 8 - k : k];
      }
      for (int y = 0; y < 3; ++y) weights_at<2>(taps + 3 * y * kStep, kStep, wide + 4 * y * kStep);
      for (int x = 0; x < 4; ++x) weights_at<M>(wide + x * kStep, 4 * kStep, all + x * kStep);
      for (int point = 0; point < 4 * (M + 2); ++point) {
        const int64_t place = (int64_t(point / 2) * inputs + i) * 2 + point % 2;
        // Of a fixed length the copy is a few instructions; what it writes beyond its place comes
        // later, but for the last inputs.
        const bool room = (2 * (inputs - i) - point % 2) * size >= kStep;
        std::memcpy(packed + place * size, all + point * kStep,
                    size_t(room ? kStep : size) * sizeof(float));
      }
    }
  }
}

void WinogradCorrelation::set_weights(const float* w, bool flipped) {
  for (Weights& weights : weights_[0]) pack<2>(weights, w, flipped);
  for (Weights& weights : weights_[1]) pack<4>(weights, w, flipped);
}

// One panel, whose first pixels `in` and `out` begin with.
template <int M, int T>
void WinogradCorrelation::run_panel(const ConstMap& in, const Map& out, const float* bias) {
  const Weights& weights = weights_for(M, T);
  const int inputs = shape_.inputs;
  const int64_t step = 2 * T * int64_t(inputs) + 1;  // odd: no power of two, where caches collide
  constexpr int kPartial = (M == 2 ? 2 : 3) * 2 * T;
  const auto at_points = [&](auto pair) {
    constexpr int kPair = pair;
    transform_data<M, kPair, T>(in.at(0), in.layout.channel, in.layout.row, inputs, data_.data(),
                                step);
    for (int group = 0; group < weights.channels.tiles; ++group) {
      const int o = weights.channels.begin(group), size = weights.channels.size(group);
      const auto at_point = [&](auto point) {
        constexpr int P = point;
        const float* packed =
            weights.packed.data() + (int64_t(o) * (M + 2) + int64_t(P) * size) * 4 * inputs;
        product_kernels<step_of<M, P>(), T>[size_t(size - 1)](
            {data_.data() + P % 2 * 2 * step, step, packed, inputs,
             P == 0 && bias != nullptr ? bias + o : nullptr,
             partial_.data() + o * kPartial + (P == 2 && M == 4 ? 4 * T : 0), kPartial, out.at(o),
             out.layout.channel, out.layout.row, (M - 1) * out.layout.row});
      };
      at_point(Number<2 * kPair>{});
      at_point(Number<2 * kPair + 1>{});
    }
  };
  at_points(Number<0>{});
  at_points(Number<1>{});
  if constexpr (M == 4) at_points(Number<2>{});
}

void WinogradCorrelation::run(const ConstMap& in, const Map& out, const float* bias) {
  for (const Span& rows : down_) {
    for (const Span& pixels : across_) {
      ConstMap from = in;
      Map to = out;
      from.layout.origin = in.layout.at(0, rows.begin, pixels.begin);
      to.layout.origin = out.layout.at(0, rows.begin, pixels.begin);
      if (rows.size == 2) {
        pixels.size == 4 ? run_panel<2, 2>(from, to, bias) : run_panel<2, 3>(from, to, bias);
      } else {
        pixels.size == 4 ? run_panel<4, 2>(from, to, bias) : run_panel<4, 3>(from, to, bias);
      }
    }
  }
}

// Fitted to maps of 4 to 28 pixels and 1 to 32 channels on Zen 4, two compilers, against
// Correlation: within 15 % for AVX-512 and AVX2; without FMA it gains more than it says.
bool winograd_pays(const ConvolutionShape& shape) {
  if (shape.kernel != 3 || shape.stride != 1 || shape.height < 2 || shape.width < 4) return false;
  int64_t height = 0, width = 0;  // computed, with what overlaps
  for (int each : heights_of_panels(shape.height, 4)) height += each;
  for (int each : widths_of_panels(shape.width)) width += each;
  const double gain = 9 / (3.6 + 12.0 / shape.outputs + 5.0 / shape.inputs);
  return gain * double(shape.height) * double(shape.width) > 1.05 * double(height * width);
}

}  // namespace drilldown
