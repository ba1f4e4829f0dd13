#include "tests/unit/backend/cpu/harness/case_text.h"

namespace tailor::backend::testing {
namespace {

std::string inF32(std::string text) {
  for (size_t at = 0; (at = text.find("f64", at)) != std::string::npos; at += 3)
    text.replace(at, 3, "f32");
  return text;
}

conformance::OpCase inF32(conformance::OpCase opCase) {
  for (conformance::Argument& argument : opCase.arguments)
    argument.type = inF32(argument.type);
  for (std::string& type : opCase.results)
    type = inF32(type);
  opCase.text = inF32(opCase.text);
  return opCase;
}

} // namespace

KernelText kernelText(const conformance::OpCase& opCase) {
  // The body of the case's program, taken out of its text.
  std::string program = conformance::programText(inF32(opCase));
  size_t from = program.find("tailor.body @f(") + 15, open = program.find(") -> (", from);
  size_t close = program.find(") {\n", open), end = program.find("\n    tailor.return ", close);
  std::string returned = program.substr(end + 19, program.find(" : ", end) - end - 19);
  return {"single", program.substr(from, open - from), program.substr(close + 4, end - close - 4), returned,
          program.substr(open + 6, close - open - 6)};
}

std::vector<Tensor> kernelArguments(const conformance::OpCase& opCase) {
  std::vector<Tensor> arguments = conformance::drawArguments(inF32(opCase));
  for (Tensor& argument : arguments)
    if (argument.isReal())
      for (double& value : argument.reals())
        value = static_cast<float>(value);
  return arguments;
}

} // namespace tailor::backend::testing
