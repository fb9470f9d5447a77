#include "pointwise.hpp"

#include "activation.hpp"

namespace drilldown {
namespace {

struct Identity {
  static Vector value(Vector x) { return x; }
  static Vector derivative(Vector) { return splat(1); }
};

// Pixels side by side in one channel.
struct Run {
  int channel;
  int64_t first, count;
};

constexpr int64_t kLongest = 64;  // Vectors: what a run takes stays in the first-level cache

// Factors of a run's dropout: the first, and how far it is to the next (0: one for all).
struct Factors {
  const Vector* first;
  int64_t stride;
  Vector operator[](int64_t i) const { return first[i * stride]; }
};

// The runs of a shape that lie side by side in each of the maps: whole channels where they are
// dense, else rows.
template <class F>
void each_run(const Shape& shape, bool dense, F f) {
  const int64_t pixels = shape.pixels(), row = dense ? kLongest : shape.width;
  for (int c = 0; c < shape.channels; ++c) {
    for (int64_t first = 0; first < pixels; first += row) {
      // A row may be wider than the longest run.
      const int64_t end = std::min(pixels, first + row);
      for (int64_t at = first; at < end; at += kLongest) {
        f(Run{c, at, std::min(kLongest, end - at)});
      }
    }
  }
}

template <class V>
V* place(const MapView<V>& map, const Shape& shape, const Run& run) {
  return map.at(run.channel, run.first / shape.width, run.first % shape.width);
}

// All bits set in the lanes that hold images.
Ints valid_lanes(const Pass& pass) {
  Ints valid;
  for (int lane = 0; lane < kLanes; ++lane) valid[lane] = lane < pass.valid ? -1 : 0;
  return valid;
}

struct Affine {
  Vector scale, shift;
};

template <class First, class Second>
struct Loops {
  static void forward(const Vector* in, Factors before, Affine norm, Factors after, Vector* out,
                      int64_t column, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      const Vector x = First::value(in[i]) * before[i];
      out[i * column] = Second::value(x * norm.scale + norm.shift) * after[i];
    }
  }

  // sums: of what comes out of the first activation and dropout, less `origin`, and of its square,
  // are added to. A sum of sums over runs rounds less than one long sum.
  static void statistics(const Vector* in, Factors before, Vector origin, Vector sums[2],
                         int64_t count) {
    Vector sum = splat(0), squares = splat(0);
    for (int64_t i = 0; i < count; ++i) {
      const Vector apart = First::value(in[i]) * before[i] - origin;
      sum += apart;
      squares += apart * apart;
    }
    sums[0] += sum;
    sums[1] += squares;
  }

  // sums: of the gradient at the norm's output, and of its product with x - mean, likewise.
  static void upper(const Vector* in, const Vector* out_gradient, Factors before, Affine norm,
                    Vector mean, Factors after, Vector* gradient, int64_t column, Vector sums[2],
                    int64_t count) {
    Vector sum = splat(0), product = splat(0);
    for (int64_t i = 0; i < count; ++i) {
      const Vector x = First::value(in[i]) * before[i];
      const Vector slope = Second::derivative(x * norm.scale + norm.shift);
      const Vector g = out_gradient[i] * after[i] * slope;
      gradient[i * column] = g;
      sum += g;
      product += g * (x - mean);
    }
    sums[0] += sum;
    sums[1] += product;
  }

  static void lower(const Vector* in, const Vector* gradient, Factors before, Vector mean,
                    const BatchNorm::Gradient& norm, Ints valid, Vector* in_gradient,
                    int64_t column, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      const Vector apart = First::value(in[i]) * before[i] - mean;
      const Vector g = norm.slope * (gradient[i] - norm.mean) + norm.pull * apart;
      const Vector at_input = g * before[i] * First::derivative(in[i]);
      in_gradient[i * column] = choose(valid, at_input, splat(0));
    }
  }
};

}  // namespace

struct Pointwise::Kernels {
  decltype(&Loops<Identity, Identity>::forward) forward;
  decltype(&Loops<Identity, Identity>::statistics) statistics;
  decltype(&Loops<Identity, Identity>::upper) upper;
  decltype(&Loops<Identity, Identity>::lower) lower;
};

