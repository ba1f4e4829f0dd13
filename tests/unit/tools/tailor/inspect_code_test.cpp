// What `inspect` does with the IR of an artifact that somebody else wrote.
#include "tools/tailor/inspect_code.h"

#include "runtime/artifact/layout.h"
#include "runtime/artifact/writer.h"
#include "runtime/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <unistd.h>

namespace tailor::tools {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// An artifact of one kernel whose IR of phase 'planned' is `text`.
std::shared_ptr<const runtime::Artifact> artifact_with(const std::string& text) {
  runtime::ArtifactSpec spec;
  spec.name = "p";
  spec.target = {"cpu", "x86-64-v3", {}};
  spec.kernels.emplace_back();
  spec.kernels[0].name = "k";
  spec.kernels[0].code_bytes = 8;
  std::span<const std::byte> bytes = runtime::as_bytes(text);
  std::vector<runtime::RawSection> sections = {
      {std::string(runtime::kCodeSection), std::vector<std::byte>(8)},
      {std::string(runtime::kIrSectionPrefix) + "planned", {bytes.begin(), bytes.end()}}};
  auto written = runtime::write_artifact(spec, sections);
  EXPECT_TRUE(written.ok()) << written.status().message();
  if (!written.ok()) return nullptr;
  auto artifact = runtime::Artifact::from_bytes(*std::move(written));
  EXPECT_TRUE(artifact.ok()) << artifact.status().message();
  return artifact.ok() ? *artifact : nullptr;
}

/// What both views of the IR say and print when they refuse it.
std::string refusal(const std::string& text) {
  const auto artifact = artifact_with(text);
  if (!artifact) return "no artifact";
  testing::internal::CaptureStderr();
  const auto ir = ir_text(*artifact, "planned", /*locations=*/false);
  const auto llvm = kernel_llvm(*artifact, "k");
  const std::string printed = testing::internal::GetCapturedStderr();
  if (ir.ok() || llvm.ok()) return "read";
  EXPECT_EQ(ir.status().code(), runtime::StatusCode::kDataLoss);
  EXPECT_EQ(ir.status().message(), llvm.status().message());
  EXPECT_EQ(printed, "") << "a message belongs into the status";
  return ir.status().message();
}

std::string repeated(const std::string& text, int times) {
  std::string whole;
  for (int i = 0; i < times; ++i)
    whole += text;
  return whole;
}

TEST(InspectCode, BytecodeIsRefused) {
  EXPECT_EQ(
      refusal("ML\xEFR\x06tailor"),
      "the stored program in phase 'planned' cannot be read: planned.mlir:1:1: error: MLIR's binary form "
      "(bytecode) is not read, only its text");
}

TEST(InspectCode, NestingIsBounded) {
  const std::string says = "brackets are nested more than 256 deep";
  EXPECT_THAT(refusal(repeated("module {", 5000) + repeated("}", 5000)),
              HasSubstr("planned.mlir:1:2056: error: " + says));
  EXPECT_THAT(
      refusal("module attributes {tailor.a = " + repeated("[", 50000) + repeated("]", 50000) + "} {}"),
      HasSubstr(says));
  EXPECT_THAT(refusal("!t = " + repeated("tuple<", 50000) + "i32" + repeated(">", 50000)), HasSubstr(says));
  EXPECT_THAT(refusal("// a comment ends here:\r" + repeated("module {", 5000)), HasSubstr(says));
  EXPECT_EQ(refusal(repeated("module {", 250) + repeated("}", 250)), "read");
  EXPECT_THAT(refusal("module {} loc(" + repeated("callsite(", 50000)), HasSubstr(says));
  // The same without a bracket inside a bracket.
  std::string aliases = "#a0 = [1]\n";
  for (int i = 1; i < 50000; ++i)
    aliases += "#a" + std::to_string(i) + " // of the one before\n = [#a" + std::to_string(i - 1) + "]\n";
  EXPECT_THAT(refusal(aliases + "module attributes {tailor.a = #a49999} {}"), HasSubstr(says));
  EXPECT_THAT(
      refusal("module attributes {tailor.a = affine_map<(d0) -> (" + repeated("-", 50000) + "d0)>} {}"),
      HasSubstr("'affine_map' is not part of the dialect and is not read"));
  EXPECT_EQ(refusal("// ]]]\nmodule attributes {tailor.a = " + repeated("[", 200) + "\"[[\\\"[{<\"" +
                    repeated("]", 200) + ", tailor.b = () -> tuple<i32>} {}"),
            "read")
      << "brackets in strings and comments are no brackets";
}

TEST(InspectCode, AliasesThatDoubleAreRefused) {
  std::string aliases = "#a0 = [1]\n", locations = "module {} loc(#l63)\n#l0 = loc(\"f\":1:1)\n";
  for (int i = 1; i < 64; ++i) {
    const std::string last = std::to_string(i - 1);
    aliases += "#a" + std::to_string(i) + " = [#a" + last + ", #a" + last + "]\n";
    locations += "#l" + std::to_string(i) + " = loc(callsite(#l" + last + " at #l" + last + "))\n";
  }
  const std::string says = "the aliases of the text stand for more than 67108864 tokens";
  EXPECT_THAT(refusal(aliases + "module attributes {tailor.a = #a63} {}"), HasSubstr(says));
  EXPECT_THAT(refusal(locations), HasSubstr(says));
}

TEST(InspectCode, ConstantsAreDense) {
  for (const char* elements : {"sparse<[[0, 1]], [3.0]>", "dense_resource<not_there>"})
    EXPECT_THAT(
        refusal(std::string("module { tailor.program @p { tailor.body @f() -> tensor<2x2xf32> {\n"
                            "  %c = tailor.constant ") +
                elements + " : tensor<2x2xf32>\n  tailor.return %c : tensor<2x2xf32>\n} } }"),
        HasSubstr(
            "planned.mlir:2:8: error: 'tailor.constant' op expects its numbers in the form dense<...>"));
}

TEST(InspectCode, FilesThatLocationsNameStayClosed) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("tailor-inspect-" + std::to_string(::getpid()))).string();
  ASSERT_TRUE(runtime::write_file_atomic(path, std::string("a line of another file\n")).ok());
  const std::string text = "module { tailor.program @p { tailor.entry @e kind(eval) batch(1) {\n"
                           "  %x = tailor.input \"numeric\" : tensor<1x3xf32>\n"
                           "  %y = tailor.softmax %x dim(7) : tensor<1x3xf32> loc(\"" +
                           path +
                           "\":1:1)\n"
                           "  tailor.output \"y\", %y : tensor<1x3xf32>\n} } }";
  EXPECT_THAT(refusal(text),
              AllOf(HasSubstr(path + ":1:1: error: "), Not(HasSubstr("a line of another file"))));
  std::filesystem::remove(path);
}

} // namespace
} // namespace tailor::tools
