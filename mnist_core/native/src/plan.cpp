#include "plan.hpp"

#include <algorithm>
#include <string>

#include "convolution.hpp"
#include "flatten.hpp"
#include "loss.hpp"
#include "pooling.hpp"

namespace drilldown {

namespace {

// The tensors that a layer owns: parameters follow one another from 0, statistics likewise, until
// all parameters are counted.
std::vector<Tensor> tensors_of(const dd_layer& layer, const Shape& shape) {
  std::vector<Tensor> found;
  if (layer.kind == DD_CONV || layer.kind == DD_LINEAR) {
    const int64_t area = checked_product(layer.kernel, layer.kernel);
    const int64_t pairs = checked_product(layer.inputs / layer.groups, layer.outputs);
    const int64_t weights = checked_product(pairs, area);
    if (weights > INT32_MAX) throw std::length_error("more weights than can be counted");
    found.push_back({0, weights, true, true});
    if (layer.bias) found.push_back({0, layer.outputs, true, false});
  } else if (layer.kind == DD_BN) {
    for (const bool parameter : {true, true, false, false}) {
      found.push_back({0, shape.channels, parameter, false});
    }
  }
  return found;
}

int window(int64_t size, int kernel, int stride) {
  if (kernel < 1 || stride < 1 || kernel > size) {
    throw std::invalid_argument("its window does not fit its input");
  }
  return int((size - kernel) / stride + 1);
}

Shape output_of(const dd_layer& layer, const Shape& shape) {
  const int64_t pad = layer.padding;
  switch (layer.kind) {
    case DD_CONV:
      if (layer.groups < 1 || layer.inputs != shape.channels || layer.outputs < 1 || pad < 0 ||
          layer.inputs % layer.groups || layer.outputs % layer.groups) {
        throw std::invalid_argument("it does not fit its input");
      }
      return {layer.outputs, window(shape.height + 2 * pad, layer.kernel, layer.stride),
              window(shape.width + 2 * pad, layer.kernel, layer.stride)};
    case DD_LINEAR:
      if (layer.inputs != shape.size() || layer.outputs < 1) {
        throw std::invalid_argument("it does not fit its input");
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
    case DD_ACTIVATION:
      if (layer.activation < 0 || layer.activation >= int(Function::kIdentity)) {
        throw std::invalid_argument("an activation of unknown kind");
      }
      return shape;
    case DD_BN:
    case DD_DROPOUT:
      return shape;
    default:
      throw std::invalid_argument("a layer of unknown kind");
  }
}

// One layer, what comes in and goes out, and the tensors that it owns.
struct Row {
  const dd_layer& layer;
  Shape input, output;
  std::vector<Tensor> tensors;
};

// f(), and where that raises, the place of the layer (from 0) with it, counted from 1.
template <class F>
auto at_layer(int place, F f) {
  const std::string where = "layer " + std::to_string(place + 1) + ": ";
  try {
    return f();
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(where + error.what());
  } catch (const std::length_error& error) {
    throw std::length_error(where + error.what());
  }
}

std::vector<Row> trace(const dd_layer* layers, int count) {
  std::vector<Row> rows;
  Shape shape = image_shape();
  for (int i = 0; i < count; ++i) {
    rows.push_back(at_layer(i, [&] {
      const Shape output = output_of(layers[i], shape);
      return Row{layers[i], shape, output, tensors_of(layers[i], shape)};
    }));
    shape = rows.back().output;
  }
  return rows;
}

class Planner {
 public:
  Planner(const dd_layer* layers, int count, const dd_recipe& recipe)
      : rows_(trace(layers, count)), recipe_(recipe) {
    plan_.segments.emplace_back();
  }

  Plan run() {
    place_tensors();
    for (size_t i = 0; i < rows_.size(); ++i) add(i);
    flush();
    if (!(shape_ == Shape{kClasses, 1, 1})) throw std::invalid_argument("not ten scores");
    return std::move(plan_);
  }

 private:
  void place_tensors() {
    for (const Row& row : rows_) {
      first_.push_back(plan_.tensors.size());
      plan_.tensors.insert(plan_.tensors.end(), row.tensors.begin(), row.tensors.end());
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

  int64_t place(size_t layer, size_t tensor) const {
    return plan_.tensors[first_[layer] + tensor].place;
  }

  void add(size_t i) {
    const dd_layer& layer = rows_[i].layer;
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
        push(make(i));
    }
    shape_ = rows_[i].output;
  }

  // What is pending comes before the batch norm, in the same pass over memory.
  void add_norm(size_t i) {
    if (parts_.norm) flush();
    parts_.first = parts_.second;
    parts_.first_dropout = std::move(parts_.second_dropout);
    parts_.second = Function::kIdentity;
    parts_.norm = std::make_unique<BatchNorm>(
        shape_, BatchNorm::Places{place(i, 0), place(i, 1), place(i, 2), place(i, 3)});
    pending_ = true;
  }

  void add_dropout(size_t i) {
    const dd_layer& layer = rows_[i].layer;
    if (dropout_cut(layer.rate) == 0) return;
    if (parts_.second_dropout) flush();
    parts_.second_dropout =
        std::make_unique<Dropout>(shape_, layer.rate, layer.whole_channels != 0,
                                  recipe_.dropout_seed, uint32_t(i), blocks_of(recipe_.batch_size));
    pending_ = true;
  }

  std::unique_ptr<Operation> make(size_t i) const {
    const dd_layer& layer = rows_[i].layer;
    const Shape& output = rows_[i].output;
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

  std::vector<Row> rows_;
  const dd_recipe& recipe_;
  Plan plan_;
  std::vector<size_t> first_;  // tensor of each layer
  Shape shape_ = image_shape();
  PointwiseParts parts_;
  bool pending_ = false;
};

// Bytes of one layer, in the batch's buffers and a block's; see Net and the operations' own members.
int64_t bytes_of(const Row& row, int64_t blocks) {
  const dd_layer& layer = row.layer;
  const bool convolution = layer.kind == DD_CONV;
  const int64_t vector = sizeof(Vector);
  // What a convolution's border adds at most, on both sides of the layer.
  const int64_t border = convolution ? 2 * int64_t(layer.padding) + layer.kernel : 0;
  const int64_t stride = convolution ? layer.stride : 1;
  auto padded = [&](const Shape& shape, int64_t step) {
    const int64_t height = checked_sum(checked_product(shape.height, step), border);
    const int64_t width = checked_sum(checked_product(shape.width, step), border);
    return checked_product(shape.channels, checked_product(height, width));
  };
  int64_t vectors = checked_sum(padded(row.input, 1), padded(row.output, stride));
  if (layer.kind == DD_BN) {
    vectors = checked_sum(vectors, checked_product(2 * blocks, row.output.size()));
  }
  int64_t bytes = checked_product(vectors, vector);
  if (layer.kind == DD_DROPOUT) {
    const int64_t count =
        layer.whole_channels ? row.output.channels * vector : checked_product(row.output.size(), 2);
    bytes = checked_sum(bytes, checked_product(blocks, count));
  }
  for (const Tensor& tensor : row.tensors) {
    // Value, gradient, average, two moments, and packed for two passes; by Winograd's kernels up to
    // 80 numbers of the nine, for each pass.
    const int64_t packed =
        convolution && layer.kernel == 3 && tensor.weight ? 2 + 2 * 80 / 9 + 1 : 2;
    const int64_t copies = checked_product(tensor.size, (5 + packed) * int64_t(sizeof(float)));
    const int64_t sums =
        std::min(checked_product(2 * tensor.size, vector), tensor.size * 8 + (1 << 23));
    bytes = checked_sum(bytes, checked_sum(copies, sums));
  }
  return bytes;
}

}  // namespace

int64_t plan_bytes(const dd_layer* layers, int count, const dd_recipe& recipe) {
  const int64_t blocks = blocks_of(recipe.batch_size);
  int64_t bytes = checked_product(checked_product(blocks, image_shape().size()), sizeof(Vector));
  const std::vector<Row> rows = trace(layers, count);
  for (int i = 0; i < count; ++i) {
    bytes = at_layer(i, [&] { return checked_sum(bytes, bytes_of(rows[size_t(i)], blocks)); });
  }
  return bytes;
}

Plan make_plan(const dd_layer* layers, int count, const dd_recipe& recipe) {
  return Planner(layers, count, recipe).run();
}

}  // namespace drilldown
