#include "pooling.hpp"

namespace drilldown {
namespace {

// f(channel, row, column) for every number of a shape.
template <class F>
void each(const Shape& shape, F f) {
  for (int c = 0; c < shape.channels; ++c) {
    for (int y = 0; y < shape.height; ++y) {
      for (int x = 0; x < shape.width; ++x) f(c, y, x);
    }
  }
}

void clear(const Map& map, const Shape& shape) {
  each(shape, [&](int c, int y, int x) { *map.at(c, y, x) = splat(0); });
}

// The larger one, or nan where there is one, as in torch.
Vector larger(Vector best, Vector candidate) {
  return choose((candidate > best) | (candidate != candidate), candidate, best);
}

Vector window_maximum(const Vector* corner, const Layout& layout, int kernel) {
  Vector best = *corner;
  for (int y = 0; y < kernel; ++y) {
    for (int x = 0; x < kernel; ++x) {
      best = larger(best, corner[y * layout.row + x * layout.column]);
    }
  }
  return best;
}

}  // namespace

void MaxPool::forward(const ConstMap& in, const Map& out, const Pass& pass) {
  const Timed timed = pass.timed(Part::kPooling);
  each(output_, [&](int c, int y, int x) {
    const Vector* corner = in.at(c, y * stride_, x * stride_);
    *out.at(c, y, x) = window_maximum(corner, in.layout, kernel_);
  });
}

// The gradient of a window goes to its maximum, the first of equal ones in the order of the rows.
void MaxPool::backward(const ConstMap& in, const ConstMap& out_gradient, const Map& in_gradient,
                       const Pass& pass) {
  const Timed timed = pass.timed(Part::kPooling);
  if (in_gradient.data == nullptr) return;
  clear(in_gradient, input_);
  each(output_, [&](int c, int y, int x) {
    const Vector* corner = in.at(c, y * stride_, x * stride_);
    Vector* corner_gradient = in_gradient.at(c, y * stride_, x * stride_);
    const Vector best = window_maximum(corner, in.layout, kernel_);
    Vector left = *out_gradient.at(c, y, x);  // 0 once it has been given away
    for (int i = 0; i < kernel_; ++i) {
      for (int j = 0; j < kernel_; ++j) {
        const Ints hit = corner[i * in.layout.row + j * in.layout.column] == best;
        Vector& target =
            corner_gradient[i * in_gradient.layout.row + j * in_gradient.layout.column];
        target += choose(hit, left, splat(0));
        left = choose(hit, splat(0), left);
      }
    }
  });
}

void AvgPool::forward(const ConstMap& in, const Map& out, const Pass& pass) {
  const Timed timed = pass.timed(Part::kPooling);
  each(output_, [&](int c, int y, int x) {
    const Vector* corner = in.at(c, y * stride_, x * stride_);
    Vector sum = splat(0);
    for (int i = 0; i < height_; ++i) {
      Vector row = splat(0);  // a sum of sums rounds less than one long sum
      for (int j = 0; j < width_; ++j) row += corner[i * in.layout.row + j * in.layout.column];
      sum += row;
    }
    *out.at(c, y, x) = sum * share_;
  });
}

void AvgPool::backward(const ConstMap&, const ConstMap& out_gradient, const Map& in_gradient,
                       const Pass& pass) {
  const Timed timed = pass.timed(Part::kPooling);
  if (in_gradient.data == nullptr) return;
  clear(in_gradient, input_);
  each(output_, [&](int c, int y, int x) {
    const Vector share = *out_gradient.at(c, y, x) * share_;
    Vector* corner = in_gradient.at(c, y * stride_, x * stride_);
    for (int i = 0; i < height_; ++i) {
      for (int j = 0; j < width_; ++j) {
        corner[i * in_gradient.layout.row + j * in_gradient.layout.column] += share;
      }
    }
  });
}

}  // namespace drilldown
