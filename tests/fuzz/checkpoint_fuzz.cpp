// Any bytes as a safetensors file, as a checkpoint of a small program and as the texts a resume reads: as they are,
// and spliced into the header of a good checkpoint whose checksum is then made right, so that they reach what is
// behind it.
#include "runtime/artifact/writer.h"
#include "runtime/exec/cpu_executor.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/manifest.h"
#include "runtime/train/program_identity.h"
#include "runtime/train/safetensors.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <unistd.h>

using namespace tailor::runtime;

namespace {

template <class T> T must(Result<T> result) {
  if (!result.ok()) std::abort();
  return *std::move(result);
}

std::shared_ptr<const Artifact> small_program() {
  ArtifactSpec spec;
  spec.name = "fuzz";
  spec.producer = "fuzz";
  spec.target = {"cpu", "any", {}};
  spec.schema.columns = {{"x", 0, ColumnRole::kNumeric, 0, false},
                         {"c", 1, ColumnRole::kCategorical, 4, false}};
  spec.schema.num_classes = 2;
  spec.schema.class_names = {"0", "1"};
  spec.groups = {{"net", GroupKind::kNet, true}};
  spec.states = {{"w", 0, DType::kF32, {2}, 0, 8, {}, true}, {"n", 0, DType::kI64, {}, 64, 8, {}, true}};
  spec.control = {{"scale", DType::kF32, 1, 0, FieldWriter::kDevice, FieldBinding::kNone, "", 1}};
  spec.memory.state = 128;
  spec.memory.control = 64;
  Command begin, finish;
  begin.kind = CommandKind::kBeginStep;
  finish.kind = CommandKind::kFinishStep;
  Variant step;
  step.batch = 1;
  step.commands = {begin, finish};
  spec.entries = {{"train_step", EntryKind::kStep, {step}}};
  Stage stage;
  stage.name = "main";
  stage.step_entry = 0;
  spec.stages = {stage};
  return must(Artifact::from_bytes(must(write_artifact(spec, {}))));
}

struct Program {
  std::shared_ptr<const Artifact> artifact = small_program();
  std::vector<std::byte> checkpoint; ///< a good one
  std::size_t header_bytes = 0;      ///< of its JSON

  Program() {
    const std::unique_ptr<CpuExecutor> executor = must(CpuExecutor::create_with_kernels(artifact, {}, {}));
    FittedState fitted;
    fitted.class_names = {"0", "1"};
    fitted.class_counts = {3, 1};
    fitted.vocabularies = {{"a", "b"}};
    fitted.numeric.mean = {0.5};
    fitted.numeric.std = {2};
    const std::string path = (std::filesystem::temp_directory_path() /
                              ("checkpoint_fuzz." + std::to_string(::getpid()) + ".safetensors"))
                                 .string();
    const Checkpoint taken = must(take_checkpoint(*executor, {}, fitted));
    if (!save_checkpoint(*executor, taken, path).ok()) std::abort();
    const std::string text = must(read_file(path));
    std::filesystem::remove(path);
    const auto* first = reinterpret_cast<const std::byte*>(text.data());
    checkpoint.assign(first, first + text.size());
    std::memcpy(&header_bytes, checkpoint.data(), 8);
    if (!parse_checkpoint(*artifact, checkpoint, CheckpointUse::kResume).ok()) std::abort();
  }
};

/// `data`: where in the header (2 bytes), how much of it goes (1 byte), what comes there instead.
std::vector<std::byte> spliced(const Program& program, std::span<const std::byte> data) {
  std::vector<std::byte> file = program.checkpoint;
  if (data.size() < 3) return file;
  const std::size_t at = (static_cast<std::size_t>(data[0]) + 256 * static_cast<std::size_t>(data[1])) %
                         (program.header_bytes + 1);
  const std::size_t gone = std::min(static_cast<std::size_t>(data[2]), program.header_bytes - at);
  const auto place = file.begin() + static_cast<std::ptrdiff_t>(8 + at);
  file.erase(place, place + static_cast<std::ptrdiff_t>(gone));
  file.insert(file.begin() + static_cast<std::ptrdiff_t>(8 + at), data.begin() + 3, data.end());
  const std::uint64_t header_bytes = program.header_bytes - gone + data.size() - 3;
  std::memcpy(file.data(), &header_bytes, 8);

  const auto view = SafetensorsView::parse(file);
  const std::string* stored = view.ok() ? view->find_metadata("tailor.checksum") : nullptr;
  if (!stored) return file;
  const std::string right = checkpoint_checksum(view->metadata, view->data);
  const auto found = std::search(file.begin(), file.end(), stored->begin(), stored->end(),
                                 [](std::byte a, char b) { return static_cast<char>(a) == b; });
  if (stored->size() == right.size() && found != file.end()) std::memcpy(&*found, right.data(), right.size());
  return file;
}

void read(const Program& program, std::span<const std::byte> file) {
  if (const auto view = SafetensorsView::parse(file); view.ok())
    for (const TensorView& tensor : view->tensors)
      if (tensor.bytes.data() < file.data() ||
          tensor.bytes.data() + tensor.bytes.size() > file.data() + file.size())
        __builtin_trap();
  (void)parse_checkpoint(*program.artifact, file, CheckpointUse::kWeights);
  (void)parse_checkpoint(*program.artifact, file, CheckpointUse::kResume);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Program program;
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  read(program, bytes);
  read(program, spliced(program, bytes));
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)record_from_json(text);
  (void)Manifest::from_json(text);
  (void)check_program_identity(program.artifact->spec(), text);
  return 0;
}
