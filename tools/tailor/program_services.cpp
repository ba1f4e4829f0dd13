// Linked whole into every tailor_program(), so that no linker leaves it out: what programs ask of the
// compiler is there from the first line of main() on, and in programs that never call tailor::main.
#include "backend/driver/FrontendServices.h"

namespace {

[[maybe_unused]] const bool registered = (tailor::backend::registerFrontendServices(), true);

} // namespace
