#include "frontend/traced_program.h"
#include "tailor/tailor.h"
#include "tests/unit/frontend/api/error_of.h"
#include "tests/unit/frontend/api/small_networks.h"

#include <gmock/gmock.h>

#include <functional>
#include <string>
#include <vector>

namespace tailor {
namespace {

using testing::HasSubstr;

struct Normed : nn::Module {
  nn::Linear fc{2, 3};
  nn::BatchNorm norm{3};
  Normed() { add("fc", fc), add("norm", norm); }
  Array operator()(const Array& x, const Context& c) { return norm(fc(x, c), c); }
};

/// Trains `net` against its average, which runs with `context`.
std::string average_error(const Context& context, bool update, bool give_state = true) {
  return error_of([&] {
    Normed net;
    optim::Sgd sgd;
    optim::Ema ema;
    TrainingProgram program("p");
    program.data(data::blobs({.classes = 3}), {});
    program.state("net", net), program.state("sgd", sgd);
    if (give_state) program.state("ema", ema);
    program.train_step([&](Step& s) {
      auto g = value_and_grad([&] {
        Array teacher = ema.apply(net, [&] { return net(s.batch().numeric, context); });
        Array student = net(s.batch().numeric, s.context());
        return masked_mean(mean(square(student - teacher), 1), s.batch().valid);
      });
      s.update(net, sgd, g.gradients, 0.1);
      if (update) s.update(ema, net);
    });
    program.eval_step([&](Eval& e) { e.logits(net(e.batch().numeric, e.context())); });
    program.trace();
  });
}

TEST(Averages, AreReadWithoutChangingTheNet) {
  EXPECT_EQ(average_error(Context{.train = false}, true), "no error");
  EXPECT_THAT(average_error(Context{.train = true}, true),
              HasSubstr("would change in a pass with averaged weights"));
  EXPECT_THAT(average_error(Context{.train = false}, false), HasSubstr("'ema' is read but never updated"));
  EXPECT_THAT(average_error(Context{.train = false}, true, false), HasSubstr("the average has no state"));
}

TEST(Averages, AModuleStartsAsOneThatIsAlike) {
  Wide wide;
  Net net, copy;
  EXPECT_EQ(error_of([&] { copy.start_as(net); }), "no error");
  EXPECT_THAT(
      error_of([&] { wide.start_as(net); }),
      HasSubstr("the modules are not alike: 'fc.weight' is f32[4, 2] here and f32[3, 2] in the source"));
  EXPECT_THAT(error_of([&] { net.start_as(net); }), HasSubstr("cannot start as itself"));
}

} // namespace
} // namespace tailor
