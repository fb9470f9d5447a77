#include "plan.hpp"

#include <algorithm>
#include <string>

#include "convolution.hpp"
#include "flatten.hpp"
#include "loss.hpp"
#include "pooling.hpp"

namespace drilldown {

Shape Segment::input(const Shape& image) const {
  return operations.empty() ? image : operations.front()->input();
}

namespace {

// The tensors that a layer owns: parameters follow one another from 0, statistics likewise, until
// all parameters are counted.
std::vector<Tensor> tensors_of(const dd_layer& layer, const Shape& shape) {
  std::vector<Tensor> found;
  if (layer.kind == DD_CONV || layer.kind == DD_LINEAR) {
    const int64_t area = checked_product(layer.kernel, layer.kernel);
    const int64_t pairs = checked_product(layer.inputs / layer.groups, layer.outputs);
    const int64_t weights = checked_product(pairs, area);
    if (weights > INT32_MAX)
      throw std::length_error("a layer has more weights than can be counted");
    found.push_back({0, weights, true, true});
    if (layer.bias) found.push_back({0, layer.outputs, true, false});
  } else if (layer.kind == DD_BN) {
    for (const bool parameter : {true, true, false, false}) {
      found.push_back({0, shape.channels, parameter, false});
    }
  }
  return found;
}

int window(int size, int kernel, int stride) {
  if (kernel < 1 || stride < 1 || kernel > size)
    throw std::invalid_argument("a window is too large");
  return (size - kernel) / stride + 1;
}

Shape checked_output(const dd_layer& layer, const Shape& shape) {
  const int pad = layer.padding;
  switch (layer.kind) {
    case DD_CONV:
      if (layer.groups < 1 || layer.inputs != shape.channels || layer.outputs < 1 || pad < 0 ||
          layer.inputs % layer.groups || layer.outputs % layer.groups) {
        throw std::invalid_argument("a convolution does not fit its input");
      }
      return {layer.outputs, window(shape.height + 2 * pad, layer.kernel, layer.stride),
              window(shape.width + 2 * pad, layer.kernel, layer.stride)};
    case DD_LINEAR:
      if (layer.inputs != shape.size() || layer.outputs < 1) {
        throw std::invalid_argument("a linear layer does not fit its input");
      }
      return {layer.outputs, 1, 1};
    case DD_MAXPOOL:
    case DD_AVGPOOL:
      return {shape.channels, window(shape.height, layer.kernel, layer.stride),
              window(shape.width, layer.kernel, layer.stride)};
    case DD_GAP:
      return {shape.channels, 1, 1};
    case DD_FLATTEN: {
      const int64_t features = shape.size();
      if (features > INT32_MAX) throw std::length_error("too many features");
      return {int(features), 1, 1};
    }
    default:
      return shape;
  }
}

// Raises, naming the place of the layer from 1, where it does not fit `shape`.
Shape output_of(const dd_layer* layers, int place, const Shape& shape) {
  const std::string where = "layer " + std::to_string(place + 1) + ": ";
  try {
    return checked_output(layers[place], shape);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(where + error.what());
  } catch (const std::length_error& error) {
    throw std::length_error(where + error.what());
  }
}

class Planner {
 public:
  Planner(const dd_layer* layers, int count, const dd_recipe& recipe)
      : layers_(layers), count_(count), recipe_(recipe), plan_() {
    plan_.segments.emplace_back();
  }

  Plan run() {
    place_tensors();
    for (int i = 0; i < count_; ++i) add(i);
    flush();
    if (!(shape_ == Shape{kClasses, 1, 1})) throw std::invalid_argument("not ten scores");
    return std::move(plan_);
  }

 private:
  void place_tensors() {
    Shape shape = image_shape();
    for (int i = 0; i < count_; ++i) {
      first_.push_back(plan_.tensors.size());
      for (const Tensor& tensor : tensors_of(layers_[i], shape)) plan_.tensors.push_back(tensor);
      shape = output_of(layers_, i, shape);
    }
    for (const bool parameter : {true, false}) {
      for (Tensor& tensor : plan_.tensors) {
        if (tensor.parameter != parameter) continue;
        tensor.place = plan_.values;
        plan_.values = checked_sum(plan_.values, tensor.size);
      }
      if (parameter) plan_.parameters = plan_.values;
    }
  }

  int64_t place(int layer, size_t tensor) const {
    return plan_.tensors[first_[size_t(layer)] + tensor].place;
  }

  void add(int i) {
    const dd_layer& layer = layers_[i];
    const Shape output = output_of(layers_, i, shape_);
    switch (layer.kind) {
      case DD_BN:
        add_norm(i);
        break;
      case DD_ACTIVATION:
        if (pending_ && (parts_.second != Function::kIdentity || parts_.second_dropout ||
                         parts_.first != Function::kIdentity)) {
          flush();
        }
        parts_.second = Function(layer.activation);
        pending_ = true;
        break;
      case DD_DROPOUT:
        add_dropout(i);
        break;
      default:
        flush();
        push(make(i, output));
    }
    shape_ = output;
  }

