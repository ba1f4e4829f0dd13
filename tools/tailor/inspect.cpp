#include "tools/tailor/commands.h"

#include "tools/tailor/inspect_code.h"
#include "tools/tailor/inspect_graph.h"
#include "tools/tailor/inspect_kernels.h"
#include "tools/tailor/inspect_text.h"

#include "runtime/artifact/reader.h"
#include "runtime/base/log.h"
#include "tools/tailor-run/run_command.h"

namespace tailor::tools {
namespace {

/// One thing that was asked for; its name in JSON.
struct View {
  const char* name;
  runtime::Result<std::string> text;
};

std::vector<View> views_of(const runtime::Artifact& artifact, const InspectArguments& arguments) {
  std::vector<View> views;
  if (!arguments.ir.empty()) views.push_back({"ir", ir_text(artifact, arguments.ir, arguments.locations)});
  if (!arguments.kernel.empty()) {
    if (arguments.as_asm) views.push_back({"asm", kernel_asm(artifact, arguments.kernel)});
    if (arguments.as_llvm) views.push_back({"llvm", kernel_llvm(artifact, arguments.kernel)});
    if (!arguments.as_asm && !arguments.as_llvm)
      views.push_back({"kernel", kernel_table(artifact, arguments.kernel, arguments.json)});
  }
  if (!arguments.why.empty())
    views.push_back({"why", why(artifact.spec(), arguments.why[0], arguments.why[1])});
  if (arguments.kernels) views.push_back({"kernels", kernel_table(artifact, "", arguments.json)});
  if (arguments.graph) views.push_back({"graph", graph_table(artifact.spec(), arguments.json)});
  if (arguments.memory) views.push_back({"memory", memory_table(artifact.spec(), arguments.json)});
  if (views.empty()) views.push_back({"summary", summary(artifact, arguments.json)});
  return views;
}

} // namespace

int run_inspect(const InspectArguments& arguments) {
  if (arguments.json)
    for (auto [given, name] :
         {std::pair(!arguments.ir.empty(), "--ir"), std::pair(!arguments.why.empty(), "--why"),
          std::pair(arguments.as_asm, "--asm"), std::pair(arguments.as_llvm, "--llvm")})
      if (given) {
        runtime::log_error(runtime::concat("--json: what ", name, " prints has no JSON form"));
        return kWrongCommandLine;
      }
  auto opened = runtime::Artifact::open(arguments.path);
  if (!opened.ok()) return runtime::report(opened.status());
  std::vector<View> views = views_of(**opened, arguments);
  for (const View& view : views)
    if (!view.text.ok()) return runtime::report(view.text.status());
  if (arguments.json && views.size() > 1) { // one value on its own, several as members
    std::string text = "{";
    for (const View& view : views)
      text += std::string(text.size() > 1 ? "," : "") + "\"" + view.name +
              "\":" + view.text->substr(0, view.text->find_last_not_of('\n') + 1);
    runtime::print(text + "}\n");
    return 0;
  }
  for (std::size_t i = 0; i < views.size(); ++i)
    runtime::print((i > 0 ? "\n" : "") + *views[i].text);
  return 0;
}

} // namespace tailor::tools
