// A net's passes over a batch, block by block, segment by segment.
#pragma once

#include <vector>

#include "loss.hpp"
#include "plan.hpp"

namespace drilldown {

class Net {
 public:
  // smoothing: of the labels.
  Net(Plan plan, int64_t batch_size, double smoothing);

  const Plan& plan() const { return plan_; }
  Costs& costs() { return costs_; }
  const Costs& costs() const { return costs_; }

  // Where the images of a block go that is to be passed: [1, 28, 28].
  Map images(int64_t block);

  // The mean loss of the `count` images that lie in `images`, and the gradients of all parameters.
  // values: parameters and statistics; the latter are brought up to date.
  Outcome train(float* values, float* gradients, const int64_t* labels, int64_t count,
                int64_t step);

  // The values to be used by `evaluate` from now on.
  void prepare_evaluation(float* values);
  // Of the images in block 0, whose first `valid` lanes are counted; without smoothing.
  Outcome evaluate(const int64_t* labels, int valid);

 private:
  // A segment's memory. Of a block each operation but the first has a buffer for its input, each
  // one for the gradient at its output.
  struct Memory {
    Layout input_layout;
    Buffer<Vector> input;   // [blocks]
    Buffer<Vector> middle;  // [blocks], of the gradient at the head's batch norm
    std::vector<Buffer<Vector>> between, gradients;
  };

  Map input(size_t segment, int64_t block);
  Map middle(size_t segment, int64_t block);
  Map output(size_t segment, int64_t block);
  Map operation_input(size_t segment, size_t operation, int64_t block);
  Map gradient(size_t segment, size_t operation);

  void prepare(float* values);
  void forward_operations(size_t segment, size_t count, const Pass& pass);
  void forward(size_t segment, const Pass& pass);
  void backward_operations(size_t segment, const Pass& pass);
  void backward(size_t segment, const Pass& pass);

  Plan plan_;
  double smoothing_;
  std::vector<Memory> memory_;
  Buffer<Vector> scores_;
  Costs costs_{};
};

}  // namespace drilldown
