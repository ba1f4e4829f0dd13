#include "runtime/artifact/reader.h"

#include "runtime/artifact/layout.h"
#include "runtime/artifact/tailor_generated.h"
#include "runtime/base/file.h"

#define XXH_INLINE_ALL
#include <algorithm>
#include <cstring>
#include <set>
#include <xxhash.h>

namespace tailor::runtime {
namespace {

namespace fb = tailor::format;

/// Turns stored tables into spec structs. Stops copying, and says so in status(), at an enumerator this
/// version does not know, at options that do not parse, and when tables referred to many times would unpack
/// to far more than was stored.
class Unpacker {
public:
  explicit Unpacker(std::uint64_t stored_bytes) : budget_(64 * stored_bytes + (1 << 20)) {}
  ArtifactSpec unpack(const fb::Artifact& a);
  Status status() && { return std::move(status_); }

private:
  /// Takes `bytes` from the budget; false when it is used up.
  bool spend(std::uint64_t bytes) {
    if (bytes > budget_ && status_.ok())
      status_ = data_loss("damaged metadata: it unpacks to far more than is stored");
    if (!status_.ok()) return false;
    budget_ -= bytes;
    return true;
  }
  std::string text(const flatbuffers::String* value) {
    return value && spend(value->size()) ? value->str() : std::string();
  }
  std::vector<std::string>
  strings(const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* values) {
    std::vector<std::string> out;
    if (!values || !spend(values->size() * sizeof(std::string))) return out;
    out.reserve(values->size());
    for (const flatbuffers::String* value : *values)
      out.push_back(text(value));
    return out;
  }
  // FlatBuffers 2.0 verifies the alignment of a vector's length, not of its elements: they are copied by
  // bytes.
  template <class T> std::vector<T> numbers(const flatbuffers::Vector<T>* values) {
    if (!values || !spend(values->size() * sizeof(T))) return {};
    std::vector<T> out(values->size());
    if (!out.empty()) std::memcpy(out.data(), values->Data(), out.size() * sizeof(T));
    return out;
  }
  template <class To, class From> To enumerator(From value, From max, const char* what) {
    if (value > max && status_.ok())
      status_ = incompatible("unknown ", what, " ", static_cast<int>(value), ": written by a newer compiler");
    return static_cast<To>(value);
  }
  DType dtype(fb::DType value) { return enumerator<DType>(value, fb::DType::MAX, "element type"); }
  Access access(fb::Access value) { return enumerator<Access>(value, fb::Access::MAX, "access"); }
  Space space(fb::Space value) { return enumerator<Space>(value, fb::Space::MAX, "space"); }

  template <class Out, class Vector, class Make> std::vector<Out> each(const Vector* tables, Make make) {
    std::vector<Out> out;
    if (!tables || !spend(tables->size() * sizeof(Out))) return out;
    out.reserve(tables->size());
    for (const auto* table : *tables) {
      if (!status_.ok()) break;
      out.push_back(make(*table));
    }
    return out;
  }

