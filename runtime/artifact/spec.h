#pragma once
#include "runtime/artifact/conv_plan.h"
#include "runtime/base/data_schema.h"
#include "runtime/base/dtype.h"
#include "runtime/base/options.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// An artifact as plain structs: what the compiler fills, the writer stores, the reader gives back after
/// checking. Index fields name entries of the vectors here; -1 is "none". Offsets and sizes are bytes. Field
/// by field the same content as tailor.fbs, which is the format; write(read(x)) == x.
namespace tailor::runtime {

/// What the artifact was compiled for.
struct Target {
  std::string backend; ///< "cpu", "reference"
  std::string name;    ///< "znver4", "x86-64-v3", "f64"
  /// Instruction sets the code uses, LLVM names ("avx2", "avx512bf16"). The runtime refuses a host that lacks
  /// one.
  std::vector<std::string> features;

  bool operator==(const Target&) const = default;
};

// --- state

enum class GroupKind : std::uint8_t { kNet, kProjector, kOptimizer, kEma, kBatchNorm, kFitted, kGenerator };
const char* to_string(GroupKind kind);

enum class InitKind : std::uint8_t {
  kZeros,
  kOnes,
  kConstant,        ///< value
  kUniform,         ///< uniform in [-value, value)
  kNormal,          ///< mean 0, standard deviation value
  kTruncatedNormal, ///< the same, redrawn outside two standard deviations
  kCopyOf,          ///< the initial value of another state of the same type and shape
};
const char* to_string(InitKind kind);

struct InitRule {
  InitKind kind = InitKind::kZeros;
  double value = 0;
  std::int32_t source_state = -1; ///< kCopyOf

  bool operator==(const InitRule&) const = default;
};

struct StateGroup {
  std::string name;
  GroupKind kind = GroupKind::kNet;
  bool trainable = false;

  bool operator==(const StateGroup&) const = default;
};

struct State {
  std::string name;          ///< canonical within its group: "fc0.weight"
  std::int32_t group = -1;   ///< index into groups
  DType dtype = DType::kF32; ///< kF32, kF64, kI32 or kI64
  std::vector<std::int64_t> shape;
  std::uint64_t offset = 0; ///< in the state space
  std::uint64_t bytes = 0;  ///< exactly the elements; padding up to the next state is zero
  InitRule init;
  bool decayed = true; ///< weight decay applies (laid out before the undecayed ones)

  bool operator==(const State&) const = default;
};

// --- control and metrics rows

/// Who writes a control field. Host fields come first in the row and are copied from the ring by begin_step;
/// device fields follow, are written by commands and persist from step to step.
enum class FieldWriter : std::uint8_t { kHost, kDevice };

/// Where the host takes the value of a field from; said by the program, never guessed from names.
enum class FieldBinding : std::uint8_t {
  kBuiltin,  ///< by well-known name: valid, slot, rng, step
  kConstant, ///< `value`
  kOption,   ///< run option `key`, the same for the whole stage
  kSchedule, ///< run option `key` is the peak, shaped by the options under `options_prefix`
  kAverageDecay, ///< d = run option `key`; min(d, (1 + t) / (10 + t)), t = updates done, if <options_prefix>.warmup
  kEpochRow, ///< entries of the list `key` (epochs, 0-based) that are at most the clock's epoch
  kFractionRow, ///< the same with entries that are fractions of the clock's epochs; of option <key>_epoch, if set
  kRandomUniform, ///< in [0, 1), one draw a step (train/host_random.h)
  kRandomBeta,    ///< from Beta(a, a), a = run option `key`, one draw a step
  kNone,          ///< device fields
};
const char* to_string(FieldBinding binding);
/// The host's value is read from run option `key`.
bool has_key(FieldBinding binding);
/// Options under `options_prefix` shape it.
bool has_options_prefix(FieldBinding binding);
/// One i32, the row of a table.
bool is_row(FieldBinding binding);

struct ControlField {
  std::string name;
  DType dtype = DType::kF32; ///< kF32, kF64, kI32 or kI64
  std::uint32_t count = 1;   ///< elements (rng: 4)
  std::uint64_t offset = 0;  ///< in the control row
  FieldWriter writer = FieldWriter::kHost;
  FieldBinding binding = FieldBinding::kNone;
  std::string key;
  double value = 0;
  std::string options_prefix; ///< "schedule" of the options schedule.name, schedule.warmup_epochs, ...

