// Any bytes as a safetensors file, as a checkpoint of a small program, and as the texts a resume reads.
#include "runtime/artifact/writer.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/manifest.h"
#include "runtime/train/program_identity.h"
#include "runtime/train/safetensors.h"

#include <cstdlib>

using namespace tailor::runtime;

namespace {

std::shared_ptr<const Artifact> small_program() {
  ArtifactSpec spec;
  spec.name = "fuzz";
  spec.producer = "fuzz";
  spec.target = {"cpu", "any", {}};
  spec.schema.num_classes = 2;
  spec.schema.class_names = {"0", "1"};
  spec.groups = {{"net", GroupKind::kNet, true}};
  spec.states = {{"w", 0, DType::kF32, {2}, 0, 8, {}, true}, {"n", 0, DType::kI64, {}, 64, 8, {}, true}};
  spec.memory.state = 128;
  const auto bytes = write_artifact(spec, {});
  if (!bytes.ok()) std::abort();
  return *Artifact::from_bytes(*bytes);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::shared_ptr<const Artifact> program = small_program();
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  if (const auto view = SafetensorsView::parse(bytes); view.ok())
    for (const TensorView& tensor : view->tensors)
      if (tensor.bytes.data() < bytes.data() ||
          tensor.bytes.data() + tensor.bytes.size() > bytes.data() + size)
        __builtin_trap();
  (void)parse_checkpoint(*program, bytes, CheckpointUse::kWeights);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)record_from_json(text);
  (void)Manifest::from_json(text);
  (void)check_program_identity(program->spec(), text);
  return 0;
}
