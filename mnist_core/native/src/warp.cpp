// clang-format off
#include "exact.hpp"  // first
// clang-format on

#include "warp.hpp"

#include <cmath>
#include <initializer_list>

namespace drilldown {
namespace {

constexpr double kCentre = (kSide - 1) / 2.0;
constexpr int kWidth = Canvas::kStride, kBorder = Canvas::kBorder;

double radians(double degrees) { return degrees * (3.14159265358979323846 / 180); }

// Rows are done a few at a time, step by step: a value is then out of the way of the processor's
// store queue before the next step loads it.
constexpr int kRows = 4;
constexpr int kStrip = kRows * kWidth;
static_assert(kSide % kRows == 0, "whole strips");

// Where the pixels of a row come from: x or y in the canvas. Added up in double, since for a small
// scale large numbers cancel.
struct Axis {
  explicit Axis(const double* matrix_row) : matrix_row_(matrix_row) {
    for (int x = 0; x < kWidth; ++x) column_[x] = matrix_row[0] * (x - kBorder - kCentre);
  }

  void write_row(int y, float* coordinates) const {
    const double row = matrix_row_[1] * (y - kCentre) + matrix_row_[2] + kCentre + kBorder;
    for (int x = 0; x < kWidth; ++x) coordinates[x] = float(row + column_[x]);
  }

 private:
  const double* matrix_row_;
  alignas(64) double column_[kWidth];  // what a pixel's column adds to its row's coordinate
};

struct Coordinates {
  alignas(64) float x[kStrip], y[kStrip];
};

// What lies outside the image, or is no number, is put where all pixels beside it are of the
// border.
inline Vector into_canvas(const float* coordinates) { return cut(load(coordinates), kWidth - 2); }

// To the nearest whole number, at a tie the even one (and the border is even): beside 1.5 * 2^23 a
// float has no room for a fraction.
inline Ints nearest(Vector coordinate) {
  const Vector no_fraction = splat(12582912.0f);
  return floats_to_bits(coordinate + no_fraction) - floats_to_bits(no_fraction);
}

inline void store_places(Ints row, Ints column, int32_t* places) {
  const Ints place = row * kWidth + column;
  std::memcpy(places, &place, sizeof place);
}

// Both ways of sampling work on a strip of rows, and write whole rows of the target.
class Nearest {
 public:
  void sample(const Canvas& source, const Coordinates& from, float* target) {
    for (int i = 0; i < kStrip; i += kLanes) {
      store_places(nearest(into_canvas(from.y + i)), nearest(into_canvas(from.x + i)), place_ + i);
    }
    for (int i = 0; i < kStrip; ++i) target[i] = source.grey[place_[i]];
  }

 private:
  alignas(64) int32_t place_[kStrip];
};

class Bilinear {
 public:
  void sample(const Canvas& source, const Coordinates& from, float* target) {
    locate(from);
    gather(source);
    for (int i = 0; i < kStrip; ++i) {
      const float top = upper_[2 * i] + right_[i] * (upper_[2 * i + 1] - upper_[2 * i]);
      const float bottom = lower_[2 * i] + right_[i] * (lower_[2 * i + 1] - lower_[2 * i]);
      target[i] = top + below_[i] * (bottom - top);
    }
  }

 private:
  void locate(const Coordinates& from) {
    for (int i = 0; i < kStrip; i += kLanes) {
      const Vector x = into_canvas(from.x + i), y = into_canvas(from.y + i);
      // Not negative, so the conversion rounds down.
      const Ints left = __builtin_convertvector(x, Ints), top = __builtin_convertvector(y, Ints);
      store_places(top, left, place_ + i);
      store(x - __builtin_convertvector(left, Vector), right_ + i);
      store(y - __builtin_convertvector(top, Vector), below_ + i);
    }
  }

  // Two pixels beside each other are one load; gather instructions are slower on most processors.
  void gather(const Canvas& source) {
    for (int i = 0; i < kStrip; ++i) {
      const float* corner = source.grey + place_[i];
      std::memcpy(upper_ + 2 * i, corner, 2 * sizeof(float));
      std::memcpy(lower_ + 2 * i, corner + kWidth, 2 * sizeof(float));
    }
  }

  // The upper left one of the four pixels around a point, and how far the point lies from it, 0..1.
  alignas(64) int32_t place_[kStrip];
  alignas(64) float right_[kStrip], below_[kStrip];
  alignas(64) float upper_[2 * kStrip], lower_[2 * kStrip];  // the left and the right pixel of each
};

template <class Sampling>
void sample(const Canvas& source, const Matrix& matrix, Canvas& target) {
  const Axis x(matrix.value[0]), y(matrix.value[1]);
  Sampling sampling;
  Coordinates from;
  for (int row = 0; row < kSide; row += kRows) {
    for (int r = 0; r < kRows; ++r) {
      x.write_row(row + r, from.x + r * kWidth);
      y.write_row(row + r, from.y + r * kWidth);
    }
    sampling.sample(source, from, target.grey + (row + Canvas::kFirstRow) * kWidth);
  }
}

}  // namespace

// With angle a, shears s and t along x and y, the forward map's linear part is, for scale 1,
//
//   R(a) * Shear = [cos(a - t) / cos t, -cos(a - t) tan s / cos t - sin a]   [p, q]
//                  [sin(a - t) / cos t, -sin(a - t) tan s / cos t + cos a] = [r, u]
//
// whose determinant is 1 (torchvision, _get_inverse_affine_matrix). So its inverse is [u -q; -r p],
// divided by the scale, and the shift is undone before it.
Matrix inverse_matrix(const AffineMap& map) {
  const double angle = radians(map.angle);
  const double s = radians(map.shear[0]), t = radians(map.shear[1]);
  const double p = std::cos(angle - t) / std::cos(t);
  const double q = -p * std::tan(s) - std::sin(angle);
  const double r = std::sin(angle - t) / std::cos(t);
  const double u = -r * std::tan(s) + std::cos(angle);
  Matrix matrix = {{{u / map.scale, -q / map.scale, 0}, {-r / map.scale, p / map.scale, 0}}};
  for (double* row : {matrix.value[0], matrix.value[1]}) {
    row[2] = -(row[0] * map.shift[0] + row[1] * map.shift[1]);
  }
  return matrix;
}

void warp(Canvas& source, const Matrix& matrix, float fill, bool bilinear, Canvas& target) {
  source.frame(fill);
  if (bilinear) {
    sample<Bilinear>(source, matrix, target);
  } else {
    sample<Nearest>(source, matrix, target);
  }
}

}  // namespace drilldown
