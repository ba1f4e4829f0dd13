// Objects in, position-independent bytes out; and the ways in which that must fail.

#include "backend/cpu/MiniLink.h"
#include "backend/llvm/VectorBuilder.h"
#include "tests/unit/backend/cpu/harness/abi_values.h"
#include "tests/unit/backend/cpu/harness/compile_function.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tailor::backend::testing {
namespace {

using mlir::Value;

/// Object code of a module that `fill` writes.
llvm::SmallVector<char, 0> objectOf(llvm::function_ref<void(llvm::Module&)> fill) {
  llvm::LLVMContext context;
  llvm::Module module("test", context);
  auto machine = createTargetMachine(nativeTarget());
  module.setDataLayout(machine->createDataLayout());
  module.setTargetTriple(machine->getTargetTriple());
  fill(module);
  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager passes;
  EXPECT_FALSE(machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile));
  passes.run(module);
  return object;
}

std::string linkError(const llvm::SmallVector<char, 0>& object) {
  auto linked = linkObject(llvm::MemoryBufferRef(llvm::StringRef(object.data(), object.size()), "test"));
  if (linked) return "";
  return llvm::toString(linked.takeError());
}

TEST(MiniLink, ConstantsAreReachedWithoutALoader) {
  auto code = compileFunction(nativeTarget(), "constants", [](VectorBuilder& b, const AbiValues& abi) {
    Value y = b.loadPointer(abi.buffers, 0);
    b.store(b.convert(b.laneNumbers(), b.f32()), y, b.index(0)); // a vector constant lives in .rodata
    b.store(b.constant(b.f32(), 0.1), y, b.index(b.lanes()));
  });
  std::vector<float> y(nativeTarget().lanes + 1);
  void* buffers[] = {y.data()};
  int64_t sizes[] = {0};
  code->function("constants")(buffers, sizes, 0, 1);
  for (unsigned lane = 0; lane < nativeTarget().lanes; ++lane)
    EXPECT_EQ(y[lane], float(lane));
  EXPECT_EQ(y.back(), 0.1f);
}

TEST(MiniLink, FunctionsStartAtCacheLines) {
  auto code = compileFunction(nativeTarget(), "f", [](VectorBuilder& b, const AbiValues& abi) {
    b.store(b.constant(b.f32(), 1), b.loadPointer(abi.buffers, 0), b.index(0));
  });
  const CodeFunction* function = code->blob().find("f");
  ASSERT_NE(function, nullptr);
  EXPECT_EQ(function->offset % 64, 0u);
  EXPECT_GT(function->size, 0u);
  EXPECT_THAT(disassemble(code->blob(), *function), ::testing::HasSubstr("ret"));
}

TEST(MiniLink, AnUndefinedFunctionIsNamed) {
  auto object = objectOf([](llvm::Module& module) {
    auto* type = llvm::FunctionType::get(llvm::Type::getVoidTy(module.getContext()), false);
    auto callee = module.getOrInsertFunction("memcpy_of_nowhere", type);
    auto* function = llvm::Function::Create(type, llvm::Function::ExternalLinkage, "f", module);
    llvm::IRBuilder<> builder(llvm::BasicBlock::Create(module.getContext(), "", function));
    builder.CreateCall(callee);
    builder.CreateRetVoid();
  });
  EXPECT_THAT(linkError(object), ::testing::HasSubstr("undefined symbol 'memcpy_of_nowhere'"));
}

TEST(MiniLink, WritableDataIsRefused) {
  auto object = objectOf([](llvm::Module& module) {
    llvm::Type* i32 = llvm::Type::getInt32Ty(module.getContext());
    new llvm::GlobalVariable(module, i32, false, llvm::GlobalValue::ExternalLinkage,
                             llvm::ConstantInt::get(i32, 7), "counter");
  });
  EXPECT_THAT(linkError(object), ::testing::HasSubstr("is writable"));
}

TEST(MiniLink, GarbageIsAnError) {
  llvm::SmallVector<char, 0> object(100, 'x');
  EXPECT_NE(linkError(object), "");
}

TEST(CpuTarget, NamesAndErrors) {
  std::string error;
  auto target = parseCpuTarget("cpu:znver4", error);
  ASSERT_TRUE(mlir::succeeded(target));
  EXPECT_EQ(target->lanes, 16u);
  target = parseCpuTarget("cpu:x86-64-v3", error);
  ASSERT_TRUE(mlir::succeeded(target));
  EXPECT_EQ(target->lanes, 8u);
  target = parseCpuTarget("cpu:native", error);
  ASSERT_TRUE(mlir::succeeded(target));
  EXPECT_NE(target->text, "cpu:native"); // an artifact names the processor it was made for
  EXPECT_TRUE(mlir::failed(parseCpuTarget("cpu:z80", error)));
  EXPECT_THAT(error, ::testing::HasSubstr("unknown processor 'z80'"));
  EXPECT_TRUE(mlir::failed(parseCpuTarget("cpu:x86-64", error)));
  EXPECT_THAT(error, ::testing::HasSubstr("no AVX2"));
  EXPECT_TRUE(mlir::failed(parseCpuTarget("gpu", error)));
}

} // namespace
} // namespace tailor::backend::testing