  Operand operand(const fb::Operand& o) {
    return {space(o.space()), access(o.access()), dtype(o.dtype()), o.result(),
            o.op_id(),        o.offset(),         o.bytes(),        o.chunk_stride()};
  }
  std::array<std::int64_t, 2> axes(const flatbuffers::Vector<std::int64_t>* values) {
    const std::vector<std::int64_t> all = numbers(values);
    if (all.size() != 2) {
      if (status_.ok()) status_ = data_loss("damaged metadata: ", all.size(), " sizes of an image");
      return {};
    }
    return {all[0], all[1]};
  }
  ConvPlan conv_plan(const fb::ConvPlan* p) {
    if (!p) {
      if (status_.ok()) status_ = incompatible("a library plan of something else than a convolution");
      return {};
    }
    ConvPlan out;
    out.product = enumerator<ConvProduct>(p->product(), fb::ConvProduct::MAX, "product");
    out.dtype = dtype(p->dtype());
    out.images = p->images(), out.channels = p->channels(), out.outputs = p->outputs();
    out.groups = p->groups();
    out.image = axes(p->image()), out.output = axes(p->output()), out.kernel = axes(p->kernel());
    out.strides = axes(p->strides()), out.dilation = axes(p->dilation());
    out.padding_low = axes(p->padding_low()), out.padding_high = axes(p->padding_high());
    return out;
  }
  template <class Struct> std::vector<Struct> structs(const flatbuffers::Vector<const Struct*>* values) {
    if (!values || !spend(values->size() * sizeof(Struct))) return {};
    std::vector<Struct> out(values->size());
    if (!out.empty())
      std::memcpy(static_cast<void*>(out.data()), values->Data(), out.size() * sizeof(Struct));
    return out;
  }
  DataSchema schema(const fb::DataSchema& s);
  State state(const fb::State& s);
  ControlField control(const fb::ControlField& f);
  Command command(const fb::Command& c);
  Kernel kernel(const fb::Kernel& k);
  Variant variant(const fb::Variant& v);
  Stage stage(const fb::Stage& s);
  Remark remark(const fb::Remark& r);

  Options options(const flatbuffers::String* json, const std::string& owner) {
    Result<Options> parsed = Options::from_json(json && spend(json->size()) ? json->string_view() : "{}");
    if (parsed.ok()) return *std::move(parsed);
    if (status_.ok()) status_ = std::move(parsed).status().with_context(concat("options of ", owner));
    return {};
  }

