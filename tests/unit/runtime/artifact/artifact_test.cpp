#include "runtime/artifact/layout.h"
#include "runtime/artifact/reader.h"
#include "runtime/artifact/stage_options.h"
#include "runtime/artifact/writer.h"
#include "tests/unit/runtime/artifact/sample.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <gmock/gmock.h>
#include <unistd.h>

namespace tailor::runtime {
namespace {

using ::testing::HasSubstr;

std::vector<std::byte> sample_bytes() {
  Result<std::vector<std::byte>> bytes = write_artifact(sample_spec(), sample_sections());
  EXPECT_TRUE(bytes.ok()) << bytes.status().message();
  return *std::move(bytes);
}

TEST(Artifact, ComesBackAsItWasWritten) {
  const auto artifact = Artifact::from_bytes(sample_bytes());
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  EXPECT_EQ((*artifact)->spec(), sample_spec());
  const std::vector<RawSection> sections = sample_sections();
  ASSERT_EQ((*artifact)->sections().size(), sections.size());
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const SectionView& view = (*artifact)->sections()[i];
    EXPECT_EQ(view.name, sections[i].name);
    EXPECT_TRUE(std::ranges::equal(view.bytes, sections[i].bytes));
    EXPECT_EQ((*artifact)->section(sections[i].name).data(), view.bytes.data());
  }
  EXPECT_TRUE((*artifact)->section("ir.fused").empty());
}

TEST(Artifact, SameContentsGiveTheSameBytes) {
  EXPECT_EQ(sample_bytes(), sample_bytes());
}

TEST(Artifact, SectionsStartOnPages) {
  const std::vector<std::byte> bytes = sample_bytes();
  const auto artifact = Artifact::from_bytes(bytes);
  ASSERT_TRUE(artifact.ok());
  const auto found = std::search_n(bytes.begin(), bytes.end(), 64, std::byte{0xC3});
  EXPECT_EQ((found - bytes.begin()) % static_cast<std::ptrdiff_t>(kPageBytes), 0);
}

TEST(Artifact, GoesThroughAFile) {
  const std::string path =
      concat(testing::TempDir(), "/artifact_test_", static_cast<long>(::getpid()), ".tailor");
  ASSERT_TRUE(write_artifact_file(sample_spec(), sample_sections(), path).ok());
  const auto artifact = Artifact::open(path);
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  EXPECT_EQ((*artifact)->spec(), sample_spec());
  EXPECT_EQ((*artifact)->path(), path);
  EXPECT_EQ((*artifact)->identity(), (*Artifact::from_bytes(sample_bytes()))->identity());
  std::filesystem::remove(path);
}

TEST(Artifact, NamesAMissingFile) {
  const auto artifact = Artifact::open("/nowhere/p.tailor");
  ASSERT_FALSE(artifact.ok());
  EXPECT_EQ(artifact.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(artifact.status().message(), HasSubstr("/nowhere/p.tailor"));
}

TEST(Artifact, EveryTruncationIsRefused) {
  const std::vector<std::byte> bytes = sample_bytes();
  for (std::size_t size = 0; size < bytes.size(); size += size < 6000 ? 1 : 97) {
    const auto artifact =
        Artifact::from_bytes({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)});
    ASSERT_FALSE(artifact.ok()) << "cut to " << size << " of " << bytes.size();
    EXPECT_EQ(artifact.status().code(), StatusCode::kDataLoss);
  }
}

TEST(Artifact, EveryBitFlipIsRefused) {
  const std::vector<std::byte> bytes = sample_bytes();
  // All bits of header, metadata and the bytes around section borders; one bit of every byte elsewhere.
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int num_bits = i < 512 ? 8 : 1;
    for (int bit = 0; bit < num_bits; ++bit) {
      std::vector<std::byte> damaged = bytes;
      damaged[i] ^= static_cast<std::byte>(1 << (num_bits == 8 ? bit : static_cast<int>(i % 8)));
      ASSERT_FALSE(Artifact::from_bytes(std::move(damaged)).ok()) << "byte " << i << " bit " << bit;
    }
  }
}