  bool operator==(const ControlField&) const = default;
};

struct MetricField {
  std::string name; ///< "loss", "ascent_loss", "grad_norm"
  DType dtype = DType::kF32;
  std::uint32_t count = 1;
  std::uint64_t offset = 0; ///< in the metrics row

  bool operator==(const MetricField&) const = default;
};

// --- commands

enum class Space : std::uint8_t { kState, kArena, kControl, kMetrics, kSlot, kConstant };
const char* to_string(Space space);

enum class Access : std::uint8_t { kRead, kWrite, kReadWrite };

/// A place in memory a command touches. Chunk c of a launch sees space + offset + c * chunk_stride; `bytes`
/// covers all chunks, so partial results indexed by chunk need no arithmetic in the kernel. Rules (checked by
/// the reader): offset + bytes fits the space; kSlot is read by read_slot only; kConstant and the host part
/// of kControl are never written; num_chunks * chunk_stride <= bytes; a launch gives what a LaunchShape of
/// its kernel takes.
struct Operand {
  Space space = Space::kArena;
  Access access = Access::kRead;
  DType dtype = DType::kF32;
  std::uint16_t result = 0; ///< which result of op_id
  std::int32_t op_id = -1;  ///< op whose result this holds (op table); -1 = not the result of one op
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::uint64_t chunk_stride = 0;

  bool operator==(const Operand&) const = default;
};

enum class CommandKind : std::uint8_t {
  kBeginStep, ///< host part of the control row <- ring row (counter % length); no operands
  kReadSlot,  ///< operands: source in kSlot (within the slot named by control field `slot`), destination
  kLaunch,    ///< kernel(buffers = operands..., sizes) over num_units in num_chunks
  kCopy,      ///< operands: source, destination of equal size
  kFill,      ///< operand: destination, a multiple of 4 bytes; every word becomes fill_word
  kRepeat,    ///< the next body_length commands run count times
  kLibrary,   ///< library plan `plan` on the operands
  kFinishStep ///< metrics ring row (counter % length) <- metrics row; counter += 1; no operands
};
const char* to_string(CommandKind kind);

/// No member varies between steps: sizes, counts and fill words are fixed when compiled; what varies is read
/// from the control row by the kernels. The reader refuses command lists that break this (a command that
/// writes the host part of the control row, a slot outside read_slot, a step without begin and finish).
struct Command {
  CommandKind kind = CommandKind::kLaunch;
  std::vector<Operand> operands;   ///< kLaunch: operands then results, as the kernel expects them
  std::int32_t kernel = -1;        ///< kLaunch: index into kernels
  std::int32_t plan = -1;          ///< kLibrary: index into library_plans
  std::vector<std::int64_t> sizes; ///< kLaunch: sizes[0] = rows of the variant
  std::int64_t num_units = 0;      ///< kLaunch: work units, >= 0
  std::uint32_t num_chunks = 1;    ///< kLaunch: fixed split, independent of the thread count
  std::uint32_t fill_word = 0;     ///< kFill
  std::uint32_t count = 0;         ///< kRepeat
  std::uint32_t body_length = 0;   ///< kRepeat
  std::vector<std::int32_t> ops;   ///< op ids this command computes (kLaunch may leave it to its kernel)
  std::uint64_t flops = 0;         ///< per execution, for profiles and the cost table
  std::uint64_t bytes_moved = 0;

  bool operator==(const Command&) const = default;
};

/// What a kernel does with one buffer of a launch: `bytes` are touched at most, from the pointer it is given.
struct KernelOperand {
  std::uint64_t bytes = 0;
  Access access = Access::kRead;

  bool operator==(const KernelOperand&) const = default;
};

/// One way to launch a kernel. Code is shared by batch sizes, so a kernel has one shape per size it runs
/// with; the reader refuses a launch that is none of them or gives an operand fewer bytes.
struct LaunchShape {
  std::vector<std::int64_t> sizes;
  std::int64_t num_units = 0;
  std::vector<KernelOperand> operands; ///< in the launch's order; temporaries, if any, are the last

