// Resampling an image through an affine map: rotation, shear, scaling, translation.
#pragma once

#include "canvas.hpp"

namespace drilldown {

// Output pixel (x, y, 1) to input pixel (x, y), in pixels from the centre of the image.
struct Matrix {
  double value[2][3];
};

// Angle and shears in degrees, clockwise; the shift in pixels.
struct AffineMap {
  double angle = 0, shift[2] = {0, 0}, scale = 1, shear[2] = {0, 0};
};

// The inverse of the forward map T * R * Shear * Scale, as in torchvision's `affine`.
Matrix inverse_matrix(const AffineMap& map);

// What comes from outside the image is `fill`; without `bilinear` the nearest pixel is taken, at a
// tie the even one. The same as torch's grid_sample with align_corners=False. Frames the source.
void warp(Canvas& source, const Matrix& matrix, float fill, bool bilinear, Canvas& target);

}  // namespace drilldown
