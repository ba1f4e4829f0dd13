#include "tests/unit/backend/cpu/harness/convolution_kernels.h"

#include "backend/cpu/kinds/Winograd.h"

#include <sstream>

namespace tailor::backend::testing {

std::ostream& operator<<(std::ostream& out, const Convolution3x3& s) {
  out << s.images << "x" << s.height << "x" << s.width << "x" << s.channels << " -> " << s.outputs
      << " padding";
  for (int64_t p : s.padding)
    out << " " << p;
  return out << " stride " << s.stride;
}

std::string tensorText(const Shape& shape) {
  std::string text = "tensor<";
  for (int64_t size : shape)
    text += std::to_string(size) + "x";
  return text + "f32>";
}

std::string wordsOf(const Convolution3x3& s) {
  std::ostringstream text;
  text << " strides([" << s.stride << ", " << s.stride << "]) padding([" << s.padding[0] << ", "
       << s.padding[1] << ", " << s.padding[2] << ", " << s.padding[3] << "]) dilation([1, 1]) : ";
  return text.str();
}

std::array<Shape, 3> shapesOf(ConvolutionProduct product, const Convolution3x3& s) {
  switch (product) {
  case ConvolutionProduct::forward:
    return {s.x(), s.w(), s.y()};
  case ConvolutionProduct::dataGradient:
    return {s.y(), s.w(), s.x()};
  case ConvolutionProduct::weightGradient:
    return {s.x(), s.y(), s.w()};
  }
  return {};
}

KernelText kernelOf(ConvolutionProduct product, const Convolution3x3& s) {
  const char* ops[] = {"conv2d", "conv2d_data_grad", "conv2d_weight_grad"};
  auto [a, b, r] = shapesOf(product, s);
  std::string types = "(" + tensorText(a) + ", " + tensorText(b) + ") -> " + tensorText(r);
  return {"single", "%a: " + tensorText(a) + ", %b: " + tensorText(b),
          "%r = tailor." + std::string(ops[int(product)]) + " %a, %b" + wordsOf(s) + types, "%r",
          tensorText(r)};
}

KernelEmission winogradEmission(ConvolutionAlgorithm algorithm) {
  return [algorithm](ir::KernelOp kernel, mlir::ModuleOp module, llvm::StringRef symbol,
                     const CpuTarget& target) -> mlir::FailureOr<KernelInfo> {
    KernelContext context{
        kernel, target, module, symbol.str(), (symbol + "_prepare").str(), (symbol + "_combine").str(), {}};
    context.info.symbol = symbol.str();
    std::optional<ConvolutionOp> conv;
    for (mlir::Operation& op : kernel.getBlock())
      if (auto found = convolutionOf(&op)) conv = found;
    const WinogradForm* form = winogradForm(conv->problem, algorithm);
    if (form == nullptr) return conv->op->emitOpError("is no problem for ") << nameOf(algorithm);
    if (mlir::failed(emitWinograd(context, *conv, *form))) return mlir::failure();
    context.info.scratchBytes = (context.info.scratchBytes + 63) / 64 * 64;
    return context.info;
  };
}

} // namespace tailor::backend::testing