  std::uint64_t budget_;
  Status status_;
};

DataSchema Unpacker::schema(const fb::DataSchema& s) {
  DataSchema out;
  out.columns = each<Column>(s.columns(), [&](const fb::Column& c) {
    return Column{
        text(c.name()),
        c.position(),
        enumerator<ColumnRole>(c.role(), fb::ColumnRole::MAX, "column role"),
        c.capacity(),
        c.missing_flag(),
        text(c.sign()),
        enumerator<DateForm>(c.date_form(), static_cast<std::uint8_t>(kNumDateForms - 1), "date form"),
        c.date_features(),
        c.orders_rows()};
  });
  out.named = s.named();
  out.num_classes = s.num_classes();
  out.class_names = strings(s.class_names());
  out.positive_class = s.positive_class();
  out.label_strip = text(s.label_strip());
  out.missing = text(s.missing());
  out.numeric = text(s.numeric());
  const auto sign = [&](const flatbuffers::String* string, char otherwise) {
    const std::string read = text(string);
    return read.empty() ? otherwise : read[0];
  };
  out.number_format = {sign(s.decimal(), '.'), sign(s.thousands(), '\0')};
  out.missing_markers = strings(s.missing_markers());
  out.image_height = s.image_height();
  out.image_width = s.image_width();
  out.image_channels = s.image_channels();
  out.image_mean = numbers(s.image_mean());
  out.image_deviation = numbers(s.image_deviation());
  return out;
}

State Unpacker::state(const fb::State& s) {
  State out;
  out.name = text(s.name());
  out.group = s.group();
  out.dtype = dtype(s.dtype());
  out.shape = numbers(s.shape());
  out.offset = s.offset();
  out.bytes = s.bytes();
  out.init = {enumerator<InitKind>(s.init_kind(), fb::InitKind::MAX, "init rule"), s.init_value(),
              s.init_source()};
  out.decayed = s.decayed();
  return out;
}

ControlField Unpacker::control(const fb::ControlField& f) {
  ControlField out;
  out.name = text(f.name());
  out.dtype = dtype(f.dtype());
  out.count = f.count();
  out.offset = f.offset();
  out.writer = enumerator<FieldWriter>(f.writer(), fb::FieldWriter::MAX, "field writer");
  out.binding = enumerator<FieldBinding>(f.binding(), fb::FieldBinding::MAX, "field binding");
  out.key = text(f.key());
  out.value = f.value();
  out.options_prefix = text(f.options_prefix());
  return out;
}

Command Unpacker::command(const fb::Command& c) {
  Command out;
  out.kind = enumerator<CommandKind>(c.kind(), fb::CommandKind::MAX, "command");
  for (const fb::Operand& stored : structs(c.operands()))
    out.operands.push_back(operand(stored));
  out.kernel = c.kernel();
  out.plan = c.plan();
  out.sizes = numbers(c.sizes());
  out.num_units = c.num_units();
  out.num_chunks = c.num_chunks();
  out.fill_word = c.fill_word();
  out.count = c.count();
  out.body_length = c.body_length();
  out.ops = numbers(c.ops());
  out.flops = c.flops();
  out.bytes_moved = c.bytes_moved();
  return out;
}

Kernel Unpacker::kernel(const fb::Kernel& k) {
  Kernel out;
  out.name = text(k.name());
  out.code_offset = k.code_offset();
  out.code_bytes = k.code_bytes();
  out.scratch_bytes = k.scratch_bytes();
  out.family = text(k.family());
  out.ops = numbers(k.ops());
  out.shapes = each<LaunchShape>(k.shapes(), [&](const fb::LaunchShape& s) {
    LaunchShape shape{numbers(s.sizes()), s.num_units(), {}};
    for (const fb::KernelOperand& stored : structs(s.operands()))
      shape.operands.push_back({stored.bytes(), access(stored.access())});
    return shape;
  });
  out.vector_bits = k.vector_bits();
  out.blocks = k.blocks();
  out.threads = k.threads();
  out.resident = k.resident();
  out.shared_bytes = k.shared_bytes();
  out.tensor_cores = enumerator<TensorCores>(k.tensor_cores(), fb::TensorCores::MAX, "kind of tensor cores");
  return out;
}

Variant Unpacker::variant(const fb::Variant& v) {
  Variant out;
  out.batch = v.batch();
  out.slot_fields = each<SlotField>(v.slot_fields(), [&](const fb::SlotField& f) {
    return SlotField{text(f.name()), dtype(f.dtype()), numbers(f.shape()), f.offset(), f.bytes()};
  });
  out.outputs = each<Output>(v.outputs(), [&](const fb::Output& o) {
    return Output{text(o.name()), dtype(o.dtype()), numbers(o.shape()), operand(*o.place())};
  });
  out.metrics = numbers(v.metrics());
  out.commands = each<Command>(v.commands(), [&](const fb::Command& c) { return command(c); });
  out.symbol = text(v.symbol());
  return out;
}

Stage Unpacker::stage(const fb::Stage& s) {
  Stage out;
  out.name = text(s.name());
  out.step_entry = s.step_entry();
  out.fit_entry = s.fit_entry();
  out.eval_entry = s.eval_entry();
  out.continues = s.continues();
  for (const fb::GroupCopy& stored : structs(s.copies()))
    out.copies.push_back({stored.from(), stored.to()});
  out.initialised_groups = numbers(s.initialised_groups());
  return out;
}

Remark Unpacker::remark(const fb::Remark& r) {
  Remark out;
  out.kind = enumerator<RemarkKind>(r.kind(), fb::RemarkKind::MAX, "remark kind");
  out.pass = text(r.pass());
  out.reason = text(r.reason());
  out.message = text(r.message());
  out.location = text(r.location());
  out.ops = numbers(r.ops());
  out.bytes_saved = r.bytes_saved();
  return out;
}

ArtifactSpec Unpacker::unpack(const fb::Artifact& a) {
  ArtifactSpec out;
  out.name = text(a.name());
  out.producer = text(a.producer());
  out.source_name = text(a.source_name());
  out.source_text = text(a.source_text());
  out.meaning = a.meaning();
  out.random_version = a.random_version();
  out.compile_flags = strings(a.compile_flags());
  out.target = {text(a.target()->backend()), text(a.target()->name()), strings(a.target()->features())};
  out.options = options(a.options(), "the program");
  out.schema = schema(*a.schema());
  out.groups = each<StateGroup>(a.groups(), [&](const fb::StateGroup& g) {
    return StateGroup{text(g.name()), enumerator<GroupKind>(g.kind(), fb::GroupKind::MAX, "group kind"),
                      g.trainable()};
  });
  out.states = each<State>(a.states(), [&](const fb::State& s) { return state(s); });
  out.control = each<ControlField>(a.control(), [&](const fb::ControlField& f) { return control(f); });
  out.metrics = each<MetricField>(a.metrics(), [&](const fb::MetricField& f) {
    return MetricField{text(f.name()), dtype(f.dtype()), f.count(), f.offset()};
  });
  out.entries = each<Entry>(a.entries(), [&](const fb::Entry& e) {
    return Entry{text(e.name()), enumerator<EntryKind>(e.kind(), fb::EntryKind::MAX, "entry kind"),
                 each<Variant>(e.variants(), [&](const fb::Variant& v) { return variant(v); }),
                 e.learning_rate()};
  });
  out.kernels = each<Kernel>(a.kernels(), [&](const fb::Kernel& k) { return kernel(k); });
  out.library_plans = each<LibraryPlan>(a.library_plans(), [&](const fb::LibraryPlan& p) {
    return LibraryPlan{text(p.library()),          text(p.version()), numbers(p.plan()),
                       conv_plan(p.convolution()), p.engine(),        p.workspace_bytes()};
  });
  const fb::MemorySizes& memory = *a.memory();
  out.memory = {memory.state(),        memory.arena(),   memory.control(),
                memory.control_host(), memory.metrics(), memory.slot()};
  out.stages = each<Stage>(a.stages(), [&](const fb::Stage& s) { return stage(s); });
  out.memory_plan = each<PlannedBuffer>(a.memory_plan(), [&](const fb::PlannedBuffer& b) {
    return PlannedBuffer{text(b.name()), space(b.space()), b.offset(),        b.bytes(),
                         b.entry(),      b.variant(),      b.first_command(), b.last_command()};
  });
  out.ops = each<OpRecord>(a.ops(), [&](const fb::OpRecord& o) {
    return OpRecord{o.id(), text(o.name()), text(o.location()), o.vjp_of(), text(o.removed())};
  });
  out.remarks = each<Remark>(a.remarks(), [&](const fb::Remark& r) { return remark(r); });
  return out;
}

bool all_zero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

Status check_header(const FileHeader& header, std::uint64_t file_bytes) {
  if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0) return data_loss("not a tailor artifact");
  // The version is judged before the checksum: a newer format may lay its header out otherwise.
  if (header.format_version > kFormatVersion)
    return incompatible("format ", header.format_version, " is newer than ", kFormatVersion,
                        ", the newest this runtime reads");
  if (header.format_version != 0 && header.format_version < kOldestFormatVersion)
    return incompatible("format ", header.format_version, " is older than ", kOldestFormatVersion,
                        ", the oldest this runtime reads")
        .with_hint("compile the program again");
  if (header.format_version == 0 || header.header_bytes != sizeof(FileHeader) || header.reserved[0] ||
      header.reserved[1] ||
      header.header_checksum != XXH3_64bits(&header, offsetof(FileHeader, header_checksum)))
    return data_loss("damaged header");
  if (header.file_bytes != file_bytes)
    return data_loss("the file has ", file_bytes, " bytes, ", header.file_bytes, " were written: it is ",
                     file_bytes < header.file_bytes ? "truncated" : "followed by something else");
  if (header.metadata_bytes > file_bytes - sizeof(FileHeader)) return data_loss("damaged header");
  return {};
}

} // namespace

