#pragma once

namespace tailor::tools {

/// LLVM ends the process by abort(), or writes to no address, where it finds no memory or no way on. After this call it
/// says so in the voice of the tool and ends it with exit code 1 if memory ran out, else 70. A handler of SIGSEGV that
/// stands already is left.
void install_llvm_error_handlers();

} // namespace tailor::tools
