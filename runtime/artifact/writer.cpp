#include "runtime/artifact/writer.h"

#include "runtime/artifact/layout.h"
#include "runtime/artifact/reader.h"
#include "runtime/artifact/tailor_generated.h"
#include "runtime/base/file.h"

#define XXH_INLINE_ALL
#include <bit>
#include <cstring>
#include <xxhash.h>

namespace tailor::runtime {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

namespace fb = tailor::format;
using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

/// FlatBuffers 2.0 corrupts silently past 2 GiB; metadata is far below this.
constexpr std::size_t kMaxMetadataBytes = std::size_t{1} << 30;

template <class To, class From> To enum_cast(From value) {
  return static_cast<To>(value);
}

/// Absent strings read back as empty, so empty ones are not stored.
Offset<flatbuffers::String> text(FlatBufferBuilder& b, const std::string& value) {
  return value.empty() ? Offset<flatbuffers::String>() : b.CreateString(value);
}

template <class Records, class Make>
auto table_vector(FlatBufferBuilder& b, const Records& records, Make make) {
  using Table = decltype(make(records.front()));
  std::vector<Table> offsets;
  offsets.reserve(records.size());
  for (const auto& record : records)
    offsets.push_back(make(record));
  return b.CreateVector(offsets);
}

auto strings(FlatBufferBuilder& b, const std::vector<std::string>& values) {
  return table_vector(b, values, [&](const std::string& value) { return b.CreateString(value); });
}

fb::Operand pack(const Operand& operand) {
  return fb::Operand(enum_cast<fb::Space>(operand.space), enum_cast<fb::Access>(operand.access),
                     enum_cast<fb::DType>(operand.dtype), operand.result, operand.op_id, operand.offset,
                     operand.bytes, operand.chunk_stride);
}

Offset<fb::ConvPlan> pack(FlatBufferBuilder& b, const ConvPlan& plan) {
  const auto axes = [&](const std::array<std::int64_t, 2>& sizes) {
    return b.CreateVector(sizes.data(), sizes.size());
  };
  const auto image = axes(plan.image), output = axes(plan.output), kernel = axes(plan.kernel),
             strides = axes(plan.strides), low = axes(plan.padding_low), high = axes(plan.padding_high),
             dilation = axes(plan.dilation);
  return fb::CreateConvPlan(b, enum_cast<fb::ConvProduct>(plan.product), enum_cast<fb::DType>(plan.dtype),
                            plan.images, plan.channels, plan.outputs, plan.groups, image, output, kernel,
                            strides, low, high, dilation);
}

Offset<fb::Target> pack(FlatBufferBuilder& b, const Target& target) {
  const auto backend = b.CreateString(target.backend);
  const auto name = b.CreateString(target.name);
  return fb::CreateTarget(b, backend, name, strings(b, target.features));
}

Offset<fb::DataSchema> pack(FlatBufferBuilder& b, const DataSchema& schema) {
  const auto columns = table_vector(b, schema.columns, [&](const Column& column) {
    return fb::CreateColumn(b, b.CreateString(column.name), column.position,
                            enum_cast<fb::ColumnRole>(column.role), column.capacity, column.missing_flag,
                            text(b, column.sign), static_cast<std::uint8_t>(column.date_form),
                            column.date_features, column.orders_rows);
  });
  const auto class_names = strings(b, schema.class_names);
  const auto label_strip = text(b, schema.label_strip);
  const auto missing = text(b, schema.missing);
  const auto numeric = text(b, schema.numeric);
  const auto decimal = text(b, std::string(1, schema.number_format.decimal));
  const char thousands_sign = schema.number_format.thousands;
  const auto thousands = text(b, thousands_sign == 0 ? std::string() : std::string(1, thousands_sign));
  const auto missing_markers = strings(b, schema.missing_markers);
  const auto mean = b.CreateVector(schema.image_mean);
  const auto deviation = b.CreateVector(schema.image_deviation);
  return fb::CreateDataSchema(b, columns, schema.named, schema.num_classes, class_names,
                              schema.positive_class, label_strip, missing, numeric, schema.image_height,
                              schema.image_width, schema.image_channels, decimal, thousands, missing_markers,
                              mean, deviation);
}

Offset<fb::Command> pack(FlatBufferBuilder& b, const Command& command) {
  std::vector<fb::Operand> places;
  places.reserve(command.operands.size());
  for (const Operand& operand : command.operands)
    places.push_back(pack(operand));
  const auto operands = b.CreateVectorOfStructs(places);
  const auto sizes = b.CreateVector(command.sizes);
  const auto ops = b.CreateVector(command.ops);
  return fb::CreateCommand(b, enum_cast<fb::CommandKind>(command.kind), operands, command.kernel,
                           command.plan, sizes, command.num_units, command.num_chunks, command.fill_word,
                           command.count, command.body_length, ops, command.flops, command.bytes_moved);
}

Offset<fb::LaunchShape> pack(FlatBufferBuilder& b, const LaunchShape& shape) {
  std::vector<fb::KernelOperand> operands;
  operands.reserve(shape.operands.size());
  for (const KernelOperand& operand : shape.operands)
    operands.emplace_back(operand.bytes, enum_cast<fb::Access>(operand.access));
  const auto sizes = b.CreateVector(shape.sizes);
  return fb::CreateLaunchShape(b, sizes, shape.num_units, b.CreateVectorOfStructs(operands));
}

Offset<fb::Variant> pack(FlatBufferBuilder& b, const Variant& variant) {
  const auto fields = table_vector(b, variant.slot_fields, [&](const SlotField& field) {
    const auto name = b.CreateString(field.name);
    return fb::CreateSlotField(b, name, enum_cast<fb::DType>(field.dtype), b.CreateVector(field.shape),
                               field.offset, field.bytes);
  });
  const auto outputs = table_vector(b, variant.outputs, [&](const Output& output) {
    const auto name = b.CreateString(output.name);
    const auto shape = b.CreateVector(output.shape);
    const fb::Operand place = pack(output.place);
    return fb::CreateOutput(b, name, enum_cast<fb::DType>(output.dtype), shape, &place);
  });
  const auto metrics = b.CreateVector(variant.metrics);
  const auto commands =
      table_vector(b, variant.commands, [&](const Command& command) { return pack(b, command); });
  const auto symbol = text(b, variant.symbol);
  return fb::CreateVariant(b, variant.batch, fields, outputs, metrics, commands, symbol);
}

Offset<fb::Stage> pack(FlatBufferBuilder& b, const Stage& stage) {
  const auto name = b.CreateString(stage.name);
  std::vector<fb::GroupCopy> pairs;
  for (const GroupCopy& copy : stage.copies)
    pairs.emplace_back(copy.from, copy.to);
  const auto copies = b.CreateVectorOfStructs(pairs);
  const auto initialised = b.CreateVector(stage.initialised_groups);
  return fb::CreateStage(b, name, stage.step_entry, stage.fit_entry, stage.eval_entry, stage.continues,
                         copies, initialised);
}

struct PlacedSection {
  std::uint64_t offset, size, checksum;
};

Offset<fb::Artifact> pack(FlatBufferBuilder& b, const ArtifactSpec& spec,
                          const std::vector<RawSection>& sections, const std::vector<PlacedSection>& places) {
  const auto name = b.CreateString(spec.name);
  const auto producer = b.CreateString(spec.producer);
  const auto source_name = text(b, spec.source_name);
  const auto source_text = text(b, spec.source_text);
  const auto target = pack(b, spec.target);
  const auto options = b.CreateString(spec.options.to_json());
  const auto schema = pack(b, spec.schema);
  const auto groups = table_vector(b, spec.groups, [&](const StateGroup& group) {
    return fb::CreateStateGroup(b, b.CreateString(group.name), enum_cast<fb::GroupKind>(group.kind),
                                group.trainable);
  });
  const auto states = table_vector(b, spec.states, [&](const State& state) {
    const auto state_name = b.CreateString(state.name);
    return fb::CreateState(b, state_name, state.group, enum_cast<fb::DType>(state.dtype),
                           b.CreateVector(state.shape), state.offset, state.bytes,
                           enum_cast<fb::InitKind>(state.init.kind), state.init.value,
                           state.init.source_state, state.decayed);
  });
  const auto control = table_vector(b, spec.control, [&](const ControlField& field) {
    const auto field_name = b.CreateString(field.name);
    return fb::CreateControlField(b, field_name, enum_cast<fb::DType>(field.dtype), field.count, field.offset,
                                  enum_cast<fb::FieldWriter>(field.writer),
                                  enum_cast<fb::FieldBinding>(field.binding), text(b, field.key), field.value,
                                  text(b, field.options_prefix));
  });
  const auto metrics = table_vector(b, spec.metrics, [&](const MetricField& field) {
    return fb::CreateMetricField(b, b.CreateString(field.name), enum_cast<fb::DType>(field.dtype),
                                 field.count, field.offset);
  });
  const auto entries = table_vector(b, spec.entries, [&](const Entry& entry) {
    const auto entry_name = b.CreateString(entry.name);
    const auto variants =
        table_vector(b, entry.variants, [&](const Variant& variant) { return pack(b, variant); });
    return fb::CreateEntry(b, entry_name, enum_cast<fb::EntryKind>(entry.kind), variants,
                           entry.learning_rate);
  });
  const auto kernels = table_vector(b, spec.kernels, [&](const Kernel& kernel) {
    const auto kernel_name = b.CreateString(kernel.name);
    const auto family = text(b, kernel.family);
    const auto ops = b.CreateVector(kernel.ops);
    const auto shapes =
        table_vector(b, kernel.shapes, [&](const LaunchShape& shape) { return pack(b, shape); });
    return fb::CreateKernel(b, kernel_name, kernel.code_offset, kernel.code_bytes, kernel.scratch_bytes,
                            family, ops, shapes, kernel.vector_bits, kernel.blocks, kernel.threads,
                            kernel.resident, kernel.shared_bytes,
                            enum_cast<fb::TensorCores>(kernel.tensor_cores));
  });
  const auto plans = table_vector(b, spec.library_plans, [&](const LibraryPlan& plan) {
    const auto library = b.CreateString(plan.library);
    const auto version = text(b, plan.version);
    const auto bytes = b.CreateVector(plan.plan);
    return fb::CreateLibraryPlan(b, library, version, bytes, pack(b, plan.convolution), plan.engine,
                                 plan.workspace_bytes);
  });
  const auto stages = table_vector(b, spec.stages, [&](const Stage& stage) { return pack(b, stage); });
  const auto memory_plan = table_vector(b, spec.memory_plan, [&](const PlannedBuffer& buffer) {
    return fb::CreatePlannedBuffer(b, b.CreateString(buffer.name), enum_cast<fb::Space>(buffer.space),
                                   buffer.offset, buffer.bytes, buffer.entry, buffer.variant,
                                   buffer.first_command, buffer.last_command);
  });
  const auto ops = table_vector(b, spec.ops, [&](const OpRecord& op) {
    const auto op_name = b.CreateSharedString(op.name);
    const auto location =
        op.location.empty() ? Offset<flatbuffers::String>() : b.CreateSharedString(op.location);
    return fb::CreateOpRecord(b, op.id, op_name, location, op.vjp_of, text(b, op.removed));
  });
  const auto remarks = table_vector(b, spec.remarks, [&](const Remark& remark) {
    const auto pass = text(b, remark.pass);
    const auto reason = text(b, remark.reason);
    const auto message = text(b, remark.message);
    const auto location = text(b, remark.location);
    return fb::CreateRemark(b, enum_cast<fb::RemarkKind>(remark.kind), pass, reason, message, location,
                            b.CreateVector(remark.ops), remark.bytes_saved);
  });
  std::vector<Offset<fb::Section>> section_tables;
  for (std::size_t i = 0; i < sections.size(); ++i)
    section_tables.push_back(fb::CreateSection(b, b.CreateString(sections[i].name), places[i].offset,
                                               places[i].size, places[i].checksum));
  const auto section_vector = b.CreateVector(section_tables);
  const auto compile_flags = strings(b, spec.compile_flags);
  const fb::MemorySizes memory(spec.memory.state, spec.memory.arena, spec.memory.control,
                               spec.memory.control_host, spec.memory.metrics, spec.memory.slot);
  return fb::CreateArtifact(b, name, producer, source_name, source_text, target, options, schema, groups,
                            states, control, metrics, entries, kernels, plans, &memory, stages, memory_plan,
                            ops, remarks, section_vector, spec.meaning, spec.random_version, compile_flags);
}

/// A floor of what the metadata will take, to refuse before the builder could overflow.
std::uint64_t estimate_bytes(const ArtifactSpec& spec) {
  std::uint64_t bytes = spec.source_text.size();
  for (const Entry& entry : spec.entries)
    for (const Variant& variant : entry.variants)
      for (const Command& command : variant.commands)
        bytes += 64 + command.operands.size() * sizeof(fb::Operand) + command.sizes.size() * 8;
  for (const Kernel& kernel : spec.kernels)
    for (const LaunchShape& shape : kernel.shapes)
      bytes += 32 + shape.operands.size() * sizeof(fb::KernelOperand) + shape.sizes.size() * 8;
  for (const LibraryPlan& plan : spec.library_plans)
    bytes += sizeof(LibraryPlan) + plan.plan.size();
  return bytes + (spec.ops.size() + spec.remarks.size() + spec.states.size()) * 64;
}

std::uint64_t section_bytes(const std::vector<RawSection>& sections, std::string_view name) {
  for (const RawSection& section : sections)
    if (section.name == name) return section.bytes.size();
  return 0;
}

} // namespace

