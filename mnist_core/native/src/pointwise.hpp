// Batch norm, activation and dropout between two layers that look further than one pixel, in one
// pass over memory.
//
// In this order, any of them absent: activation, dropout, batch norm, activation, dropout. What
// comes before the batch norm belongs to the same pass, since it costs less to compute it again
// than to keep it. Batch norm needs sums over the whole batch, so it parts the backward pass in
// two: `upper` goes down to the gradient at its output, `lower` on from there once the sums are
// known.
#pragma once

#include <memory>
#include <optional>

#include "dropout.hpp"
#include "normalisation.hpp"

namespace drilldown {

enum class Function { kRelu, kSilu, kGelu, kElu, kLeakyRelu, kHardswish, kMish, kTanh, kIdentity };

// Without a batch norm there is no first activation or dropout; and only one of the two activations
// is there.
struct PointwiseParts {
  Function first = Function::kIdentity;
  std::unique_ptr<Dropout> first_dropout;
  std::unique_ptr<BatchNorm> norm;
  Function second = Function::kIdentity;
  std::unique_ptr<Dropout> second_dropout;
};

class Pointwise : public Operation {
 public:
  Pointwise(Shape shape, PointwiseParts parts);
  ~Pointwise() override;

  BatchNorm* norm() { return parts_.norm.get(); }

  // A block of the input is there: count it into the statistics.
  void add_statistics(const ConstMap& in, const Pass& pass);

  void forward(const ConstMap& in, const Map& out, const Pass& pass) override;
  // Without batch norm only.
  void backward(const ConstMap& in, const ConstMap& out_gradient, const Map& in_gradient,
                const Pass& pass) override;
  // middle: the gradient at the output of the batch norm, dense.
  void upper(const ConstMap& in, const ConstMap& out_gradient, const Map& middle, const Pass& pass);
  void lower(const ConstMap& in, const ConstMap& middle, const Map& in_gradient, const Pass& pass);

  struct Kernels;

 private:
  PointwiseParts parts_;
  const Kernels* kernels_;
};

}  // namespace drilldown