  // What is pending comes before the batch norm, in the same pass over memory.
  void add_norm(int i) {
    if (parts_.norm) flush();
    parts_.first = parts_.second;
    parts_.first_dropout = std::move(parts_.second_dropout);
    parts_.second = Function::kIdentity;
    parts_.norm = std::make_unique<BatchNorm>(
        shape_, BatchNorm::Places{place(i, 0), place(i, 1), place(i, 2), place(i, 3)});
    pending_ = true;
  }

  void add_dropout(int i) {
    const dd_layer& layer = layers_[i];
    if (dropout_cut(layer.rate) == 0) return;
    if (parts_.second_dropout) flush();
    parts_.second_dropout =
        std::make_unique<Dropout>(shape_, layer.rate, layer.whole_channels != 0,
                                  recipe_.dropout_seed, uint32_t(i), blocks_of(recipe_.batch_size));
    pending_ = true;
  }

  std::unique_ptr<Operation> make(int i, const Shape& output) const {
    const dd_layer& layer = layers_[i];
    switch (layer.kind) {
      case DD_CONV:
        return std::make_unique<Convolution>(
            shape_, output,
            ConvolutionSpec{layer.kernel, layer.padding, layer.stride, layer.groups}, place(i, 0),
            layer.bias ? place(i, 1) : -1);
      case DD_LINEAR:
        return std::make_unique<Convolution>(shape_, output, ConvolutionSpec{}, place(i, 0),
                                             layer.bias ? place(i, 1) : -1);
      case DD_MAXPOOL:
        return std::make_unique<MaxPool>(shape_, output, layer.kernel, layer.stride);
      case DD_AVGPOOL:
        return std::make_unique<AvgPool>(shape_, output, layer.kernel, layer.kernel, layer.stride);
      case DD_GAP:
        return std::make_unique<AvgPool>(shape_, output, shape_.height, shape_.width, 1);
      case DD_FLATTEN:
        return shape_ == output ? nullptr : std::make_unique<Flatten>(shape_, output);
      default:
        throw std::invalid_argument("a layer of unknown kind");
    }
  }

  void push(std::unique_ptr<Operation> operation) {
    if (operation) plan_.segments.back().operations.push_back(std::move(operation));
  }

  void flush() {
    if (!pending_) return;
    Pointwise* head = nullptr;
    const bool norm = parts_.norm != nullptr;
    auto operation = std::make_unique<Pointwise>(shape_, std::move(parts_));
    if (norm) {
      plan_.segments.emplace_back();
      head = operation.get();
      plan_.segments.back().head = head;
    }
    push(std::move(operation));
    parts_ = PointwiseParts{};
    pending_ = false;
  }

  const dd_layer* layers_;
  int count_;
  const dd_recipe& recipe_;
  Plan plan_;
  std::vector<size_t> first_;  // tensor of each layer
  Shape shape_ = image_shape();
  PointwiseParts parts_;
  bool pending_ = false;
};

// Of one layer, in the batch's buffers and a block's; see Net and the operations' own members.
int64_t bytes_of(const dd_layer& layer, const Shape& input, const Shape& output, int64_t blocks) {
  const int64_t vector = sizeof(Vector);
  // What a convolution's border adds at most, on both sides of the layer.
  const int64_t border = layer.kind == DD_CONV ? 2 * int64_t(layer.padding) + layer.kernel : 0;
  const int64_t stride = layer.kind == DD_CONV ? layer.stride : 1;
  auto padded = [&](const Shape& shape, int64_t step) {
    const int64_t height = checked_sum(checked_product(shape.height, step), border);
    const int64_t width = checked_sum(checked_product(shape.width, step), border);
    return checked_product(shape.channels, checked_product(height, width));
  };
  int64_t vectors = checked_sum(padded(input, 1), padded(output, stride));
  if (layer.kind == DD_BN) {
    vectors = checked_sum(vectors, checked_product(2 * blocks, output.size()));
  }
  int64_t bytes = checked_product(vectors, vector);
  if (layer.kind == DD_DROPOUT) {
    const int64_t count = layer.whole_channels ? output.channels * vector : output.size() * 2;
    bytes = checked_sum(bytes, checked_product(blocks, count));
  }
  for (const Tensor& tensor : tensors_of(layer, output)) {
    // Value, gradient, average, two moments, packed for two passes, and sums over the batch.
    const int64_t copies = checked_product(tensor.size, 7 * int64_t(sizeof(float)));
    const int64_t sums =
        std::min(checked_product(tensor.size, vector), tensor.size * 8 + (1 << 22));
    bytes = checked_sum(bytes, checked_sum(copies, sums));
  }
  return bytes;
}

}  // namespace

int64_t plan_bytes(const dd_layer* layers, int count, const dd_recipe& recipe) {
  const int64_t blocks = blocks_of(recipe.batch_size);
  Shape shape = image_shape();
  int64_t bytes = checked_product(checked_product(blocks, shape.size()), sizeof(Vector));
  for (int i = 0; i < count; ++i) {
    const Shape output = output_of(layers, i, shape);
    bytes = checked_sum(bytes, bytes_of(layers[i], shape, output, blocks));
    shape = output;
  }
  return bytes;
}

Plan make_plan(const dd_layer* layers, int count, const dd_recipe& recipe) {
  return Planner(layers, count, recipe).run();
}

}  // namespace drilldown