  bool operator==(const LaunchShape&) const = default;
};

/// What tensor cores multiply, where they compute the products of a kernel.
enum class TensorCores : std::uint8_t { kNone, kTf32, kBf16 };

struct Kernel {
  std::string name;              ///< stable across unrelated edits
  std::uint64_t code_offset = 0; ///< in the code section
  std::uint64_t code_bytes = 0;
  std::uint64_t scratch_bytes = 0; ///< per worker; > 0 adds one last buffer of this size, contents undefined
  std::string family;              ///< "map", "rows", "gemm", ...
  std::vector<std::int32_t> ops;   ///< op ids, for source lines
  std::vector<LaunchShape> shapes; ///< of every launch in the program, once each
  std::uint32_t vector_bits = 0;   ///< width of the vectors in its inner loop; 0 = scalar code
  std::uint32_t blocks = 0;        ///< of a launch on a GPU; 0: no command launches it
  std::uint32_t threads = 0;       ///< of a block, whole warps; 0: code of no GPU
  std::uint32_t resident =
      0; ///< blocks that a multiprocessor has threads for, and registers where the code asks for them; 0: code of no GPU
  std::uint32_t shared_bytes = 0;                ///< memory that the threads of a block share
  TensorCores tensor_cores = TensorCores::kNone; ///< that compute its products

  bool operator==(const Kernel&) const = default;
};

/// A call into a library with everything chosen at compile time. `plan` is the library's own form of it, for one version;
/// `convolution` is what it computes, of which another version makes its own.
struct LibraryPlan {
  std::string library; ///< "cudnn"
  std::string version; ///< that made the plan, as the library writes it: "91900"
  std::vector<std::uint8_t> plan;
  ConvPlan convolution;
  std::int64_t engine = -1;          ///< the library's number for its algorithm
  std::uint64_t workspace_bytes = 0; ///< at most, whichever version makes the plan

  bool operator==(const LibraryPlan&) const = default;
};

// --- entries

/// kBatchNormRecompute: one run over all training rows, batch after batch, makes the running statistics that an eval
/// entry reads; rng word 3 is the number of rows before the batch. Named after it (runtime/base/entry_names.h).
enum class EntryKind : std::uint8_t { kInit, kFit, kStep, kEval, kPredict, kFeatures, kBatchNormRecompute };
const char* to_string(EntryKind kind);

/// A batch input in the slot of a variant: numeric f32 [B, D], category i32 [B, C], image u8 or f32 [B, H, W, C],
/// label i32 [B], index i32 [B].
struct SlotField {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape; ///< batch first
  std::uint64_t offset = 0;        ///< in the slot, 64-byte aligned
  std::uint64_t bytes = 0;

  bool operator==(const SlotField&) const = default;
};

struct Output {
  std::string name; ///< "logits", "probabilities", "loss"
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  Operand place;

  bool operator==(const Output&) const = default;
};

/// An entry compiled for one input signature. Its command list is empty for a program that is only
/// interpreted (backend "reference").
struct Variant {
  std::int64_t batch = 0; ///< 0 for init and fit
  std::vector<SlotField> slot_fields;
  std::vector<Output> outputs;
  std::vector<std::int32_t> metrics; ///< metric fields this variant reports
  std::vector<Command> commands;
  std::string symbol; ///< name of the entry op in the IR, for example "train_step_b64"

  bool operator==(const Variant&) const = default;
};

struct Entry {
  std::string name; ///< "train_step", "eval_step"
  EntryKind kind = EntryKind::kStep;
  std::vector<Variant> variants; ///< ordered by batch
  /// kStep: control field that is the rate of the first optimizer; -1 = none (a report called "lr" may say it).
  std::int32_t learning_rate = -1;

  bool operator==(const Entry&) const = default;
};

// --- stages

/// A group that gets the states of another, name by name.
struct GroupCopy {
  std::int32_t from = -1,
               to = -1; ///< groups with states of the same names, types and shapes in the same order

  bool operator==(const GroupCopy&) const = default;
};

/// One part of the training. Stages run in order over the same state; what one trains is what its step stores.
/// Its own options are those under "stage.<name>." of the program's (stage_options.h).
struct Stage {
  std::string name; ///< without '.'
  std::int32_t step_entry = -1;
  std::int32_t fit_entry = -1;  ///< run once when the stage begins; -1 = none
  std::int32_t eval_entry = -1; ///< for evaluations and predictions; -1 = neither
  /// The clock of schedules, and the best epoch, go on from the stage before; else they start anew. Never the first.
  bool continues = false;
  std::vector<GroupCopy> copies;                ///< run when the stage begins
  std::vector<std::int32_t> initialised_groups; ///< then these get their initial value

