#include "tools/tailor/inspect_code.h"

#include "backend/cpu/KernelCompiler.h"
#include "backend/driver/Diagnostics.h"
#include "backend/driver/Driver.h"
#include "backend/driver/ModuleText.h"
#include "ir/Tailor.h"
#include "tools/tailor/inspect_kernels.h"
#include "tools/tailor/inspect_text.h"

#include "mlir/IR/MLIRContext.h"

namespace tailor::tools {

runtime::Result<std::string> ir_text(const runtime::Artifact& artifact, const std::string& phase,
                                     bool locations) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(std::string_view text, stored_ir(artifact, phase));
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<ir::TailorDialect>();
  context.printOpOnDiagnostic(false); // the op may be as large as the program
  backend::Diagnostics diagnostics(context, {}, backend::SourceFiles::given);
  backend::ParsedModule parsed = backend::parseModule({text.data(), text.size()}, phase + ".mlir", context);
  if (!parsed.module)
    return runtime::data_loss(
        "the stored program in phase '", phase, "' cannot be read: ",
        diagnostics.toStatus(runtime::StatusCode::kDataLoss, "no reason was given").message());
  const runtime::ArtifactSpec& spec = artifact.spec();
  backend::ProgramInfo info{spec.options, spec.schema, spec.source_name, spec.source_text};
  return backend::dumpText(*parsed.module, info,
                           locations ? backend::TextLocations::inline_ : backend::TextLocations::none);
}

runtime::Result<std::string> kernel_asm(const runtime::Artifact& artifact, const std::string& name) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(std::size_t index, find_kernel(artifact.spec(), name));
  const runtime::Kernel& kernel = artifact.spec().kernels[index];
  std::span<const std::byte> code = artifact.section(runtime::kCodeSection);
  // The reader has made sure that a kernel lies in the section. PTX is text as it is.
  if (artifact.spec().target.backend == "cuda")
    return std::string(reinterpret_cast<const char*>(code.data()) + kernel.code_offset, kernel.code_bytes);
  backend::CodeBlob blob;
  blob.target = artifact.spec().target.backend + ":" + artifact.spec().target.name;
  const auto* first = reinterpret_cast<const std::uint8_t*>(code.data());
  blob.bytes.assign(first, first + code.size());
  return backend::disassemble(blob, {kernel.name, kernel.code_offset, kernel.code_bytes});
}

runtime::Result<std::string> kernel_llvm(const runtime::Artifact& artifact, const std::string& name) {
  TAILOR_RETURN_IF_ERROR_AS_IS(find_kernel(artifact.spec(), name).status());
  TAILOR_ASSIGN_OR_RETURN_AS_IS(std::string planned, ir_text(artifact, "planned", /*locations=*/true));
  backend::CompileOptions options;
  options.target = artifact.spec().target.backend + ":" + artifact.spec().target.name;
  options.emit = "llvm";
  TAILOR_ASSIGN_OR_RETURN(backend::Compilation compilation,
                          backend::compileText(planned, "planned.mlir", options),
                          "compiling the stored program again");
  const std::string& text = compilation.emitted;
  for (const std::string& mark : {"@" + name + "(", "@\"" + name + "\"("}) {
    for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
      std::size_t line = text.rfind('\n', at) + 1;
      if (text.compare(line, 6, "define") != 0) continue;
      std::size_t end = text.find("\n}", at);
      if (end != std::string::npos) return text.substr(line, end + 3 - line);
    }
  }
  return runtime::internal_error("the compiled program has no function '", name, "'");
}

} // namespace tailor::tools
