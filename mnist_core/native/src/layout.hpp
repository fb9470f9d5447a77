// How numbers lie in memory.
//
// The batch is the vector: a batch of N images is ceil(N / kLanes) blocks, and in a block the
// number of channel c, row y, column x is one Vector of kLanes images: [blocks][C][H][W][kLanes].
// Every operation then works on whole vectors, whatever the number of channels or the size of a
// map. A map that a convolution will read has a border of zeros, so that no kernel asks where the
// edge is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <utility>

#include "vector.hpp"

namespace drilldown {

// Sizes are products of what a config says; none may wrap round.
inline int64_t checked_product(int64_t a, int64_t b) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) throw std::length_error("larger than any memory");
  return product;
}

inline int64_t checked_sum(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) throw std::length_error("larger than any memory");
  return sum;
}

// What one image is between two layers; a flat vector of F features is {F, 1, 1}.
struct Shape {
  int channels = 0, height = 0, width = 0;

  int64_t pixels() const { return checked_product(height, width); }
  int64_t size() const { return checked_product(channels, pixels()); }
  bool operator==(const Shape& other) const {
    return channels == other.channels && height == other.height && width == other.width;
  }
};

// Where the numbers of a Shape lie within a buffer, counted in Vectors: the number of channel c,
// row y, column x lies at origin + c * channel + y * row + x * column.
struct Layout {
  int64_t origin = 0, channel = 0, row = 0, column = 1;
  int64_t size = 0;  // of the whole buffer

  int64_t at(int64_t c, int64_t y, int64_t x) const {
    return origin + c * channel + y * row + x * column;
  }
  // Whether a channel's numbers lie side by side, so that they can be read as one long row.
  bool dense(const Shape& shape) const { return column == 1 && row == shape.width; }
};

inline Layout dense_layout(const Shape& shape) {
  return {0, shape.pixels(), shape.width, 1, shape.size()};
}

// With a border of `pad` zeros around each channel.
inline Layout padded_layout(const Shape& shape, int pad) {
  const int64_t row = checked_sum(shape.width, 2 * int64_t(pad));
  const int64_t plane = checked_product(row, checked_sum(shape.height, 2 * int64_t(pad)));
  return {pad * row + pad, plane, row, 1, checked_product(shape.channels, plane)};
}

// Memory for `size` values of T, aligned to a cache line and zero at first.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(int64_t size) : size_(size) {
    const int64_t bytes = checked_product(size, int64_t(sizeof(T)));
    const int64_t whole = checked_sum(bytes, kLine - 1) / kLine * kLine;
    data_ = static_cast<T*>(std::aligned_alloc(kLine, size_t(whole > 0 ? whole : kLine)));
    if (data_ == nullptr) throw std::bad_alloc();
    std::memset(static_cast<void*>(data_), 0, size_t(whole > 0 ? whole : kLine));
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer(Buffer&& other) noexcept : data_(other.data_), size_(other.size_) {
    other.data_ = nullptr;
    other.size_ = 0;
  }
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() { std::free(data_); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  int64_t size() const { return size_; }
  T& operator[](int64_t i) { return data_[i]; }
  const T& operator[](int64_t i) const { return data_[i]; }
  void fill_zero() { std::memset(static_cast<void*>(data_), 0, size_t(size_) * sizeof(T)); }

 private:
  static constexpr int64_t kLine = 64;
  T* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace drilldown