Result<std::shared_ptr<const Artifact>> Artifact::open(const std::string& path) {
  if (path.ends_with(".toml"))
    return invalid_argument("'", path, "' is a recipe, not a compiled program")
        .with_hint(concat("tailor train ", path, ", or tailor compile ", path, " -o P.tailor"));
  if (const std::string program = join_path(path, "program.tailor"); file_exists(program)) // of a run
    return invalid_argument("'", path, "' is a folder, not a compiled program")
        .with_hint("the one in it is " + program);
  TAILOR_ASSIGN_OR_RETURN_AS_IS(std::vector<std::byte> bytes, read_bytes(path));
  std::shared_ptr<Artifact> artifact(new Artifact);
  artifact->path_ = path;
  artifact->bytes_ = std::move(bytes);
  TAILOR_RETURN_IF_ERROR(artifact->load(artifact->bytes_), concat("artifact '", path, "'"));
  return std::shared_ptr<const Artifact>(std::move(artifact));
}

Result<std::shared_ptr<const Artifact>> Artifact::from_bytes(std::vector<std::byte> bytes) {
  std::shared_ptr<Artifact> artifact(new Artifact);
  artifact->bytes_ = std::move(bytes);
  TAILOR_RETURN_IF_ERROR(artifact->load(artifact->bytes_), "artifact in memory");
  return std::shared_ptr<const Artifact>(std::move(artifact));
}

