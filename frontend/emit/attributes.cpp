#include "frontend/emit/attributes.h"

#include "frontend/emit/graph_emitter.h"

#include <mlir/IR/Builders.h>
#include <mlir/IR/BuiltinAttributes.h>

namespace tailor::emission {

namespace {

ir::Direction direction(Comparison comparison) {
  switch (comparison) {
  case Comparison::eq:
    return ir::Direction::Eq;
  case Comparison::ne:
    return ir::Direction::Ne;
  case Comparison::lt:
    return ir::Direction::Lt;
  case Comparison::le:
    return ir::Direction::Le;
  case Comparison::gt:
    return ir::Direction::Gt;
  case Comparison::ge:
    return ir::Direction::Ge;
  }
  return ir::Direction::Eq;
}

ir::Reduction reduction_of(Reduction reduction) {
  switch (reduction) {
  case Reduction::none:
    return ir::Reduction::None;
  case Reduction::batch_mean:
    return ir::Reduction::BatchMean;
  case Reduction::weighted_mean:
    return ir::Reduction::WeightedMean;
  case Reduction::sum:
    return ir::Reduction::Sum;
  }
  return ir::Reduction::BatchMean;
}

mlir::DenseElementsAttr dense(const std::vector<double>& values, mlir::RankedTensorType type) {
  mlir::Type element = type.getElementType();
  llvm::SmallVector<mlir::Attribute> elements;
  for (double value : values)
    elements.push_back(
        llvm::isa<mlir::FloatType>(element)
            ? mlir::Attribute(mlir::FloatAttr::get(element, value))
            : mlir::Attribute(mlir::IntegerAttr::get(element, static_cast<std::int64_t>(value))));
  if (elements.size() == 1) return mlir::DenseElementsAttr::get(type, elements.front());
  return mlir::DenseElementsAttr::get(type, elements);
}

/// One overload per options struct.
class AttributeWriter {
public:
  AttributeWriter(const Node& node, mlir::OperationState& state)
      : node_(node), state_(state), builder_(state.getContext()) {}

  void operator()(const NoOptions&) {}
  void operator()(const ConstantOptions& options) {
    set("value", dense(options.values, tensor_type(node_.results[0], state_.getContext())));
  }
  void operator()(const CompareOptions& options) {
    set("direction", ir::DirectionAttr::get(state_.getContext(), direction(options.comparison)));
  }
  void operator()(const DimsOptions& options) { list("dims", options.dims); }
  void operator()(const AxisOptions& options) { integer("dim", options.axis); }
  void operator()(const PermutationOptions& options) { list("permutation", options.permutation); }
  void operator()(const SliceOptions& options) {
    list("starts", options.starts);
    list("limits", options.limits);
    list("strides", options.strides);
  }
  void operator()(const PadOptions& options) {
    list("low", options.low);
    list("high", options.high);
    list("interior", std::vector<std::int64_t>(options.low.size(), 0));
    number("value", options.value);
  }
  void operator()(const RollOptions& options) {
    integer("shift", options.shift);
    integer("dim", options.axis);
  }
  void operator()(const DotOptions& options) {
    list("lhs_batch", options.lhs_batch);
    list("rhs_batch", options.rhs_batch);
    list("lhs_contract", options.lhs_contracting);
    list("rhs_contract", options.rhs_contracting);
  }
  void operator()(const ConvOptions& options) {
    list("strides", options.strides);
    list("padding", options.padding);
    list("dilation", options.dilation);
    integer("groups", options.groups);
  }
  void operator()(const PoolOptions& options) {
    list("window", options.window);
    list("strides", options.strides);
    list("padding", options.padding);
    unit("ceil_mode", options.ceil_mode);
    unit("count_include_pad", node_.op == "avg_pool2d" && options.count_include_pad);
  }
  void operator()(const NormOptions& options) { number("epsilon", options.epsilon); }
  void operator()(const RunningOptions& options) {
    number("momentum", options.momentum);
    integer("rows", options.rows);
    integer("row_elements", options.row_elements);
  }
  void operator()(const ClampOptions& options) {
    number("low", options.low);
    number("high", options.high);
  }
  void operator()(const CrossEntropyOptions& options) {
    set("reduction", ir::ReductionAttr::get(state_.getContext(), reduction_of(options.reduction)));
    std::vector<std::int32_t> sizes{
        1, !options.soft, options.mix, options.mix, options.soft, options.weights, options.smoothing};
    if (node_.op == "softmax_cross_entropy") {
      sizes.push_back(options.margin);
      sizes.push_back(options.bias);
      if (options.focal_gamma != 0) number("focal_gamma", options.focal_gamma);
      unit("focal_of_weighted", options.focal_of_weighted);
      number("scale", options.scale);
    }
    sizes.push_back(options.valid);
    set("operandSegmentSizes", builder_.getDenseI32ArrayAttr(sizes));
  }
  void operator()(const KeyOptions& options) {
    integer("stream", options.stream);
    integer("view", options.view);
  }
  void operator()(const ProbabilityOptions& options) {
    number(node_.op == "dropout" ? "rate" : "probability", options.probability);
  }
  void operator()(const UpdateOptions& options) {
    set("operandSegmentSizes", segments(options.operand_roles));
    if (options.result_roles.size() > 1) set("resultSegmentSizes", segments(options.result_roles));
    if (!options.decayed.empty()) {
      llvm::SmallVector<bool> decayed(options.decayed.begin(), options.decayed.end());
      set("decayed", builder_.getDenseBoolArrayAttr(decayed));
    }
    if (!options.segments.empty()) set("segments", builder_.getDenseI32ArrayAttr(options.segments));
    unit("adaptive", options.adaptive);
    unit("nesterov", options.nesterov);
  }
  void operator()(const StateOptions& options) {
    set("state", state_symbol(*options.state, state_.getContext()));
  }
  void operator()(const NameOptions& options) {
    if (node_.op == "control_read")
      set("field", mlir::FlatSymbolRefAttr::get(state_.getContext(), options.name));
    else
      set("input", builder_.getStringAttr(options.name));
  }
  void operator()(const GradOptions& options) { list("wrt", options.wrt); }

private:
  void set(llvm::StringRef name, mlir::Attribute attribute) { state_.addAttribute(name, attribute); }
  void integer(llvm::StringRef name, std::int64_t value) { set(name, builder_.getI64IntegerAttr(value)); }
  void number(llvm::StringRef name, double value) { set(name, builder_.getF64FloatAttr(value)); }
  void unit(llvm::StringRef name, bool present) {
    if (present) set(name, builder_.getUnitAttr());
  }
  void list(llvm::StringRef name, llvm::ArrayRef<std::int64_t> values) {
    set(name, builder_.getDenseI64ArrayAttr(values));
  }
  mlir::Attribute segments(const std::vector<std::int64_t>& sizes) {
    llvm::SmallVector<std::int32_t> narrow(sizes.begin(), sizes.end());
    return builder_.getDenseI32ArrayAttr(narrow);
  }

  const Node& node_;
  mlir::OperationState& state_;
  mlir::Builder builder_;
};

} // namespace

void add_attributes(const Node& node, mlir::OperationState& state) {
  std::visit(AttributeWriter(node, state), node.options);
}

} // namespace tailor::emission
