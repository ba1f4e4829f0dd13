#include "ir/ops/Support.h"

#include "llvm/ADT/SmallBitVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace mlir;

namespace tailor::ir {

bool isFloatTensor(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && isa<FloatType>(tensor.getElementType());
}

bool sameShape(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  return a.size() == b.size() && llvm::all_of_zip(a, b, sameSize);
}

CheckedSize operator+(CheckedSize a, CheckedSize b) {
  a.value = a.value && b.value ? llvm::checkedAdd(*a.value, *b.value) : std::nullopt;
  return a;
}

CheckedSize operator*(CheckedSize a, CheckedSize b) {
  a.value = a.value && b.value ? llvm::checkedMul(*a.value, *b.value) : std::nullopt;
  return a;
}

CheckedSize numElements(ArrayRef<int64_t> shape) {
  CheckedSize product = 1;
  for (int64_t size : shape)
    product = product * size;
  return product;
}

bool isSameOrWider(TypeRange inferred, TypeRange actual) {
  auto a = cast<RankedTensorType>(inferred.front()), b = cast<RankedTensorType>(actual.front());
  bool elementFits =
      a.getElementType() == b.getElementType() || (a.getElementType().isBF16() && b.getElementType().isF32());
  return elementFits && sameShape(a.getShape(), b.getShape());
}

std::string shapeText(ArrayRef<int64_t> shape) {
  if (shape.empty()) return "scalar";
  std::string text;
  for (int64_t size : shape)
    text +=
        (text.empty() ? "" : "x") + (ShapedType::isDynamic(size) ? std::string("?") : std::to_string(size));
  return text;
}

LogicalResult checkDims(ArrayRef<int64_t> dims, int64_t rank, StringRef what,
                        function_ref<InFlightDiagnostic()> emitError) {
  llvm::SmallBitVector seen(rank);
  for (int64_t dim : dims) {
    if (dim < 0 || dim >= rank)
      return emitError() << what << " names dimension " << dim << " of a value with " << rank
                         << " dimensions";
    if (seen.test(dim)) return emitError() << what << " names dimension " << dim << " twice";
    seen.set(dim);
  }
  return success();
}

std::string valueName(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto body = dyn_cast_or_null<BodyOp>(argument.getOwner()->getParentOp());
    if (!body || !body.getArgNames() || argument.getArgNumber() >= body.getArgNames()->size()) return "";
    return cast<StringAttr>(body.getArgNamesAttr()[argument.getArgNumber()]).str();
  }
  return llvm::TypeSwitch<Operation*, std::string>(value.getDefiningOp())
      .Case([](LoadOp load) { return load.getStateAttr() ? load.getState().getLeafReference().str() : ""; })
      .Case([](ControlReadOp read) { return read.getFieldAttr() ? read.getField().str() : ""; })
      .Case([](InputOp input) { return input.getInputAttr() ? input.getInput().str() : ""; })
      .Case([&](SamPerturbOp perturb) {
        unsigned index = cast<OpResult>(value).getResultNumber();
        std::string name = index < perturb.getParams().size() ? valueName(perturb.getParams()[index]) : "";
        return name.empty() ? name : name + "_up";
      })
      .Default([](Operation*) { return std::string(); });
}

ProgramOp programOf(Operation* op) {
  return op->getParentOfType<ProgramOp>();
}

LogicalResult verifyInEntry(Operation* op) {
  Operation* parent = op->getParentOp();
  while (isa_and_nonnull<RepeatOp>(parent))
    parent = parent->getParentOp();
  if (isa_and_nonnull<EntryOp>(parent)) return success();
  InFlightDiagnostic diagnostic = op->emitOpError("belongs in a tailor.entry");
  if (parent) diagnostic << " but is in a " << parent->getName();
  return diagnostic;
}

std::optional<double> splatNumber(Attribute constant) {
  auto elements = dyn_cast_or_null<DenseElementsAttr>(constant);
  if (!elements || !elements.isSplat()) return std::nullopt;
  Type type = elements.getElementType();
  if (isa<FloatType>(type)) {
    APFloat number = elements.getSplatValue<APFloat>();
    bool losesInfo = false;
    number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
    return number.convertToDouble();
  }
  if (type.isInteger(1)) return elements.getSplatValue<bool>() ? 1.0 : 0.0;
  return static_cast<double>(elements.getSplatValue<APInt>().getSExtValue());
}

DenseElementsAttr splatOf(RankedTensorType type, double number) {
  if (auto floats = dyn_cast<FloatType>(type.getElementType())) {
    APFloat value(number);
    bool losesInfo = false;
    value.convert(floats.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
    return DenseElementsAttr::get(type, value);
  }
  unsigned width = type.getElementType().getIntOrFloatBitWidth();
  return DenseElementsAttr::get(type, APInt(width, static_cast<uint64_t>(static_cast<int64_t>(number)),
                                            /*isSigned=*/true, /*implicitTrunc=*/true));
}

LogicalResult verifySameShapes(Operation* op, StringRef firstRole, TypeRange first, StringRef secondRole,
                               TypeRange second) {
  if (first.size() != second.size())
    return op->emitOpError("expects as many ")
           << secondRole << " as " << firstRole << ": " << first.size() << " " << firstRole << " but "
           << second.size() << " " << secondRole;
  for (auto [index, pair] : llvm::enumerate(llvm::zip_equal(first, second))) {
    auto a = cast<RankedTensorType>(std::get<0>(pair)), b = cast<RankedTensorType>(std::get<1>(pair));
    if (!sameShape(a.getShape(), b.getShape()))
      return op->emitOpError() << firstRole << " " << index << " is " << shapeText(a.getShape()) << " but "
                               << secondRole << " " << index << " is " << shapeText(b.getShape());
  }
  return success();
}

} // namespace tailor::ir
