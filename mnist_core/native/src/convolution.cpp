#include "convolution.hpp"

#include <algorithm>

namespace drilldown {
namespace {

// The channels from `first` on.
template <class V>
MapView<V> channels_from(const MapView<V>& map, int64_t first) {
  if (map.data == nullptr) return map;
  MapView<V> part = map;
  part.layout.origin += first * map.layout.channel;
  return part;
}

}  // namespace

Convolution::Convolution(Shape input, Shape output, ConvolutionSpec spec, int64_t weight,
                         int64_t bias)
    : Operation(input, output), spec_(spec), weight_(weight), bias_(bias) {
  for (int group = 0; group < spec.groups; ++group) {
    groups_.push_back(
        {Correlator(forward_shape()), Correlator(backward_shape()), WeightSums(forward_shape())});
  }
  bias_sums_.resize(bias < 0 ? 0 : size_t(output.channels));
}

ConvolutionShape Convolution::forward_shape() const {
  return {input_.channels / spec_.groups,
          output_.channels / spec_.groups,
          spec_.kernel,
          spec_.stride,
          output_.height,
          output_.width};
}

ConvolutionShape Convolution::backward_shape() const {
  return {output_.channels / spec_.groups,
          input_.channels / spec_.groups,
          spec_.kernel,
          1,
          input_.height,
          input_.width};
}

// Around the gradient lie the zeros that the input gradient reads: `edge` of them before it, and as
// many behind it as the kernel's way over the whole input takes. Padding beyond the kernel makes
// `edge` negative: then the first pixels of the gradient belong to no pixel of the input, and lie
// before what is read.
Layout Convolution::gradient_layout() const {
  const int before = std::max(0, -edge()), first = before + edge();
  auto extent = [&](int inputs, int outputs) {
    const int64_t read = checked_sum(inputs, spec_.kernel - 1);
    const int64_t written = checked_sum(edge(), (outputs - 1) * int64_t(spec_.stride) + 1);
    return before + std::max(read, written);
  };
  const int64_t height = extent(input_.height, output_.height);
  const int64_t width = extent(input_.width, output_.width);
  const int64_t plane = checked_product(height, width);
  return {first * width + first, plane, spec_.stride * width, spec_.stride,
          checked_product(output_.channels, plane)};
}

void Convolution::prepare(const float* values) {
  values_ = values;
  const float* weights = values + weight_;
  for (Group& group : groups_) {
    group.forward.set_weights(weights, false);
    group.input_gradient.set_weights(weights, true);
    weights += forward_shape().weights();
  }
}

// A group's input channels, from the corner of their padding on.
ConstMap Convolution::padded(const ConstMap& in, int group) const {
  ConstMap part = channels_from(in, int64_t(group) * forward_shape().inputs);
  part.layout.origin -= spec_.padding * (part.layout.row + part.layout.column);
  return part;
}

void Convolution::forward(const ConstMap& in, const Map& out, const Pass& pass) {
  const Timed timed = pass.timed(Part::kConvolution);
  for (int group = 0; group < spec_.groups; ++group) {
    const int64_t first = int64_t(group) * forward_shape().outputs;
    const float* bias = bias_ < 0 ? nullptr : values_ + bias_ + first;
    groups_[size_t(group)].forward.run(padded(in, group), channels_from(out, first), bias);
  }
}

void Convolution::backward(const ConstMap& in, const ConstMap& out_gradient, const Map& in_gradient,
                           const Pass& pass) {
  const ConvolutionShape shape = forward_shape();
  // The same numbers with the zeros between and around them.
  ConstMap read = out_gradient;
  read.layout.row /= spec_.stride;
  read.layout.column = 1;
  read.layout.origin -= edge() * (read.layout.row + 1);
  for (int group = 0; group < spec_.groups; ++group) {
    Group& each = groups_[size_t(group)];
    const int64_t first = int64_t(group) * shape.outputs;
    {
      const Timed timed = pass.timed(Part::kWeightGradient);
      each.weight_gradient.add(padded(in, group), channels_from(out_gradient, first));
    }
    if (in_gradient.data != nullptr) {
      const Timed timed = pass.timed(Part::kInputGradient);
      each.input_gradient.run(channels_from(read, first),
                              channels_from(in_gradient, int64_t(group) * shape.inputs), nullptr);
    }
  }
  for (size_t o = 0; o < bias_sums_.size(); ++o) {
    Vector sum = splat(0);
    for (int y = 0; y < output_.height; ++y) {
      Vector row = splat(0);
      for (int x = 0; x < output_.width; ++x) row += *out_gradient.at(int64_t(o), y, x);
      sum += row;
    }
    bias_sums_[o] += lane_sum(sum);
  }
}

void Convolution::finish(float* gradients) {
  float* weights = gradients + weight_;
  for (Group& group : groups_) {
    group.weight_gradient.finish(weights);
    weights += forward_shape().weights();
  }
  for (size_t o = 0; o < bias_sums_.size(); ++o) {
    gradients[bias_ + int64_t(o)] = float(bias_sums_[o]);
    bias_sums_[o] = 0;
  }
}

}  // namespace drilldown
