// One hidden layer.
#include <tailor/tailor.h>

namespace {

using namespace tailor;

struct WideKeys {
  std::int64_t width = 16;

  static const runtime::KeySet<WideKeys>& keys() {
    static const runtime::KeySet<WideKeys> set{
        "model.",
        {runtime::key("width", &WideKeys::width,
                      {.stage = runtime::kCompiled, .min = 1, .max = 4096, .text = "hidden units of wide"})}};
    return set;
  }
};

class Wide : public nn::Module {
public:
  Wide(std::int64_t columns, std::int64_t width, std::int64_t outputs)
      : hidden_(columns, width), head_(width, outputs) {
    add("hidden", hidden_), add("head", head_);
  }
  Array operator()(const Batch& batch, const Context& context) {
    return head_(relu(hidden_(batch.numeric, context)), context);
  }

private:
  nn::Linear hidden_, head_;
};

const Registered<ModelSpec> registered{
    {.name = "wide",
     .text = "one hidden layer on the numbers of a row",
     .keys = WideKeys::keys().specs(),
     .make = [](const ModelRequest& request) {
       const auto keys = component_keys<WideKeys>(request.options);
       return as_network(std::make_unique<Wide>(request.schema.num_numeric(), keys.width, request.outputs));
     }}};

} // namespace