TEST(Artifact, NamesTheDamagedSection) {
  std::vector<std::byte> bytes = sample_bytes();
  bytes[bytes.size() - 1] ^= std::byte{1};
  const auto artifact = Artifact::from_bytes(std::move(bytes));
  ASSERT_FALSE(artifact.ok());
  EXPECT_THAT(artifact.status().message(), HasSubstr("damaged section 2 ('ir.traced')"));
}

TEST(Artifact, RefusesANewerFormat) {
  std::vector<std::byte> bytes = sample_bytes();
  const std::uint32_t newer = kFormatVersion + 8;
  std::memcpy(bytes.data() + offsetof(FileHeader, format_version), &newer, sizeof(newer));
  const auto artifact = Artifact::from_bytes(std::move(bytes));
  ASSERT_FALSE(artifact.ok());
  EXPECT_EQ(artifact.status().code(), StatusCode::kIncompatible);
  EXPECT_THAT(artifact.status().message(),
              HasSubstr(concat("format ", newer, " is newer than ", kFormatVersion)));
}

TEST(Artifact, RefusesAnOlderFormat) {
  std::vector<std::byte> bytes = sample_bytes();
  const std::uint32_t older = 1;
  std::memcpy(bytes.data() + offsetof(FileHeader, format_version), &older, sizeof(older));
  const auto artifact = Artifact::from_bytes(std::move(bytes));
  ASSERT_FALSE(artifact.ok());
  EXPECT_EQ(artifact.status().code(), StatusCode::kIncompatible);
  EXPECT_THAT(artifact.status().message(),
              HasSubstr(concat("format 1 is older than ", kOldestFormatVersion)));
  EXPECT_EQ(artifact.status().hint(), "compile the program again");
}

// Its code draws what it always drew: such a program trains, evaluates and predicts as before.
TEST(Artifact, ReadsProgramsThatDrawAsAnEarlierVersionDid) {
  ArtifactSpec spec = sample_spec();
  spec.random_version = kRandomVersion - 1;
  Result<std::vector<std::byte>> bytes = write_artifact(spec, sample_sections());
  ASSERT_TRUE(bytes.ok());
  const auto artifact = Artifact::from_bytes(std::move(*bytes));
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  EXPECT_EQ((*artifact)->spec().random_version, kRandomVersion - 1);
}

TEST(Artifact, SectionNamesAreUnique) {
  std::vector<RawSection> sections = sample_sections();
  sections[2].name = "code";
  EXPECT_THAT(write_artifact(sample_spec(), sections).status().message(),
              HasSubstr("two sections are named 'code'"));
}

/// A rule of the spec, broken once, and what must be said about it.
struct Broken {
  const char* name;
  std::function<void(ArtifactSpec&)> change;
  const char* message;
};

Command& command(ArtifactSpec& spec, std::size_t index) {
  return spec.entries[0].variants[0].commands[index];
}

class BrokenSpec : public testing::TestWithParam<Broken> {};

TEST_P(BrokenSpec, IsRefused) {
  ArtifactSpec spec = sample_spec();
  GetParam().change(spec);
  const Status status = verify_spec(spec, 200, 16);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr(GetParam().message));
  EXPECT_FALSE(write_artifact(spec, sample_sections()).ok())
      << "the writer must not write what the reader refuses";
}

constexpr std::uint64_t kHuge = ~std::uint64_t{0};

