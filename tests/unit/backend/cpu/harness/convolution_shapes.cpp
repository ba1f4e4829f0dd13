#include "tests/unit/backend/cpu/harness/convolution_shapes.h"

namespace tailor::backend::testing {

static std::string list(const std::vector<int64_t>& entries, const char* between) {
  std::string text;
  for (size_t i = 0; i < entries.size(); ++i)
    text += (i ? between : "") + std::to_string(entries[i]);
  return text;
}

std::string typeOf(const Shape& shape) {
  return "tensor<" + list({shape.begin(), shape.end()}, "x") + "xf32>";
}

std::string nameOf(const Convolution& c) {
  return typeOf(c.image()) + " " + typeOf(c.weight()) + " stride " +
         list({c.strideHeight, c.strideWidth}, ",") + " padding " +
         list({c.top, c.bottom, c.left, c.right}, ",") + " dilation " +
         list({c.dilationHeight, c.dilationWidth}, ",") + " groups " + std::to_string(c.groups);
}

static KernelText kernelText(const Convolution& c, const std::string& op, const Shape& a, const Shape& b,
                             const Shape& result) {
  std::string types = "(" + typeOf(a) + ", " + typeOf(b) + ") -> " + typeOf(result);
  std::string ops = "%r = tailor." + op + " %a, %b strides([" + list({c.strideHeight, c.strideWidth}, ", ") +
                    "]) padding([" + list({c.top, c.bottom, c.left, c.right}, ", ") + "]) dilation([" +
                    list({c.dilationHeight, c.dilationWidth}, ", ") + "]) groups(" +
                    std::to_string(c.groups) + ") : " + types;
  return {"single", "%a: " + typeOf(a) + ", %b: " + typeOf(b), ops, "%r", typeOf(result)};
}

std::vector<KernelText> kernelTexts(const Convolution& c) {
  return {kernelText(c, "conv2d", c.image(), c.weight(), c.output()),
          kernelText(c, "conv2d_data_grad", c.output(), c.weight(), c.image()),
          kernelText(c, "conv2d_weight_grad", c.image(), c.output(), c.weight())};
}

std::vector<std::vector<Tensor>> drawArguments(const Convolution& c) {
  Tensor x = draw(Element::f32, c.image(), -1, 1, 1), w = draw(Element::f32, c.weight(), -1, 1, 2);
  Tensor dy = draw(Element::f32, c.output(), -1, 1, 3);
  return {{x, w}, {dy, w}, {x, dy}};
}

} // namespace tailor::backend::testing
