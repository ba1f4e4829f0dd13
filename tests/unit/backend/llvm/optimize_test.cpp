// What kernels are after LLVM's passes: here, in machine code, because it is LLVM's code generator that must not get it wrong.
#include "backend/llvm/Optimize.h"

#include "backend/cpu/target/CpuTarget.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Target/TargetMachine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tailor::backend {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

/// Assembly of `text`, optimised as kernels are.
std::string assembly(const std::string& text, const char* target) {
  std::string error;
  const mlir::FailureOr<CpuTarget> parsed = parseCpuTarget(target, error);
  if (mlir::failed(parsed)) throw std::runtime_error(error);
  const std::unique_ptr<llvm::TargetMachine> machine = createTargetMachine(*parsed);
  llvm::LLVMContext context;
  llvm::SMDiagnostic diagnostic;
  const std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(text, diagnostic, context);
  if (!module) throw std::runtime_error(diagnostic.getMessage().str());
  module->setDataLayout(machine->createDataLayout());
  module->setTargetTriple(machine->getTargetTriple());
  if (llvm::Error failed = optimizeKernels(*module, *machine))
    throw std::runtime_error(toString(std::move(failed)));
  llvm::SmallString<1024> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::AssemblyFile))
    throw std::runtime_error("no assembly");
  passes.run(*module);
  return bytes.str().str();
}

std::string laneMask(int lanes, int existing) {
  std::string mask;
  for (int lane = 0; lane < lanes; ++lane)
    mask += (lane ? ", i1 " : "<i1 ") + std::string(lane == existing ? "true" : "false");
  return mask + ">";
}

TEST(Optimize, AStoreOfOneTruncatedLaneWritesItsOwnBytes) {
  for (const char* target : {"cpu:x86-64-v3", "cpu:x86-64-v4"})
    for (const int lane : {0, 3}) {
      SCOPED_TRACE(std::string(target) + ", lane " + std::to_string(lane));
      // The upper halves of 16 floats, as bf16 is stored.
      const std::string code = assembly(R"(define void @store(ptr %p, <16 x float> %v) {
  %b = bitcast <16 x float> %v to <16 x i32>
  %s = lshr <16 x i32> %b, splat (i32 16)
  %t = trunc <16 x i32> %s to <16 x i16>
  call void @llvm.masked.store.v16i16.p0(<16 x i16> %t, ptr align 2 %p, <16 x i1> )" +
                                            laneMask(16, lane) + ")\n  ret void\n}\n",
                                        target);
      const std::string place = (lane == 0 ? "" : "6") + std::string("(%rdi)");
      EXPECT_THAT(code, HasSubstr(place));
      EXPECT_THAT(code, Not(ContainsRegex("mov[lqdaups]*\t[^\n]*, " + std::string(lane == 0 ? "" : "6") +
                                          "\\(%rdi\\)")))
          << code;
      const std::string words = assembly(R"(define void @store(ptr %p, <8 x i64> %v) {
  %t = trunc <8 x i64> %v to <8 x i32>
  call void @llvm.masked.store.v8i32.p0(<8 x i32> %t, ptr align 4 %p, <8 x i1> )" +
                                             laneMask(8, lane) + ")\n  ret void\n}\n",
                                         target);
      EXPECT_THAT(words, Not(ContainsRegex("movq\t[^\n]*\\(%rdi\\)"))) << words;
    }
}

/// Several lanes stay one masked store.
TEST(Optimize, AStoreOfSeveralLanesStaysMasked) {
  const std::string code = assembly(R"(define void @store(ptr %p, <16 x i16> %v) {
  call void @llvm.masked.store.v16i16.p0(<16 x i16> %v, ptr align 2 %p, <16 x i1> <i1 true, i1 true, i1 true, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false>)
  ret void
}
)",
                                    "cpu:x86-64-v4");
  EXPECT_THAT(code, ContainsRegex("vmovdqu16\t[^\n]*\\(%rdi\\) \\{%k1\\}")) << code;
}

} // namespace
} // namespace tailor::backend
