#include "frontend/main.h"

#include "backend/driver/FrontendServices.h"
#include "tools/tailor-run/run_command.h"
#include "tools/tailor/commands.h"

namespace tailor {

void register_services() {
  backend::registerFrontendServices();
}

int main(int argc, char** argv) {
  return main(argc, argv, std::function<std::shared_ptr<TrainingProgram>()>());
}

int main(TrainingProgram& program, int argc, char** argv) {
  // Not ours: nobody deletes it.
  return main(argc, argv,
              [&] { return std::shared_ptr<TrainingProgram>(std::shared_ptr<void>(), &program); });
}

int main(int argc, char** argv, const std::function<std::shared_ptr<TrainingProgram>()>& build) {
  return runtime::guarded_main([&] { return tools::run_tool(argc, argv, build); });
}

} // namespace tailor
