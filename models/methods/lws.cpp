// Learnable weight scaling (MiSLAS, Zhong et al. 2021): logits times a factor per class, which is trained. methods.md 8.
#include "frontend/components/method.h"
#include "frontend/ops/elementwise.h"
#include "frontend/ops/shaping.h"

namespace tailor::methods {
namespace {

/// s [K], at first 1: the program starts as it would without.
class Scale final : public nn::Module {
public:
  explicit Scale(std::int64_t num_classes) : scale_({num_classes}, InitRule::ones()) { add("scale", scale_); }
  Array operator()(const Array& logits) const { return logits * scale_.read(); }

private:
  nn::Tensor scale_;
};

class Lws final : public Method {
public:
  void declare(TrainingProgram& program, std::int64_t num_classes) override {
    scale_ = std::make_unique<Scale>(num_classes);
    program.state("lws", *scale_);
  }
  nn::Module* module() override { return scale_.get(); }
  Array adjust_logits(const Array& logits, const Context&) override { return (*scale_)(logits); }

private:
  std::unique_ptr<Scale> scale_;
};

const Registered<MethodSpec> registered{
    {.name = "lws",
     .text = "logits times a trained factor per class, for the stage after the representation",
     .source = "methods 8",
     .part = Part::logits,
     .adjusts_logits = true,
     .needs_class_logits = true,
     .conflicts =
         {{"ema",
           "keep the average to the stages without 'lws': it holds the network alone, not the factors"}},
     .make = [](const runtime::Options&) { return std::make_unique<Lws>(); }}};

} // namespace
} // namespace tailor::methods