INSTANTIATE_TEST_SUITE_P(
    Rules, BrokenSpec,
    testing::Values(
        Broken{"OperandPastItsSpace", [](ArtifactSpec& s) { command(s, 2).operands[0].offset = 1024 - 92; },
               "command 2 (launch): operand 0: 932 + 96 is outside the 1024 bytes of space 'arena'"},
        Broken{"OperandWrapsAround",
               [](ArtifactSpec& s) {
                 command(s, 2).operands[0].offset = kHuge - 3;
                 command(s, 2).operands[0].bytes = 8;
               },
               "is outside"},
        Broken{"HugeOperand",
               [](ArtifactSpec& s) { command(s, 2).operands[0].bytes = std::uint64_t{1} << 60; },
               "is outside"},
        Broken{"UnalignedOperand", [](ArtifactSpec& s) { command(s, 2).operands[0].offset = 2; },
               "unaligned"},
        Broken{"ChunksPastTheOperand", [](ArtifactSpec& s) { command(s, 2).operands[2].chunk_stride = 128; },
               "4 chunks of 128 bytes do not fit 256"},
        Broken{"WritesAConstant",
               [](ArtifactSpec& s) { command(s, 5).operands[0].access = Access::kReadWrite; },
               "writes a constant"},
        Broken{"HostScalarFromACommand",
               [](ArtifactSpec& s) {
                 command(s, 4).operands[0] = {Space::kControl, Access::kWrite, DType::kF32, 0, -1, 24, 4, 0};
               },
               "writes the host part of the control row"},
        Broken{"SlotOutsideReadSlot", [](ArtifactSpec& s) { command(s, 2).operands[0].space = Space::kSlot; },
               "touches a batch slot outside read_slot"},
        Broken{"ReadSlotOfTheArena", [](ArtifactSpec& s) { command(s, 1).operands[0].space = Space::kArena; },
               "reads space 'arena'"},
        Broken{"CopyOfUnequalSizes", [](ArtifactSpec& s) { command(s, 5).operands[0].bytes = 4; },
               "copies 4 bytes to 8"},
        Broken{"FillOfThreeBytes", [](ArtifactSpec& s) { command(s, 4).operands[0].bytes = 3; },
               "fills 3 bytes"},
        Broken{"KernelIndex", [](ArtifactSpec& s) { command(s, 2).kernel = 2; }, "kernel 2 of 2"},
        Broken{"NegativeKernelIndex", [](ArtifactSpec& s) { command(s, 2).kernel = -1; }, "kernel -1 of 2"},
        Broken{"PlanIndex", [](ArtifactSpec& s) { command(s, 6).plan = 1; }, "library plan 1 of 1"},
        Broken{"PlanOfAnotherProblem", [](ArtifactSpec& s) { s.library_plans[0].convolution.dilation = {2, 1}; },
               "library plan 0: a convolution of height 4 gives 1, not 2"},
        Broken{"PlanOfOtherPadding",
               [](ArtifactSpec& s) {
                 s.library_plans[0].convolution.padding_low = {0, 1};
                 s.library_plans[0].convolution.padding_high = {1, 0};
               },
               "library plan 0: its low padding (height) is 1, the problem's is 0"},
        Broken{"PlanOfNoBytes", [](ArtifactSpec& s) { s.library_plans[0].plan.clear(); },
               "library plan 0: the plan is no JSON"},
        Broken{"PlanOfManyBytes", [](ArtifactSpec& s) { s.library_plans[0].plan.resize(1 << 20, ' '); },
               "a workspace of 176 bytes for a plan of 1048576"},
        Broken{"PlanOfAHugeWorkspace", [](ArtifactSpec& s) { s.library_plans[0].workspace_bytes = ~0ull; },
               "a workspace of 18446744073709551615 bytes"},
        Broken{"PlanOfAnUnknownLibrary", [](ArtifactSpec& s) { s.library_plans[0].library = "onednn"; },
               "library 'onednn' is none that this version knows"},
        Broken{"LibraryCallWithoutWorkspace", [](ArtifactSpec& s) { command(s, 6).operands.pop_back(); },
               "has 3 operands, takes 4"},
        Broken{"LibraryCallWithAShortOperand", [](ArtifactSpec& s) { command(s, 6).operands[0].bytes = 124; },
               "operand 0: the plan needs 128 bytes, 124 are given"},
        Broken{"LibraryCallWithAShortWorkspace",
               [](ArtifactSpec& s) { command(s, 6).operands[3].bytes = 60; },
               "operand 3: the plan needs 176 bytes, 60 are given"},
        Broken{"LibraryCallThatWritesWhatItReads",
               [](ArtifactSpec& s) { command(s, 6).operands[2].offset = 64; },
               "operands 2 and 0 of a library call share memory"},
        Broken{"LibraryCallOfAReadOnlyResult",
               [](ArtifactSpec& s) { command(s, 6).operands[2].access = Access::kRead; },
               "operand 2: the plan writes it"},
        Broken{"KernelOfACopy", [](ArtifactSpec& s) { command(s, 5).kernel = 500'000'000; },
               "command 5 (copy): has kernel 500000000, which it does not take"},
        Broken{"KernelOfAReadSlot", [](ArtifactSpec& s) { command(s, 1).kernel = 0; },
               "command 1 (read_slot): has kernel 0"},
        Broken{"KernelOfARepeat", [](ArtifactSpec& s) { command(s, 3).kernel = 1; }, "has kernel 1"},
        Broken{"SizesOfACopy",
               [](ArtifactSpec& s) {
                 command(s, 5).sizes = {8};
               },
               "has sizes: 1, which"},
        Broken{"UnitsOfACopy", [](ArtifactSpec& s) { command(s, 5).num_units = 2; }, "has work units: 2"},
        Broken{"ChunksOfAFill", [](ArtifactSpec& s) { command(s, 4).num_chunks = 2; }, "has chunks: 2"},
        Broken{"PlanOfALaunch", [](ArtifactSpec& s) { command(s, 2).plan = 0; }, "has library plan 0"},
        Broken{"FillWordOfACopy", [](ArtifactSpec& s) { command(s, 5).fill_word = 1; }, "has fill word 1"},
        Broken{"CountOfALaunch", [](ArtifactSpec& s) { command(s, 2).count = 3; }, "has count 3"},
        Broken{"BodyOfALaunch", [](ArtifactSpec& s) { command(s, 2).body_length = 1; }, "has body length 1"},
        Broken{"RepeatsForever",
               [](ArtifactSpec& s) {
                 command(s, 3).count = 0xFFFFFFFF;
                 command(s, 3).body_length = 2;
               },
               "would run more than"},
        Broken{"LaunchWithoutSizes", [](ArtifactSpec& s) { command(s, 2).sizes.clear(); },
               "kernel 'gemm_8x2_3c4d' is not made for sizes () and 8 units"},
        Broken{"LaunchOfOtherSizes", [](ArtifactSpec& s) { command(s, 2).sizes[0] = 9; },
               "is not made for sizes (9, 3, 2) and 8 units"},
        Broken{"LaunchOfMoreUnits", [](ArtifactSpec& s) { command(s, 2).num_units = 9; },
               "is not made for sizes (8, 3, 2) and 9 units"},
        Broken{"LaunchWithOneOperand", [](ArtifactSpec& s) { command(s, 2).operands.resize(1); },
               "takes 3 operands, 1 are given"},
        Broken{"LaunchWithAShortOperand", [](ArtifactSpec& s) { command(s, 2).operands[0].bytes = 92; },
               "operand 0: kernel 'gemm_8x2_3c4d' needs 96 bytes, 92 are given"},
        Broken{"LaunchWithShortChunks",
               [](ArtifactSpec& s) { s.kernels[1].shapes[0].operands[2].bytes = 68; },
               "operand 2: kernel 'gemm_8x2_3c4d' needs 68 bytes, 64 are given"},
        Broken{"LaunchOfAReadOnlyResult",
               [](ArtifactSpec& s) { command(s, 2).operands[2].access = Access::kRead; },
               "operand 2: kernel 'gemm_8x2_3c4d' writes what is given to read"},
        Broken{"ShapeTwice",
               [](ArtifactSpec& s) { s.kernels[1].shapes.push_back(s.kernels[1].shapes[0]); },
               "shapes 0 and 1 are for the same launch"},
        Broken{"ShapeOfNegativeSize", [](ArtifactSpec& s) { s.kernels[1].shapes[0].sizes[1] = -3; },
               "shape 0 has size -3"},
        Broken{"ThreadsOnACpu", [](ArtifactSpec& s) { s.kernels[1].threads = 32; },
               "is launched as 0 blocks of 32 threads on target 'cpu'"},
        Broken{"NoThreadsOnAGpu", [](ArtifactSpec& s) { s.target.backend = "cuda"; },
               "is launched as 0 blocks of 0 threads on target 'cuda'"},
        Broken{"HalfAWarp",
               [](ArtifactSpec& s) {
                 s.target.backend = "cuda";
                 for (Kernel& kernel : s.kernels)
                   kernel.blocks = 1, kernel.threads = 48;
               },
               "is launched as 1 blocks of 48 threads"},
        Broken{"UnalignedOnAGpu",
               [](ArtifactSpec& s) {
                 s.target.backend = "cuda";
                 for (Kernel& kernel : s.kernels)
                   kernel.blocks = 1, kernel.threads = 32;
                 command(s, 2).operands[0].offset += 4;
               },
               "is none of a launch on a GPU"},
        Broken{"SharedMemoryOfNoGpu",
               [](ArtifactSpec& s) {
                 s.target.backend = "cuda";
                 for (Kernel& kernel : s.kernels)
                   kernel.blocks = 1, kernel.threads = 32, kernel.shared_bytes = 1u << 20;
               },
               "take 1048576 bytes of shared memory"},
        Broken{"TensorCoresOfACpu", [](ArtifactSpec& s) { s.kernels[1].tensor_cores = TensorCores::kTf32; },
               "blocks of 0 threads"},
        Broken{"VectorsOfNoMachine", [](ArtifactSpec& s) { s.kernels[1].vector_bits = 77; }, "77-bit"},
        Broken{"CommandOp",
               [](ArtifactSpec& s) {
                 command(s, 2).ops = {9};
               },
               "op 9 is not in the op table"},
        Broken{"OperandOp", [](ArtifactSpec& s) { command(s, 2).operands[0].op_id = -2; },
               "op -2 is not in the op table"},
        Broken{"KernelOp",
               [](ArtifactSpec& s) {
                 s.kernels[0].ops = {1, 1'000'000'000};
               },
               "kernel 'map_64_1a2b': op 1000000000 is not in the op table"},
        Broken{"RemarkOp",
               [](ArtifactSpec& s) {
                 s.remarks[0].ops = {7};
               },
               "remark 0: op 7 is not in the op table"},
        Broken{"OpTwice", [](ArtifactSpec& s) { s.ops[1].id = 1; }, "op table: op 1 follows op 1"},
        Broken{"OpsOutOfOrder", [](ArtifactSpec& s) { std::swap(s.ops[0], s.ops[2]); }, "follows op"},
        Broken{"BackwardOfNothing", [](ArtifactSpec& s) { s.ops[1].vjp_of = 77; },
               "op table: op 2: op 77 is not in the op table"},
        Broken{"PlannedEntry", [](ArtifactSpec& s) { s.memory_plan[0].entry = 100'000'000; },
               "memory plan: buffer 'z1': entry 100000000 of 3"},
        Broken{"PlannedVariant", [](ArtifactSpec& s) { s.memory_plan[0].variant = 1; }, "variant 1 of 1"},
        Broken{"PlannedForHalfAnEntry", [](ArtifactSpec& s) { s.memory_plan[0].entry = -1; },
               "entry -1 of 3"},
        Broken{"PlannedCommand", [](ArtifactSpec& s) { s.memory_plan[0].last_command = 8; },
               "commands 2 to 8 of 8"},
        Broken{"PlannedBackwards", [](ArtifactSpec& s) { s.memory_plan[0].last_command = 1; },
               "commands 2 to 1 of 8"},
        Broken{"PlannedPastTheSpace", [](ArtifactSpec& s) { s.memory_plan[0].offset = kHuge - 7; },
               "is outside the 1024 bytes of space 'arena'"},
        Broken{"PlannedInTheSlot", [](ArtifactSpec& s) { s.memory_plan[0].space = Space::kSlot; },
               "planned in space 'slot'"},
        Broken{"NoChunks", [](ArtifactSpec& s) { command(s, 2).num_chunks = 0; }, "8 units in 0 chunks"},
        Broken{"NegativeUnits", [](ArtifactSpec& s) { command(s, 2).num_units = -1; }, "-1 units"},
        Broken{"RepeatPastTheEnd", [](ArtifactSpec& s) { command(s, 3).body_length = 5; }, "passes the end"},
        Broken{"RepeatsAStep", [](ArtifactSpec& s) { command(s, 3).body_length = 4; }, "inside a repeat"},
        Broken{"RepeatsNothing", [](ArtifactSpec& s) { command(s, 3).count = 0; }, "repeats nothing"},
        Broken{"NoFinish", [](ArtifactSpec& s) { s.entries[0].variants[0].commands.pop_back(); },
               "finish_step"},
        Broken{"TwoBegins", [](ArtifactSpec& s) { command(s, 6) = command(s, 0); }, "only begin_step"},
        Broken{"SlotReadWithoutSlotField", [](ArtifactSpec& s) { s.control.erase(s.control.begin() + 1); },
               "no control field 'slot'"},
        Broken{"KernelPastTheCode", [](ArtifactSpec& s) { s.kernels[1].code_offset = 150; },
               "outside the code section of 200 bytes"},
        Broken{"KernelsOverlap", [](ArtifactSpec& s) { s.kernels[1].code_offset = 31; },
               "kernels 'map_64_1a2b' and 'gemm_8x2_3c4d' overlap"},
        Broken{"KernelsOfTheSameCode",
               [](ArtifactSpec& s) { s.kernels[1].code_offset = 0, s.kernels[1].code_bytes = 32; }, "overlap"},
        Broken{"KernelWrapsAround", [](ArtifactSpec& s) { s.kernels[1].code_offset = kHuge - 10; },
               "outside the code"},
        Broken{"ScratchWithoutEnd", [](ArtifactSpec& s) { s.kernels[1].scratch_bytes = kHuge; },
               "of scratch"},
        Broken{"StateTooLarge", [](ArtifactSpec& s) { s.states[2].offset = 256; },
               "does not fit 256 bytes of state"},
        Broken{"StateShapeOverflows",
               [](ArtifactSpec& s) {
                 s.states[0].shape = {std::int64_t{1} << 40, std::int64_t{1} << 40};
               },
               "overflows"},
        Broken{"StateNegativeShape",
               [](ArtifactSpec& s) {
                 s.states[0].shape = {-2, -3};
               },
               "overflows"},
        Broken{"StateSizeDiffers", [](ArtifactSpec& s) { s.states[0].bytes = 20; }, "takes 24 bytes but 20"},
        Broken{"StatesOverlap", [](ArtifactSpec& s) { s.states[1].offset = 0; }, "overlap"},
        Broken{"StateTwice", [](ArtifactSpec& s) { s.states[1].name = "fc0.weight"; },
               "two states are named"},
        Broken{"StateGroupIndex", [](ArtifactSpec& s) { s.states[1].group = 7; }, "group 7 of 2"},
        Broken{"CopyOfALaterState", [](ArtifactSpec& s) { s.states[2].init.source_state = 2; },
               "does not precede"},
        Broken{"CopyOfAnotherShape", [](ArtifactSpec& s) { s.states[2].init.source_state = 1; },
               "another type or shape"},
        Broken{"CopySourceOfAConstant", [](ArtifactSpec& s) { s.states[1].init.source_state = 9; },
               "initialised constant but copies state 9"},
        Broken{"InitialisedWithNan", [](ArtifactSpec& s) { s.states[1].init.value = NAN; }, "with nan"},
        Broken{"RandomIntegers",
               [](ArtifactSpec& s) {
                 s.states[0].dtype = DType::kI32;
                 s.states[2].init = {};
               },
               "initialised uniform"},
        Broken{"ControlFieldInTheDevicePart", [](ArtifactSpec& s) { s.control[3].offset = 32; },
               "control row"},
        Broken{"DeviceFieldInTheHostPart", [](ArtifactSpec& s) { s.control[5].offset = 24; }, "control row"},
        Broken{"ControlFieldWithoutOption", [](ArtifactSpec& s) { s.control[3].key = "optimizer.l"; },
               "bound to option 'optimizer.l'"},
        Broken{"HostFieldBoundToNothing", [](ArtifactSpec& s) { s.control[3].binding = FieldBinding::kNone; },
               "bound to nothing"},
        Broken{"BuiltinOfAnotherType", [](ArtifactSpec& s) { s.control[0].dtype = DType::kF32; },
               "control field 'valid' must be"},
        Broken{"ControlFieldsInOnePlace",
               [](ArtifactSpec& s) {
                 for (ControlField& field : s.control)
                   if (field.writer == FieldWriter::kHost) field.offset = 0;
               },
               "control fields 'valid' and 'slot' overlap"},
        Broken{"ControlFieldsOverlapByOneWord", [](ArtifactSpec& s) { s.control[3].offset = 20; },
               "control fields 'rng' and 'lr' overlap"},
        Broken{"UnalignedControlField", [](ArtifactSpec& s) { s.control[0].offset = 2; }, "unaligned"},
        Broken{"TableRowOfFloats", [](ArtifactSpec& s) { s.control[4].dtype = DType::kF32; },
               "bound to a table row but not one i32"},
        Broken{"ControlValueOfNan", [](ArtifactSpec& s) { s.control[5].value = INFINITY; },
               "has the value inf"},
        Broken{"MetricsOverlap", [](ArtifactSpec& s) { s.metrics[1].offset = 0; },
               "metrics 'loss' and 'per_class' overlap"},
        Broken{"UnalignedMetric", [](ArtifactSpec& s) { s.metrics[1].offset = 12; }, "unaligned"},
        Broken{"HostPartLargerThanTheRow", [](ArtifactSpec& s) { s.memory.control_host = 65; },
               "65 of 64 bytes"},
        Broken{"MetricPastTheRow", [](ArtifactSpec& s) { s.metrics[1].offset = 56; }, "metrics row"},
        Broken{"MetricCountOverflows", [](ArtifactSpec& s) { s.metrics[1].count = 0xFFFFFFFF; },
               "metrics row"},
        Broken{"ArenaWithoutEnd", [](ArtifactSpec& s) { s.memory.arena = kHuge; }, "is impossible"},
        Broken{"SlotFieldPastTheSlot",
               [](ArtifactSpec& s) { s.entries[0].variants[0].slot_fields[1].offset = 256; },
               "does not fit a slot"},
        Broken{"SlotFieldOfAnotherBatch",
               [](ArtifactSpec& s) {
                 s.entries[0].variants[0].slot_fields[1].shape = {4, 2};
               },
               "or the batch"},
        Broken{"SlotFieldsOverlap",
               [](ArtifactSpec& s) { s.entries[0].variants[0].slot_fields[1].offset = 64; },
               "slot fields 'numeric' and 'label' overlap"},
        Broken{"BatchTwice",
               [](ArtifactSpec& s) { s.entries[0].variants.push_back(s.entries[0].variants[0]); },
               "batch 8 follows batch 8"},
        Broken{"NegativeBatch", [](ArtifactSpec& s) { s.entries[0].variants[0].batch = -8; },
               "impossible batch"},
        Broken{"OutputSize", [](ArtifactSpec& s) { s.entries[0].variants[0].outputs[0].place.bytes = 60; },
               "takes 64 bytes but 60"},
        Broken{"MetricIndex", [](ArtifactSpec& s) { s.entries[0].variants[0].metrics[0] = 5; },
               "metric 5 of 2"},
        Broken{"StageWithoutStep", [](ArtifactSpec& s) { s.stages[0].step_entry = -1; }, "has no step entry"},
        Broken{"StageStepIsEval", [](ArtifactSpec& s) { s.stages[0].step_entry = 1; },
               "cannot be the step entry"},
        Broken{"StageEntryIndex", [](ArtifactSpec& s) { s.stages[0].eval_entry = 99; }, "eval entry 99 of 3"},
        Broken{"StageGroupIndex", [](ArtifactSpec& s) { s.stages[0].initialised_groups = {3}; },
               "group 3 of 2"},
        Broken{"StageNameOfAKey", [](ArtifactSpec& s) { s.stages[0].name = "main.optimizer"; },
               "its name holds a '.'"},
        Broken{"FirstStageContinues", [](ArtifactSpec& s) { s.stages[0].continues = true; },
               "there is nothing it continues"},
        Broken{"CopyOfNoGroup", [](ArtifactSpec& s) { s.stages[1].copies = {{0, 2}}; }, "copies group 2 of 2"},
        Broken{"CopyOfAnotherGroup", [](ArtifactSpec& s) { s.stages[1].copies = {{0, 1}}; },
               "copies group 'net' to 'ema', which has other states"},
        Broken{"LearningRateIndex", [](ArtifactSpec& s) { s.entries[0].learning_rate = 6; },
               "control field 6 of 6"},
        Broken{"LearningRateOfAnEval", [](ArtifactSpec& s) { s.entries[1].learning_rate = 3; },
               "but it is no step"},
        Broken{"LearningRateOfTheLoop", [](ArtifactSpec& s) { s.entries[0].learning_rate = 0; },
               "control field 'valid' cannot be its learning rate"},
        Broken{"ScheduleWithoutOptions", [](ArtifactSpec& s) { s.control[3].options_prefix.clear(); },
               "bound schedule with no options to shape it"},
        Broken{"RowWithOptions", [](ArtifactSpec& s) { s.control[4].options_prefix = "schedule"; },
               "bound epoch_row with options that shape nothing"},
        Broken{"RandomInteger",
               [](ArtifactSpec& s) {
                 s.control[4].binding = FieldBinding::kRandomUniform;
                 s.control[4].key.clear();
               },
               "is random but not one floating-point number"},
        Broken{"ClassNames", [](ArtifactSpec& s) { s.schema.class_names.pop_back(); },
               "1 class names for 2 classes"},
        Broken{"PositiveClass", [](ArtifactSpec& s) { s.schema.positive_class = 2; }, "positive class 2"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(VerifySpec, AcceptsTheSample) {
  const Status status = verify_spec(sample_spec(), 200, 16);
  EXPECT_TRUE(status.ok()) << status.message();
}

TEST(VerifySpec, RefusesDeepRepeats) {
  ArtifactSpec spec = sample_spec();
  std::vector<Command>& commands = spec.entries[0].variants[0].commands;
  std::vector<Command> nested = {commands.front()};
  for (std::uint32_t depth = 0; depth < 20; ++depth) {
    Command repeat;
    repeat.kind = CommandKind::kRepeat;
    repeat.count = 1;
    repeat.body_length = 20 - depth;
    nested.push_back(repeat);
  }
  nested.push_back(commands[4]);
  nested.push_back(commands.back());
  commands = nested;
  EXPECT_THAT(verify_spec(spec, 200, 16).message(), HasSubstr("nested deeper"));
}

TEST(VerifySpec, RefusesWhatNothingExecutes) {
  ArtifactSpec spec = sample_spec();
  spec.entries[2].kind = EntryKind::kFeatures;
  const Status status = verify_spec(spec, 200, 16);
  EXPECT_EQ(status.code(), StatusCode::kUnimplemented);
  EXPECT_THAT(status.message(), HasSubstr("entries of kind features are not supported"));
  spec.entries[2].kind = EntryKind::kBatchNormRecompute;
  EXPECT_THAT(verify_spec(spec, 200, 16).message(), HasSubstr("the running statistics of no eval entry"));
}

TEST(CheckpointName, IsBareForTheNet) {
  const ArtifactSpec spec = sample_spec();
  EXPECT_EQ(checkpoint_name(spec, spec.states[0]), "fc0.weight");
  EXPECT_EQ(checkpoint_name(spec, spec.states[2]), "ema/fc0.weight");
}

TEST(StageOptions, GoOverTheProgramsOwn) {
  Options options;
  options.set("run.epochs", OptionValue(300));
  options.set("optimizer.lr", OptionValue(0.1));
  options.set("stage.head.run.epochs", OptionValue(10));
  options.set("stage.head2.optimizer.lr", OptionValue(0.5));
  const Options head = options_of_stage(options, "head");
  EXPECT_EQ(*head.get_int("run.epochs"), 10);
  EXPECT_EQ(*head.get_number("optimizer.lr"), 0.1);
  EXPECT_EQ(head.size(), 2u) << "no key of another stage";
  EXPECT_EQ(*options_of_stage(options, "main").get_int("run.epochs"), 300);
  EXPECT_EQ(*options_of_stage(options, "head2").get_number("optimizer.lr"), 0.5);
}

} // namespace
} // namespace tailor::runtime
