#include "tests/conformance/op_case.h"

#include "runtime/base/philox.h"

#include <cstdlib>

namespace tailor::conformance {
namespace {

std::string replaceAll(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

Shape parseShape(const std::string& type) {
  Shape shape;
  for (size_t begin = 0, end; (end = type.find('x', begin)) != std::string::npos; begin = end + 1)
    shape.push_back(std::stoll(type.substr(begin, end - begin)));
  return shape;
}

Element parseElement(const std::string& type) {
  const std::string word = type.substr(type.rfind('x') + 1); // npos + 1 is 0
  for (Element element :
       {Element::f64, Element::f32, Element::bf16, Element::i64, Element::i32, Element::i1, Element::u8})
    if (toString(element) == word) return element;
  std::abort(); // a case with a misspelt type
}

/// FNV-1a: a seed per case, the same on every machine.
uint32_t hash(const std::string& text) {
  uint32_t value = 2166136261u;
  for (const unsigned char c : text)
    value = (value ^ c) * 16777619u;
  return value;
}

double drawReal(Draw draw, float uniform) {
  switch (draw) {
  case Draw::awayFromZero:
    return uniform < 0.5 ? -0.2 - 2.6 * uniform : 0.2 + 2.6 * (uniform - 0.5);
  case Draw::positive:
    return 0.3 + 1.7 * uniform;
  case Draw::unit:
    return 0.05 + 0.9 * uniform;
  }
  return 0;
}

} // namespace

std::string tensorType(const std::string& type) {
  return "tensor<" + type + ">";
}

std::string programText(const OpCase& opCase) {
  std::string arguments, resultTypes, text = opCase.text;
  for (const Argument& argument : opCase.arguments) {
    arguments += (arguments.empty() ? "%" : ", %") + argument.name + ": " + tensorType(argument.type);
    text = replaceAll(text, "$" + argument.name + "$", tensorType(argument.type));
  }
  for (const std::string& type : opCase.results)
    resultTypes += (resultTypes.empty() ? "" : ", ") + tensorType(type);
  text = replaceAll(text, "$r$", tensorType(opCase.results.front()));
  std::string returned;
  for (size_t i = 0; i < opCase.results.size(); ++i)
    returned += opCase.results.size() == 1 ? "%r" : (i == 0 ? "%r#" : ", %r#") + std::to_string(i);
  return "tailor.program @p {\n  tailor.body @f(" + arguments + ") -> (" + resultTypes + ") {\n    " + text +
         "\n    tailor.return " + returned + " : " + resultTypes + "\n  }\n}\n";
}

std::vector<Tensor> drawArguments(const OpCase& opCase) {
  std::vector<Tensor> values;
  const uint32_t seed = hash(opCase.name);
  for (uint32_t index = 0; index < opCase.arguments.size(); ++index) {
    const Argument& argument = opCase.arguments[index];
    Tensor tensor(parseElement(argument.type), parseShape(argument.type));
    const runtime::RandomKey key = runtime::make_random_key({.seed_lo = seed}, {.op_id = index});
    for (int64_t i = 0; i < tensor.size(); ++i) {
      if (!tensor.isReal())
        tensor.integers()[i] = argument.integers.at(i);
      else if (!argument.reals.empty())
        tensor.reals()[i] = argument.reals.at(i);
      else
        tensor.reals()[i] =
            drawReal(argument.draw, runtime::uniform_from_word(key.block(0, static_cast<uint32_t>(i))[0]));
    }
    values.push_back(std::move(tensor));
  }
  return values;
}

std::vector<OpCase> allCases() {
  std::vector<OpCase> all;
  for (auto family :
       {elementwiseCases, shapeCases, reductionCases, contractionCases, normalizationCases, lossCases})
    for (OpCase& opCase : family())
      all.push_back(std::move(opCase));
  return all;
}

} // namespace tailor::conformance
