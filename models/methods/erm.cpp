// Empirical risk minimisation: the plain step, which every other method changes something of.
#include "frontend/components/method.h"

namespace tailor::methods {
namespace {

const Registered<MethodSpec> erm{
    {.name = "erm",
     .text = "the plain step: gradients of the mean loss",
     .source = "methods 2.1",
     .part = Part::nothing,
     .make = [](const runtime::Options&) { return std::make_unique<Method>(); }}};

} // namespace
} // namespace tailor::methods
