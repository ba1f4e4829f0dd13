// Mistakes of registration: a name that is taken, a key that belongs to another kind of component.
#include <tailor/tailor.h>
using namespace tailor;

namespace {

std::unique_ptr<Method> nothing(const runtime::Options&) {
  return std::make_unique<Method>();
}

struct ThievishKeys {
  double dropout = 0;
  static const runtime::KeySet<ThievishKeys>& keys() {
    static const runtime::KeySet<ThievishKeys> set{
        "model.", {runtime::key("dropout", &ThievishKeys::dropout, {.text = "belongs to a model"})}};
    return set;
  }
};

const Registered<MethodSpec> taken{{.name = "sam-a", .text = "another sam-a", .make = nothing}};
const Registered<MethodSpec> thievish{
    {.name = "thievish", .text = "-", .keys = ThievishKeys::keys().specs(), .make = nothing}};
const Registered<MethodSpec> empty{{.name = "empty", .text = "no code"}};

} // namespace