Result<std::vector<std::byte>> write_artifact(const ArtifactSpec& spec,
                                              const std::vector<RawSection>& sections) {
  TAILOR_RETURN_IF_ERROR(
      verify_spec(spec, section_bytes(sections, kCodeSection), section_bytes(sections, kConstantSection)),
      concat("writing artifact '", spec.name, "'"));
  for (std::size_t i = 0; i < sections.size(); ++i)
    for (std::size_t other = 0; other < i; ++other)
      if (sections[i].name == sections[other].name)
        return invalid_argument("two sections are named '", sections[i].name, "'");
  if (estimate_bytes(spec) > kMaxMetadataBytes / 2)
    return resource_exhausted("the metadata of '", spec.name, "' would pass 1 GiB");

  // The offsets of the sections depend on the size of the metadata, which does not depend on their values
  // except that zero fields are left out: build once with placeholders of the same shape, then with the true
  // offsets.
  std::vector<PlacedSection> places;
  for (const RawSection& section : sections)
    places.push_back(
        {~std::uint64_t{0}, section.bytes.size(), XXH3_64bits(section.bytes.data(), section.bytes.size())});
  FlatBufferBuilder builder(1 << 16);
  fb::FinishArtifactBuffer(builder, pack(builder, spec, sections, places));
  std::uint64_t end = sizeof(FileHeader) + builder.GetSize();
  for (PlacedSection& place : places) {
    place.offset = align_up(end, kPageBytes);
    end = place.offset + place.size;
  }
  builder.Clear();
  fb::FinishArtifactBuffer(builder, pack(builder, spec, sections, places));
  const std::uint64_t metadata_bytes = builder.GetSize();
  const std::uint64_t metadata_end = sizeof(FileHeader) + metadata_bytes;
  if (metadata_bytes > kMaxMetadataBytes || (!places.empty() && places.front().offset < metadata_end))
    return internal_error("the metadata of '", spec.name, "' changed size between two builds");

  std::vector<std::byte> file(places.empty() ? metadata_end : end);
  std::memcpy(file.data() + sizeof(FileHeader), builder.GetBufferPointer(), metadata_bytes);
  for (std::size_t i = 0; i < sections.size(); ++i)
    std::copy(sections[i].bytes.begin(), sections[i].bytes.end(),
              file.begin() + static_cast<std::ptrdiff_t>(places[i].offset));
  FileHeader header{};
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.format_version = kFormatVersion;
  header.header_bytes = sizeof(FileHeader);
  header.file_bytes = file.size();
  header.metadata_bytes = metadata_bytes;
  header.metadata_checksum = XXH3_64bits(builder.GetBufferPointer(), metadata_bytes);
  header.header_checksum = XXH3_64bits(&header, offsetof(FileHeader, header_checksum));
  std::memcpy(file.data(), &header, sizeof(header));
  return file;
}

Status write_artifact_file(const ArtifactSpec& spec, const std::vector<RawSection>& sections,
                           const std::string& path) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::vector<std::byte> bytes, write_artifact(spec, sections));
  const std::span<const std::byte> parts[] = {bytes};
  return write_file_atomic(path, parts);
}

} // namespace tailor::runtime
