#include "net.hpp"

#include <algorithm>

namespace drilldown {
namespace {

Layout input_layout(const Segment& segment) {
  if (segment.head != nullptr) return dense_layout(segment.head->input());
  if (segment.operations.empty()) return dense_layout(image_shape());
  return segment.operations.front()->input_layout();
}

}  // namespace

Net::Net(Plan plan, int64_t batch_size, double smoothing)
    : plan_(std::move(plan)), smoothing_(smoothing), scores_(kClasses) {
  const int64_t blocks = blocks_of(batch_size);
  for (const Segment& segment : plan_.segments) {
    Memory memory;
    memory.input_layout = input_layout(segment);
    memory.input = Buffer<Vector>(checked_product(blocks, memory.input_layout.size));
    if (segment.head != nullptr) {
      memory.middle = Buffer<Vector>(checked_product(blocks, memory.input_layout.size));
    }
    for (const auto& operation : segment.operations) {
      if (operation != segment.operations.front()) {
        memory.between.emplace_back(operation->input_layout().size);
      }
      memory.gradients.emplace_back(operation->gradient_layout().size);
    }
    memory_.push_back(std::move(memory));
  }
}

Map Net::input(size_t segment, int64_t block) {
  Memory& memory = memory_[segment];
  return {memory.input.data() + block * memory.input_layout.size, memory.input_layout};
}

Map Net::middle(size_t segment, int64_t block) {
  Memory& memory = memory_[segment];
  return {memory.middle.data() + block * memory.input_layout.size, memory.input_layout};
}

Map Net::images(int64_t block) { return input(0, block); }

// The input of the next segment, or the scores.
Map Net::output(size_t segment, int64_t block) {
  if (segment + 1 < plan_.segments.size()) return input(segment + 1, block);
  return {scores_.data(), dense_layout({kClasses, 1, 1})};
}

Map Net::operation_input(size_t segment, size_t operation, int64_t block) {
  if (operation == 0) return input(segment, block);
  return {memory_[segment].between[operation - 1].data(),
          plan_.segments[segment].operations[operation]->input_layout()};
}

Map Net::gradient(size_t segment, size_t operation) {
  return {memory_[segment].gradients[operation].data(),
          plan_.segments[segment].operations[operation]->gradient_layout()};
}

void Net::prepare(float* values) {
  for (Segment& segment : plan_.segments) {
    for (auto& operation : segment.operations) operation->prepare(values);
    if (segment.head != nullptr) segment.head->norm()->prepare(values);
  }
}

// The first `count` operations of a segment.
void Net::forward_operations(size_t segment, size_t count, const Pass& pass) {
  const auto& operations = plan_.segments[segment].operations;
  for (size_t i = 0; i < count; ++i) {
    const bool last = i + 1 == operations.size();
    const Map out =
        last ? output(segment, pass.number) : operation_input(segment, i + 1, pass.number);
    operations[i]->forward(constant(operation_input(segment, i, pass.number)), out, pass);
  }
}

// All of a segment, and the statistics for the next one.
void Net::forward(size_t segment, const Pass& pass) {
  const auto& operations = plan_.segments[segment].operations;
  forward_operations(segment, operations.size(), pass);
  if (segment + 1 == plan_.segments.size()) return;
  const Map next = input(segment + 1, pass.number);
  if (operations.empty()) {
    std::copy_n(input(segment, pass.number).data, next.layout.size, next.data);
  }
  if (!pass.training) return;
  plan_.segments[segment + 1].head->add_statistics(constant(next), pass);
}

// From the gradient at the output of the last operation to that at the segment's batch norm.
void Net::backward_operations(size_t segment, const Pass& pass) {
  const auto& operations = plan_.segments[segment].operations;
  for (size_t i = operations.size(); i-- > 0;) {
    const ConstMap in = constant(operation_input(segment, i, pass.number));
    const ConstMap out_gradient = constant(gradient(segment, i));
    Pointwise* head = plan_.segments[segment].head;
    if (i == 0 && head != nullptr) {
      head->upper(in, out_gradient, middle(segment, pass.number), pass);
      return;
    }
    const Map in_gradient = i > 0 ? gradient(segment, i - 1) : Map{nullptr, {}};
    operations[i]->backward(in, out_gradient, in_gradient, pass);
  }
}

// A segment's backward pass, once that of the next one is over for the whole batch.
void Net::backward(size_t segment, const Pass& pass) {
  const auto& operations = plan_.segments[segment].operations;
  if (operations.empty()) return;
  Pass again = pass;
  again.again = true;
  forward_operations(segment, operations.size() - 1, again);
  plan_.segments[segment + 1].head->lower(constant(input(segment + 1, pass.number)),
                                          constant(middle(segment + 1, pass.number)),
                                          gradient(segment, operations.size() - 1), again);
  backward_operations(segment, again);
}

Outcome Net::train(float* values, float* gradients, const int64_t* labels, int64_t count,
                   int64_t step) {
  prepare(values);
  const int64_t blocks = blocks_of(count);
  auto pass_of = [&](int64_t block) {
    return Pass{block, valid_lanes_of(count, block), step, true, false, &costs_};
  };
  const size_t last = plan_.segments.size() - 1;
  for (size_t segment = 0; segment < last; ++segment) {
    for (int64_t block = 0; block < blocks; ++block) forward(segment, pass_of(block));
    plan_.segments[segment + 1].head->norm()->finish_statistics();
  }
  Outcome whole;
  for (int64_t block = 0; block < blocks; ++block) {
    const Pass pass = pass_of(block);
    forward(last, pass);
    const Map at_scores = gradient(last, plan_.segments[last].operations.size() - 1);
    const Outcome part = cross_entropy(constant(output(last, block)), labels + block * kLanes,
                                       smoothing_, pass, count, &at_scores);
    whole.loss += part.loss / double(count);
    whole.correct += part.correct;
    backward_operations(last, pass);
  }
  for (size_t segment = last; segment-- > 0;) {
    plan_.segments[segment + 1].head->norm()->finish_gradient(gradients);
    for (int64_t block = 0; block < blocks; ++block) backward(segment, pass_of(block));
  }
  for (Segment& segment : plan_.segments) {
    for (auto& operation : segment.operations) operation->finish(gradients);
  }
  return whole;
}

void Net::prepare_evaluation(float* values) {
  prepare(values);
  for (Segment& segment : plan_.segments) {
    if (segment.head != nullptr) segment.head->norm()->use_running_statistics();
  }
}

Outcome Net::evaluate(const int64_t* labels, int valid) {
  const Pass pass{0, valid, 0, false, false, &costs_};
  for (size_t segment = 0; segment < plan_.segments.size(); ++segment) forward(segment, pass);
  return cross_entropy(constant(output(plan_.segments.size() - 1, 0)), labels, 0, pass, 1, nullptr);
}

}  // namespace drilldown
