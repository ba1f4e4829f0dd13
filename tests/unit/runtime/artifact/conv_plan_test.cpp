#include "runtime/artifact/conv_plan.h"
#include "tests/unit/runtime/artifact/recorded_cudnn_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace tailor::runtime {
namespace {

using ::testing::HasSubstr;

/// The recorded plan with one text in another's place; the first of several.
std::string with(const std::string& from, const std::string& to) {
  std::string text = kRecordedCudnnPlan;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(ConvPlan, ReadsWhatCudnnWrote) {
  const auto read = conv_plan_of_cudnn(kRecordedCudnnPlan);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_TRUE(*read == recorded_problem()) << check_same(recorded_problem(), *read).message();
  EXPECT_TRUE(check(*read).ok());
}

/// Each field of the text reaches the problem: a plan of another one is told apart.
TEST(ConvPlan, AnotherProblemIsNotTheSame) {
  const struct {
    const char *from, *to, *said;
  } cases[] = {
      {R"("stride":[2,2])", R"("stride":[2,1])", "its stride (width) is 1, the problem's is 2"},
      {R"("dilation":[1,1])", R"("dilation":[3,1])", "its dilation (height) is 3, the problem's is 1"},
      {R"("pad_lower":[1,0])", R"("pad_lower":[0,0])", "its low padding (height) is 0, the problem's is 1"},
      {R"("pad_upper":[0,1])", R"("pad_upper":[0,0])", "its high padding (width) is 0, the problem's is 1"},
      {R"("pad_upper":[0,1],"pad_lower":[1,0])", R"("pad":[1,0])",
       "its high padding (height) is 1, the problem's is 0"},
      {R"("dim":[2,2,3,3],"stride":[18,9,3,1])", R"("dim":[2,1,3,3],"stride":[9,9,3,1])",
       "its number of groups is 2, the problem's is 1"},
      {R"("dim":[2,2,3,3],"stride":[18,9,3,1])", R"("dim":[2,2,3,5],"stride":[30,15,5,1])",
       "its kernel (width) is 5, the problem's is 3"},
      {R"("dim":[1,2,2,2],"stride":[8,1,4,2])", R"("dim":[1,2,3,2],"stride":[12,1,4,2])",
       "its output (height) is 3, the problem's is 2"},
      {R"("dim":[1,2,4,4],"stride":[32,1,8,2])", R"("dim":[1,2,4,8],"stride":[64,1,16,2])",
       "its image (width) is 8, the problem's is 4"},
      {R"("operation":"CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR","mode":"CUDNN_CROSS_CORRELATION","mathPrec":"CUDNN_DATA_FLOAT","alpha":1.0,"beta":0.0,"pad_upper":[0,1],"pad_lower":[1,0],"stride":[2,2],"dilation":[1,1],"X":"1","W":"2","Y":"3")",
       R"("operation":"CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR","mode":"CUDNN_CROSS_CORRELATION","mathPrec":"CUDNN_DATA_FLOAT","alpha":1.0,"beta":0.0,"pad_upper":[0,1],"pad_lower":[1,0],"stride":[2,2],"dilation":[1,1],"dX":"1","W":"2","dY":"3")",
       "its product is data gradient, the problem's is forward"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.to);
    const auto read = conv_plan_of_cudnn(with(c.from, c.to));
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_EQ(check_same(recorded_problem(), *read).message(), c.said);
  }
}

TEST(ConvPlan, WhatIsNoPlanOfOneConvolutionIsRefused) {
  const struct {
    std::string text;
    const char* said;
  } cases[] = {
      {"", "no JSON"},
      {"[]", "it has no 'operationGraph'"},
      {with("CONVOLUTION_FORWARD", "MATMUL"), "is no convolution"},
      {with(R"("alpha":1.0)", R"("alpha":2.0)"), "its 'alpha' is 2"},
      {with(R"("beta":0.0)", R"("beta":1.0)"), "its 'beta' is 1"},
      {with("CUDNN_CROSS_CORRELATION", "CUDNN_CONVOLUTION"), "its 'mode' is \"CUDNN_CONVOLUTION\""},
      {with(R"("mathPrec":"CUDNN_DATA_FLOAT")", R"("mathPrec":"CUDNN_DATA_HALF")"), "its 'mathPrec' is"},
      {with("[32,1,8,2]", "[32,16,4,1]"), "its images do not lie as NHWC"},
      {with("[18,9,3,1]", "[18,1,6,2]"), "its weights do not lie as OIHW"},
      {with(R"("X":"1")", R"("X":"3")"), "its 'X' is \"3\", not \"1\""},
      {with(R"("isVirtual":false)", R"("isVirtual":true)"), "its 'isVirtual' is true"},
      {with(R"("vectDim":-1)", R"("vectDim":1)"), "its 'vectDim' is 1, not -1"},
      {with(R"("vectDim":-1,)", ""), "it has no 'vectDim'"},
      {with(R"("ptrAlignment":16)", R"("ptrAlignment":128)"), "its 'ptrAlignment' is 128, not 16"},
      {with(R"("ptrAlignment":16,)", ""), "it has no 'ptrAlignment'"},
      {with("CUDNN_DATA_FLOAT", "CUDNN_DATA_HALF"), "its tensors are of"},
      {with("CUDNN_DATA_FLOAT", "CUDNN_DATA_BFLOAT16"), "its tensors are of different types"},
      {with("[1,2,4,4]", "[1,2,4,-1]"), "its 'dim' is no list of 4 sizes"},
      {with("[1,2,2,2]", "[1,2,2]"), "its 'dim' is no list of 4 sizes"},
      // Sizes whose product no integer holds.
      {with("[1,2,4,4]", "[1,2147483646,2147483647,2147483647]"), "its tensors are larger than any memory"},
  };
  for (const auto& c : cases) {
    const auto read = conv_plan_of_cudnn(c.text);
    ASSERT_FALSE(read.ok()) << c.said;
    EXPECT_THAT(read.status().message(), HasSubstr(c.said));
  }
}

TEST(ConvPlan, SizesThatDoNotFitAreRefused) {
  const std::pair<std::function<void(ConvPlan&)>, const char*> cases[] = {
      {[](ConvPlan& p) { p.output[0] = 3; }, "a convolution of height 4 gives 2, not 3"},
      {[](ConvPlan& p) { p.groups = 3; }, "in 3 groups"},
      {[](ConvPlan& p) { p.images = 0; }, "a convolution of 0 images"},
      {[](ConvPlan& p) { p.images = (std::int64_t{1} << 31) - 1, p.channels = 1 << 24; },
       "larger than any memory"},
      {[](ConvPlan& p) { p.strides[1] = 0; }, "a convolution of width 4"},
      {[](ConvPlan& p) { p.dilation[1] = 40; }, "a convolution of width 4 gives 0, not 2"},
      {[](ConvPlan& p) { p.padding_low[0] = -1; }, "a convolution of height 4"},
      {[](ConvPlan& p) { p.dtype = DType::kI32; }, "a convolution of elements i32"},
  };
  for (const auto& [edit, said] : cases) {
    ConvPlan plan = recorded_problem();
    edit(plan);
    EXPECT_THAT(check(plan).message(), HasSubstr(said));
  }
  EXPECT_EQ(operand_bytes(recorded_problem()),
            (std::array<std::uint64_t, 3>{4 * 4 * 2 * 4, 2 * 2 * 9 * 4, 2 * 2 * 2 * 4}));
}

} // namespace
} // namespace tailor::runtime