  bool operator==(const Stage&) const = default;
};

// --- what inspect reads

/// The op table is ordered by id, and every op id of commands, kernels and remarks is in it.
struct OpRecord {
  std::int32_t id = -1;
  std::string name;     ///< "tailor.dot"
  std::string location; ///< "recipe.toml:4:3" or "main.cpp:31:5"; several joined by "; "
  std::int32_t vjp_of = -1;
  std::string removed; ///< why it is gone; empty if it lives

  bool operator==(const OpRecord&) const = default;
};

enum class RemarkKind : std::uint8_t { kPassed, kMissed, kAnalysis };

struct Remark {
  RemarkKind kind = RemarkKind::kPassed;
  std::string pass;     ///< "fuse-sam-steps"
  std::string reason;   ///< stable code: "used-elsewhere"
  std::string message;  ///< a sentence
  std::string location; ///< the user's line
  std::vector<std::int32_t> ops;
  std::int64_t bytes_saved = 0; ///< negative = costs

  bool operator==(const Remark&) const = default;
};

/// One row of the memory plan: who lives where from which command to which.
struct PlannedBuffer {
  std::string name;
  Space space = Space::kArena;
  std::uint64_t offset = 0, bytes = 0;
  std::int32_t entry = -1, variant = -1; ///< -1 = all
  std::int32_t first_command = -1, last_command = -1;

  bool operator==(const PlannedBuffer&) const = default;
};

struct MemorySizes {
  std::uint64_t state = 0, arena = 0;
  std::uint64_t control = 0;      ///< one row
  std::uint64_t control_host = 0; ///< its host part, from offset 0
  std::uint64_t metrics = 0;      ///< one row
  std::uint64_t slot = 0;         ///< the largest variant's slot

  bool operator==(const MemorySizes&) const = default;
};

/// Page-aligned raw bytes behind the metadata. "code" (kernels), "constants" (Space::kConstant),
/// "ir.<phase>" (text of that phase).
struct RawSection {
  std::string name;
  std::vector<std::byte> bytes;

  bool operator==(const RawSection&) const = default;
};

// --- the whole

struct ArtifactSpec {
  std::string name;        ///< program name, from the recipe file or the C++ program
  std::string producer;    ///< "tailor 0.1.0"
  std::string source_name; ///< recipe or source file as the user wrote it
  std::string source_text;
  /// Words of the command that compiled it which shaped its code and stand nowhere else, `--set-kernel X` and the like:
  /// the target is in `target`, `--set` in `options`.
  std::vector<std::string> compile_flags;
  /// Of what the program computes over which state, as the frontend traced it: the same for any comment, run
  /// option, pass, target and machine. 0 = not known (a program made by hand).
  std::uint64_t meaning = 0;
  /// kRandomVersion (runtime/base/philox.h) of what its steps draw; 0 = they draw nothing.
  std::uint32_t random_version = 0;
  Target target;
  Options options;
  DataSchema schema;

  std::vector<StateGroup> groups;
  std::vector<State> states;
  std::vector<ControlField> control;
  std::vector<MetricField> metrics;
  std::vector<Entry> entries;
  std::vector<Kernel> kernels;
  std::vector<LibraryPlan> library_plans;
  MemorySizes memory;
  std::vector<Stage> stages;

  std::vector<PlannedBuffer> memory_plan;
  std::vector<OpRecord> ops;
  std::vector<Remark> remarks;

  bool operator==(const ArtifactSpec&) const = default;
};

inline constexpr std::string_view kCodeSection = "code";
inline constexpr std::string_view kConstantSection = "constants";
inline constexpr std::string_view kIrSectionPrefix = "ir.";

/// Name of a state in checkpoints: the bare name for a kNet group named "net" (so names agree with
/// torchvision and timm), else "group/name".
std::string checkpoint_name(const ArtifactSpec& spec, const State& state);

/// Index by name, or -1.
std::int32_t find_state(const ArtifactSpec& spec, std::string_view group, std::string_view name);
std::int32_t find_control(const ArtifactSpec& spec, std::string_view name);
std::int32_t find_metric(const ArtifactSpec& spec, std::string_view name);
std::int32_t find_entry(const ArtifactSpec& spec, std::string_view name);

/// Scratch memory of one worker thread: the most a kernel wants, in whole pages.
std::uint64_t scratch_bytes_per_worker(const ArtifactSpec& spec);

/// Product of the dimensions; false if one is negative or the product overflows.
bool num_elements(const std::vector<std::int64_t>& shape, std::uint64_t& elements);

} // namespace tailor::runtime
