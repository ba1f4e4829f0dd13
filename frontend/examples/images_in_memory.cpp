// Images that the program holds, in bytes: cropped and flipped on their way into a batch, normalised in the step. Try: train,
// compile --explain.
#include <tailor/tailor.h>

#include <cstdint>
#include <vector>
using namespace tailor;

/// Grey images of 12 x 12 with a bright bar: standing in most, lying in every eighth.
data::Plan bars(int rows) {
  constexpr int kSide = 12;
  std::vector<std::uint8_t> pixels;
  std::vector<int> lying;
  for (int i = 0; i < rows; ++i) {
    lying.push_back(i % 8 == 0);
    for (int y = 0; y < kSide; ++y)
      for (int x = 0; x < kSide; ++x) {
        const int across = lying.back() ? y : x, noise = (i * 31 + y * 17 + x * 7) % 64;
        pixels.push_back(static_cast<std::uint8_t>(across == 3 + i % 6 ? 190 + noise : 40 + noise));
      }
  }
  return data::in_memory(data::Images{pixels, kSide, kSide, 1}, lying,
                         {.name = "bars",
                          .classes = {"standing", "lying"},
                          .mean = {0.3},
                          .deviation = {0.2},
                          .augment = {"crop", "flip"}});
}

struct Net : nn::Module {
  nn::Conv2d near{1, 8, {.padding = 1}}, far{8, 16, {.stride = 2, .padding = 1}};
  nn::Linear head{16, 2};
  Net() { add("near", near), add("far", far), add("head", head); }
  Array operator()(const Array& image, const Context& c) {
    return head(mean(relu(far(relu(near(image, c)), c)), {1, 2}), c);
  }
};

struct ImagesInMemory {
  TrainingProgram program{"images-in-memory"};
  Net net;
  optim::Sgd sgd{{.momentum = 0.9}};

  ImagesInMemory() {
    program.data(bars(800), {.batch = 32});
    program.options().set("run.epochs", 8);
    program.options().set("data.augment.crop.padding", 2);
    program.state("net", net), program.state("sgd", sgd);
    program.train_step([&](Step& s) {
      auto step = value_and_grad(
          [&] { return losses::softmax_cross_entropy(net(s.batch().image, s.context()), s.batch().label); });
      s.update(net, sgd, step.gradients, s.control("lr", 0.05));
      s.report("loss", step.loss);
    });
    program.eval_step([&](Eval& e) { e.logits(net(e.batch().image, e.context())); });
  }
};

int main(int argc, char** argv) {
  return tailor::main<ImagesInMemory>(argc, argv);
}
