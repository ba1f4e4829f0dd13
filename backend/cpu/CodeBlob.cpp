#include "backend/cpu/KernelCompiler.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCDisassembler/MCDisassembler.h"
#include "llvm/MC/MCInst.h"
#include "llvm/MC/MCInstPrinter.h"
#include "llvm/MC/MCInstrInfo.h"
#include "llvm/MC/MCRegisterInfo.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/Format.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"

namespace tailor::backend {

const CodeFunction* CodeBlob::find(llvm::StringRef symbol) const {
  auto found =
      llvm::find_if(functions, [&](const CodeFunction& function) { return function.symbol == symbol; });
  return found == functions.end() ? nullptr : &*found;
}

std::string disassemble(const CodeBlob& blob, const CodeFunction& function) {
  std::string error;
  mlir::FailureOr<CpuTarget> target = parseCpuTarget(blob.target, error);
  if (mlir::failed(target)) return error;
  std::unique_ptr<llvm::TargetMachine> machine = createTargetMachine(*target);
  if (!machine || function.offset > blob.bytes.size() || function.size > blob.bytes.size() - function.offset)
    return "function lies outside the code";
  const llvm::Target& llvmTarget = machine->getTarget();
  llvm::MCContext context(machine->getTargetTriple(), machine->getMCAsmInfo(), machine->getMCRegisterInfo(),
                          machine->getMCSubtargetInfo());
  std::unique_ptr<llvm::MCDisassembler> decoder(
      llvmTarget.createMCDisassembler(*machine->getMCSubtargetInfo(), context));
  std::unique_ptr<llvm::MCInstPrinter> printer(
      llvmTarget.createMCInstPrinter(machine->getTargetTriple(), 0, *machine->getMCAsmInfo(),
                                     *machine->getMCInstrInfo(), *machine->getMCRegisterInfo()));
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::ArrayRef<uint8_t> code(blob.bytes.data() + function.offset, function.size);
  for (uint64_t at = 0; at < code.size();) {
    llvm::MCInst instruction;
    uint64_t length = 0;
    uint64_t address = function.offset + at;
    if (decoder->getInstruction(instruction, length, code.drop_front(at), address, llvm::nulls()) ==
        llvm::MCDisassembler::Fail) {
      stream << llvm::format("%8llx:\t(bad byte %02x)\n", static_cast<unsigned long long>(address), code[at]);
      ++at;
      continue;
    }
    stream << llvm::format("%8llx:", static_cast<unsigned long long>(address));
    printer->printInst(&instruction, address, "", *machine->getMCSubtargetInfo(), stream);
    stream << '\n';
    at += length;
  }
  return text;
}

} // namespace tailor::backend