namespace {

template <class First, class Second>
const Pointwise::Kernels* kernels_of() {
  using L = Loops<First, Second>;
  static constexpr Pointwise::Kernels kernels{L::forward, L::statistics, L::upper, L::lower};
  return &kernels;
}

template <class F>
auto with_function(Function function, F f) {
  switch (function) {
    case Function::kRelu:
      return f(Relu{});
    case Function::kSilu:
      return f(Silu{});
    case Function::kGelu:
      return f(Gelu{});
    case Function::kElu:
      return f(Elu{});
    case Function::kLeakyRelu:
      return f(LeakyRelu{});
    case Function::kHardswish:
      return f(Hardswish{});
    case Function::kMish:
      return f(Mish{});
    case Function::kTanh:
      return f(Tanh{});
    case Function::kIdentity:
      break;
  }
  return f(Identity{});
}

// One of the two is the identity: a plan never joins two activations.
const Pointwise::Kernels* choose_kernels(Function first, Function second) {
  if (second == Function::kIdentity) {
    return with_function(first, [](auto f) { return kernels_of<decltype(f), Identity>(); });
  }
  return with_function(second, [](auto f) { return kernels_of<Identity, decltype(f)>(); });
}

const Vector kOne = splat(1);

Factors factors_of(const std::unique_ptr<Dropout>& dropout, const Pass& pass, const Run& run,
                   Vector* room) {
  if (dropout == nullptr || !pass.training) return {&kOne, 0};
  int64_t stride = 0;
  const Vector* first = dropout->factors(pass, run.channel, run.first, run.count, room, &stride);
  return {first, stride};
}

Affine affine_of(const BatchNorm* norm, int channel) {
  if (norm == nullptr) return {splat(1), splat(0)};
  return {norm->scale(channel), norm->shift(channel)};
}

}  // namespace

Pointwise::Pointwise(Shape shape, PointwiseParts parts)
    : Operation(shape, shape),
      parts_(std::move(parts)),
      kernels_(choose_kernels(parts_.first, parts_.second)) {}

Pointwise::~Pointwise() = default;

void Pointwise::add_statistics(const ConstMap& in, const Pass& pass) {
  const Timed timed = pass.timed(Part::kPointwise);
  if (parts_.first_dropout != nullptr) parts_.first_dropout->draw(pass);
  Vector sums[2], origin = splat(0), room[kLongest];
  each_run(input_, true, [&](const Run& run) {
    const Vector* from = place(in, input_, run);
    const Factors before = factors_of(parts_.first_dropout, pass, run, room);
    if (run.first == 0) {
      // Some value of the channel, so that the squares are of small numbers.
      sums[0] = splat(0);
      kernels_->statistics(from, before, splat(0), sums, 1);
      origin = sums[0];
      sums[0] = sums[1] = splat(0);
    }
    kernels_->statistics(from, before, origin, sums, run.count);
    if (run.first + run.count == input_.pixels()) {
      parts_.norm->add(run.channel, origin, sums[0], sums[1], pass);
    }
  });
}

void Pointwise::forward(const ConstMap& in, const Map& out, const Pass& pass) {
  const Timed timed = pass.timed(Part::kPointwise);
  if (pass.training && !pass.again && parts_.second_dropout != nullptr) {
    parts_.second_dropout->draw(pass);
  }
  Vector room[2][kLongest];
  each_run(input_, out.layout.dense(output_), [&](const Run& run) {
    kernels_->forward(place(in, input_, run), factors_of(parts_.first_dropout, pass, run, room[0]),
                      affine_of(parts_.norm.get(), run.channel),
                      factors_of(parts_.second_dropout, pass, run, room[1]),
                      place(out, output_, run), out.layout.column, run.count);
  });
}

void Pointwise::upper(const ConstMap& in, const ConstMap& out_gradient, const Map& middle,
                      const Pass& pass) {
  const Timed timed = pass.timed(Part::kPointwise);
  Vector room[2][kLongest], sums[2];
  each_run(input_, middle.layout.dense(input_), [&](const Run& run) {
    if (run.first == 0) sums[0] = sums[1] = splat(0);
    const BatchNorm* norm = parts_.norm.get();
    kernels_->upper(place(in, input_, run), place(out_gradient, output_, run),
                    factors_of(parts_.first_dropout, pass, run, room[0]),
                    affine_of(norm, run.channel), norm ? norm->mean(run.channel) : splat(0),
                    factors_of(parts_.second_dropout, pass, run, room[1]),
                    place(middle, input_, run), middle.layout.column, sums, run.count);
    if (norm != nullptr && run.first + run.count == input_.pixels()) {
      parts_.norm->add_gradient(run.channel, sums[0], sums[1]);
    }
  });
}

// What comes before an absent norm is the identity, so that the upper part is the whole.
void Pointwise::backward(const ConstMap& in, const ConstMap& out_gradient, const Map& in_gradient,
                         const Pass& pass) {
  if (in_gradient.data != nullptr) upper(in, out_gradient, in_gradient, pass);
}

void Pointwise::lower(const ConstMap& in, const ConstMap& middle, const Map& in_gradient,
                      const Pass& pass) {
  const Timed timed = pass.timed(Part::kPointwise);
  Vector room[kLongest];
  const Ints valid = valid_lanes(pass);
  each_run(input_, in_gradient.layout.dense(input_), [&](const Run& run) {
    kernels_->lower(place(in, input_, run), place(middle, input_, run),
                    factors_of(parts_.first_dropout, pass, run, room),
                    parts_.norm->mean(run.channel), parts_.norm->gradient(run.channel), valid,
                    place(in_gradient, input_, run), in_gradient.layout.column, run.count);
  });
}

}  // namespace drilldown
