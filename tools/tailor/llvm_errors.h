#pragma once

namespace tailor::tools {

/// LLVM ends the process by abort() where it finds no memory or no way on. After this call it says so in the
/// voice of the tool and ends it with exit code 1 if memory ran out, else 70.
void install_llvm_error_handlers();

} // namespace tailor::tools