std::span<const std::byte> Artifact::section(std::string_view name) const {
  for (const SectionView& view : sections_)
    if (view.name == name) return view.bytes;
  return {};
}

Status Artifact::load(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(FileHeader)) return data_loss("not a tailor artifact: ", bytes.size(), " bytes");
  FileHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  TAILOR_RETURN_IF_ERROR_AS_IS(check_header(header, bytes.size()));

  const std::span<const std::byte> metadata = bytes.subspan(sizeof(FileHeader), header.metadata_bytes);
  if (XXH3_64bits(metadata.data(), metadata.size()) != header.metadata_checksum)
    return data_loss("damaged metadata: its checksum does not match");
  flatbuffers::Verifier verifier(reinterpret_cast<const std::uint8_t*>(metadata.data()), metadata.size(), 64,
                                 10'000'000);
  if (!fb::VerifyArtifactBuffer(verifier)) return data_loss("damaged metadata: not a well-formed table");
  const fb::Artifact& root = *fb::GetArtifact(metadata.data());

  std::uint64_t end = sizeof(FileHeader) + header.metadata_bytes;
  XXH3_state_t hash;
  XXH3_64bits_reset(&hash);
  XXH3_64bits_update(&hash, &header.metadata_checksum, sizeof(header.metadata_checksum));
  std::set<std::string_view> names;
  const std::uint32_t num_sections = root.sections() ? root.sections()->size() : 0;
  for (std::uint32_t i = 0; i < num_sections; ++i) {
    const fb::Section& section = *root.sections()->Get(i);
    const std::string label = concat("damaged section ", i, " ('", section.name()->string_view(), "')");
    if (!names.insert(section.name()->string_view()).second)
      return data_loss(label, ": there is another of this name");
    if (section.version() != 1)
      return incompatible("section '", section.name()->string_view(), "' has version ", section.version(),
                          ", this runtime reads 1");
    if (section.offset() % kPageBytes != 0 || section.offset() < end || section.offset() > bytes.size() ||
        section.size() > bytes.size() - section.offset() || section.offset() - end >= kPageBytes)
      return data_loss(label, ": bytes ", section.offset(), " + ", section.size(), " do not fit the file");
    if (!all_zero(bytes.subspan(end, section.offset() - end)))
      return data_loss(label, ": padding is not zero");
    const std::span<const std::byte> content = bytes.subspan(section.offset(), section.size());
    const std::uint64_t checksum = XXH3_64bits(content.data(), content.size());
    if (checksum != section.checksum()) return data_loss(label, ": its checksum does not match");
    XXH3_64bits_update(&hash, &checksum, sizeof(checksum));
    sections_.push_back({section.name()->str(), content, checksum});
    end = section.offset() + section.size();
  }
  if (end != bytes.size())
    return data_loss("damaged sections: the last one ends at ", end, " of ", bytes.size());
  identity_ = XXH3_64bits_digest(&hash);

  Unpacker unpacker(header.metadata_bytes);
  spec_ = unpacker.unpack(root);
  TAILOR_RETURN_IF_ERROR_AS_IS(std::move(unpacker).status());
  return verify_spec(spec_, section(kCodeSection).size(), section(kConstantSection).size());
}

} // namespace tailor::runtime
