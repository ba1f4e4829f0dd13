// CIFAR-10 and CIFAR-100 in their binary version (Krizhevsky 2009).
#include "runtime/base/data_path.h"
#include "runtime/base/file.h"
#include "runtime/data/key_error.h"
#include "runtime/data/source.h"
#include "runtime/options/image_keys.h"
#include "runtime/options/split_keys.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <span>
#include <sstream>

namespace tailor::runtime {

/// Which of the two labels of a CIFAR-100 record is the class.
enum class CifarLabel { kFine, kCoarse };
template <> struct Words<CifarLabel> {
  static constexpr std::pair<CifarLabel, const char*> kAll[] = {{CifarLabel::kFine, "fine"},
                                                                {CifarLabel::kCoarse, "coarse"}};
};

namespace {

constexpr std::int32_t kSide = 32, kChannels = 3;
constexpr std::size_t kPlane = std::size_t{kSide} * kSide, kPixels = kPlane * kChannels;

struct CifarKeys {
  std::string folder;
  std::vector<std::string> train, val, test;
  CifarLabel label = CifarLabel::kFine;

  static const KeySet<CifarKeys>& keys() {
    static const KeySet<CifarKeys> set{
        "data.cifar.",
        {key("folder", &CifarKeys::folder,
             {.text = "folder of the unpacked binary version, seen from the recipe or from `--data FOLDER`",
              .source = "",
              .type = KeyType::kPath,
              .unset = true}),
         key("train", &CifarKeys::train,
             {.text = "its files of training images; default: the five batches of CIFAR-10, train.bin of "
                      "CIFAR-100",
              .unset = true}),
         key("val", &CifarKeys::val,
             {.text = concat(
                  "its files of validation images; default: none, or a share of the training images by ",
                  key_name(&SplitKeys::val)),
              .unset = true}),
         key("test", &CifarKeys::test,
             {.text = "its files of test images; default: test_batch.bin of CIFAR-10, test.bin of CIFAR-100",
              .unset = true}),
         key("label", &CifarKeys::label,
             {.stage = kCompiled, .text = "class of a CIFAR-100 image: one of 100, or of 20 above them"})}};
    return set;
  }
};

/// What tells the two sets apart.
struct CifarFormat {
  std::string_view name;
  std::size_t num_labels;           ///< bytes ahead of the pixels
  std::size_t label;                ///< which of them is the class
  std::vector<std::string> classes; ///< in class order
  std::vector<std::string> train, test;
  std::vector<double> mean, deviation; ///< of each channel, of pixels in [0, 1]: methods.md 1.4

  std::size_t record_bytes() const { return num_labels + kPixels; }
};

std::vector<std::string> words_in(const char* text) {
  std::istringstream words(text);
  std::vector<std::string> result;
  for (std::string word; words >> word;)
    result.push_back(word);
  return result;
}

CifarFormat cifar10() {
  return {.name = "cifar10",
          .num_labels = 1,
          .label = 0,
          .classes = words_in("airplane automobile bird cat deer dog frog horse ship truck"),
          .train = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                    "data_batch_5.bin"},
          .test = {"test_batch.bin"},
          .mean = {0.4914, 0.4822, 0.4465},
          .deviation = {0.2023, 0.1994, 0.2010}};
}

/// A record has the coarse label, then the fine one.
CifarFormat cifar100(CifarLabel label) {
  const bool fine = label == CifarLabel::kFine;
  return {
      .name = "cifar100",
      .num_labels = 2,
      .label = fine ? std::size_t{1} : std::size_t{0},
      .classes = words_in(
          fine ? "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus "
                 "butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch "
                 "crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house "
                 "kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle "
                 "mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree "
                 "plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark "
                 "shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table "
                 "tank telephone television tiger tractor train trout tulip turtle wardrobe whale "
                 "willow_tree wolf woman worm"
               : "aquatic_mammals fish flowers food_containers fruit_and_vegetables "
                 "household_electrical_devices household_furniture insects large_carnivores "
                 "large_man-made_outdoor_things large_natural_outdoor_scenes "
                 "large_omnivores_and_herbivores medium_mammals non-insect_invertebrates people reptiles "
                 "small_mammals trees vehicles_1 vehicles_2"),
      .train = {"train.bin"},
      .test = {"test.bin"},
      .mean = {0.5071, 0.4867, 0.4408},
      .deviation = {0.2675, 0.2565, 0.2761}};
}

/// Where the images of each split are.
struct CifarParts {
  std::vector<std::string> train, val, test; ///< names of files; no `val`: a share of the training images
  SplitSpec cut{.val = 0, .test = 0};        ///< that share; nothing of it goes to test
};

/// Images [32, 32, 3] of bytes.
class CifarSource final : public DataSource {
public:
  /// `directory`: where a relative `folder` was looked for.
  CifarSource(CifarFormat format, std::string directory, std::string folder, CifarParts parts)
      : format_(std::move(format)), directory_(std::move(directory)), folder_(std::move(folder)),
        parts_(std::move(parts)) {}

  Result<DataSchema> schema(SchemaNotes*) const override {
    DataSchema schema;
    schema.image_height = schema.image_width = kSide;
    schema.image_channels = kChannels;
    schema.image_mean = format_.mean;
    schema.image_deviation = format_.deviation;
    schema.num_classes = static_cast<std::int32_t>(format_.classes.size());
    schema.class_names = format_.classes;
    return schema;
  }

  Result<SourceRows> read(const DataSchema& schema, std::uint64_t run_seed) const override {
    TAILOR_RETURN_IF_ERROR_AS_IS(check(schema));
    TAILOR_RETURN_IF_ERROR_AS_IS(check_files());
    SourceRows rows;
    TAILOR_ASSIGN_OR_RETURN_AS_IS(rows.train, read_part(parts_.train, schema));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(rows.test, read_part(parts_.test, schema));
    rows.own_test = true;
    if (!parts_.val.empty()) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(rows.val, read_part(parts_.val, schema));
      rows.own_val = true;
    }
    rows.rows = {all_rows(rows.train.num_rows), all_rows(rows.val.num_rows), all_rows(rows.test.num_rows)};
    if (parts_.cut.val > 0) {
      SplitSpec cut = parts_.cut;
      if (cut.val_follows_run) cut.val_seed = run_seed;
      TAILOR_ASSIGN_OR_RETURN(SplitRows split, split_stratified(rows.train.label, schema.num_classes, cut),
                              "splitting the training images");
      rows.rows.train = std::move(split.train);
      rows.rows.val = std::move(split.val);
    }
    return rows;
  }

  Result<RawTable> read_file(const std::string& path, const DataSchema& schema,
                             bool need_label) const override {
    TAILOR_RETURN_IF_ERROR_AS_IS(check(schema));
    TAILOR_ASSIGN_OR_RETURN_AS_IS(RawTable table, read_images({path}, path, schema));
    if (!need_label) table.label.clear();
    return table;
  }

  ValidationRows validation() const override {
    if (!parts_.val.empty()) return ValidationRows::kOwn;
    return parts_.cut.val > 0 ? ValidationRows::kCut : ValidationRows::kNone;
  }

  bool follows_run_seed() const override { return parts_.cut.val > 0 && parts_.cut.val_follows_run; }

  std::vector<std::pair<std::string, std::string>> files() const override {
    std::vector<std::pair<std::string, std::string>> files;
    const auto add = [&](const char* what, const std::vector<std::string>& names) {
      for (const std::string& name : names)
        files.emplace_back(what, join_path(folder_, name));
    };
    add("training images", parts_.train);
    add("validation images", parts_.val);
    add("test images", parts_.test);
    return files;
  }

private:
  Status check(const DataSchema& schema) const {
    if (schema.image_height != kSide || schema.image_width != kSide || schema.image_channels != kChannels ||
        schema.class_names != format_.classes || schema.image_mean.empty())
      return incompatible("the program was compiled for images of ", schema.image_height, " x ",
                          schema.image_width, " x ", schema.image_channels, " in ", schema.num_classes,
                          " classes", schema.image_mean.empty() ? ", of no bytes, " : ", ", format_.name,
                          " has 32 x 32 x 3 in ", format_.classes.size());
    return {};
  }

  /// Every missing file in one message.
  Status check_files() const {
    std::string missing;
    std::error_code ignored;
    for (const auto& [what, path] : files())
      if (!file_exists(path))
        missing += concat(missing.empty() ? "" : ", ", "'", path, "'",
                          std::filesystem::is_symlink(path, ignored) ? " (a link that leads nowhere)" : "");
    if (missing.empty()) return {};
    const Status status = not_found("no such file: ", missing).about(key_name(&CifarKeys::folder));
    const std::string& folder_key = key_name(&CifarKeys::folder);
    if (!directory_.empty() && file_exists(join_path(directory_, parts_.train.front())))
      return Status(status).with_hint(concat("'", directory_, "' holds them itself, and ", folder_key,
                                             " is looked for in it: give --data its parent folder, or --set ",
                                             folder_key, "=", std::filesystem::absolute(directory_).string(),
                                             " in place of --data"));
    return Status(status).with_hint(concat("--data FOLDER names the folder that ", folder_key, " lies in; ",
                                           key_name(&CifarKeys::train), ", val and test name other files"));
  }

  Result<RawTable> read_part(const std::vector<std::string>& names, const DataSchema& schema) const {
    std::vector<std::string> paths;
    for (const std::string& name : names)
      paths.push_back(join_path(folder_, name));
    return read_images(paths, paths.size() == 1 ? paths[0] : folder_, schema);
  }

  Result<RawTable> read_images(const std::vector<std::string>& paths, const std::string& name,
                               const DataSchema& schema) const {
    std::vector<std::size_t> sizes; // first, so that no more than one file is held beside the images
    RawTable table;
    table.path = name;
    for (const std::string& path : paths) {
      std::error_code error;
      const std::uintmax_t bytes = std::filesystem::file_size(path, error);
      if (error) return not_found("cannot read '", path, "': ", error.message());
      sizes.push_back(static_cast<std::size_t>(bytes));
      TAILOR_RETURN_IF_ERROR_AS_IS(check_size(path, sizes.back()));
      table.num_rows += static_cast<std::int64_t>(sizes.back() / format_.record_bytes());
    }
    const std::vector<InputColumn> inputs = schema.inputs();
    const auto image = std::find_if(inputs.begin(), inputs.end(), [](const InputColumn& input) {
      return input.name == input_names::kImage;
    });
    DataColumn& images = table.columns.emplace_back(*image, table.num_rows);
    table.label.reserve(static_cast<std::size_t>(table.num_rows));
    std::byte* to = std::as_writable_bytes(images.values<std::uint8_t>()).data();
    for (std::size_t i = 0; i < paths.size(); ++i) {
      TAILOR_ASSIGN_OR_RETURN_AS_IS(const std::vector<std::byte> file, read_bytes(paths[i]));
      if (file.size() != sizes[i])
        return invalid_argument("'", paths[i], "' has ", file.size(), " bytes and had ", sizes[i],
                                " a moment ago: it is being written");
      const std::size_t records = file.size() / format_.record_bytes();
      for (std::size_t record = 0; record < records; ++record, to += kPixels) {
        const std::byte* from = file.data() + record * format_.record_bytes();
        const auto label = std::to_integer<std::int32_t>(from[format_.label]);
        if (label >= schema.num_classes)
          return invalid_argument("record ", record, " of '", paths[i], "': label ", label,
                                  ", expected 0 to ", schema.num_classes - 1);
        table.label.push_back(label);
        put_image(from + format_.num_labels, to);
      }
    }
    return table;
  }

  Status check_size(const std::string& path, std::size_t bytes) const {
    const std::size_t record = format_.record_bytes();
    if (bytes == 0) return invalid_argument("'", path, "' is empty, expected records of ", record, " bytes");
    if (bytes % record == 0) return {};
    return invalid_argument("'", path, "' ends in a record of ", bytes % record, " bytes, behind ",
                            bytes / record, " of the ", record, " bytes that ", format_.name, " has")
        .with_hint("the file is cut short, packed, or of another set: records of cifar10 have 3073 bytes, of "
                   "cifar100 3074");
  }

  /// Planes of red, green and blue become [H, W, C].
  static void put_image(const std::byte* planes, std::byte* to) {
    for (std::size_t i = 0; i < kPlane; ++i)
      for (std::size_t c = 0; c < kChannels; ++c)
        *to++ = planes[c * kPlane + i];
  }

  CifarFormat format_;
  std::string directory_; ///< where a relative folder was looked for
  std::string folder_;
  CifarParts parts_;
};

/// What a recipe gives for each channel, or for all of them, instead of the published numbers.
Status replace(std::vector<double>& published, const std::vector<double>& given, const std::string& key) {
  if (given.empty()) return {};
  if (given.size() != 1 && given.size() != published.size())
    return wrong(key, " has ", given.size(), " numbers, the images have ", published.size(), " channels");
  if (given.size() == 1)
    published.assign(published.size(), given.front());
  else
    published = given;
  return {};
}

/// The share of the training images that validates; none unless a recipe asks for it, since published numbers are of all
/// of them.
Status read_share(const Options& options, CifarParts& parts) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const SplitKeys split, read_keys<SplitKeys>(options));
  const std::string& key = key_name(&SplitKeys::val);
  if (split.by != SplitBy::kStratified)
    return wrong(key_name(&SplitKeys::by), " = \"", word_of(split.by),
                 "\": images are split \"stratified\", by ", key, ", or by files, with ",
                 key_name(&CifarKeys::val));
  for (const std::string& unread : {key_name(&SplitKeys::test), key_name(&SplitKeys::seed)})
    if (!is_default(options, unread))
      return wrong(unread, " has no effect: test images are files of their own, by ",
                   key_name(&CifarKeys::test));
  if (!split.val || *split.val == 0) return {};
  if (!parts.val.empty())
    return wrong(key, " = ", *split.val, ", and ", key_name(&CifarKeys::val),
                 " names files of validation images: expected one of the two");
  parts.cut.val = *split.val;
  read_seed(split.val_seed, parts.cut.val_seed, parts.cut.val_follows_run);
  return {};
}

Result<std::shared_ptr<const DataSource>> make(const SourceRequest& request, const CifarKeys& keys,
                                               CifarFormat format) {
  TAILOR_ASSIGN_OR_RETURN_AS_IS(const ImageKeys image, read_keys<ImageKeys>(request.options));
  TAILOR_RETURN_IF_ERROR_AS_IS(replace(format.mean, image.mean, key_name(&ImageKeys::mean)));
  TAILOR_RETURN_IF_ERROR_AS_IS(replace(format.deviation, image.deviation, key_name(&ImageKeys::deviation)));
  if (keys.folder.empty())
    return wrong(key_name(&CifarKeys::folder), " is not set, expected the folder with ", format.train[0]);
  CifarParts parts{.train = keys.train.empty() ? format.train : keys.train,
                   .val = keys.val,
                   .test = keys.test.empty() ? format.test : keys.test};
  TAILOR_RETURN_IF_ERROR_AS_IS(read_share(request.options, parts));
  // Images that are trained on and tested on would pass for learnt.
  std::map<std::string, std::string> key_of;
  const auto add = [&](const std::vector<std::string>& names, const std::string& key) -> Status {
    for (const std::string& name : names)
      if (const auto [found, is_new] = key_of.emplace(std::filesystem::path(name).lexically_normal(), key);
          !is_new)
        return wrong(key, " names '", name, "', and so does ", found->second,
                     ": expected every file in one split, once");
    return {};
  };
  TAILOR_RETURN_IF_ERROR_AS_IS(add(parts.train, key_name(&CifarKeys::train)));
  TAILOR_RETURN_IF_ERROR_AS_IS(add(parts.val, key_name(&CifarKeys::val)));
  TAILOR_RETURN_IF_ERROR_AS_IS(add(parts.test, key_name(&CifarKeys::test)));
  return std::shared_ptr<const DataSource>(std::make_shared<CifarSource>(
      std::move(format), request.directory, locate_data(request.directory, keys.folder), std::move(parts)));
}

std::vector<KeySpec> shared_keys() {
  return {key_spec(&CifarKeys::folder), key_spec(&CifarKeys::train), key_spec(&CifarKeys::val),
          key_spec(&CifarKeys::test),   key_spec(&ImageKeys::mean),  key_spec(&ImageKeys::deviation),
          key_spec(&SplitKeys::by),     key_spec(&SplitKeys::val),   key_spec(&SplitKeys::val_seed)};
}

std::vector<KeySpec> keys_of_cifar100() {
  std::vector<KeySpec> keys = shared_keys();
  keys.push_back(key_spec(&CifarKeys::label));
  return keys;
}

const Registered<SourceSpec> registered10{
    {.name = "cifar10",
     .text = "CIFAR-10 in its binary version: images of 32 x 32 in 10 classes",
     .source = "methods 1.4",
     .keys = shared_keys(),
     .make = [](const SourceRequest& request) -> Result<std::shared_ptr<const DataSource>> {
       TAILOR_ASSIGN_OR_RETURN_AS_IS(const CifarKeys keys, read_keys<CifarKeys>(request.options));
       return make(request, keys, cifar10());
     }}};

const Registered<SourceSpec> registered100{
    {.name = "cifar100",
     .text = "CIFAR-100 in its binary version: images of 32 x 32 in 100 or 20 classes",
     .source = "methods 1.4",
     .keys = keys_of_cifar100(),
     .make = [](const SourceRequest& request) -> Result<std::shared_ptr<const DataSource>> {
       TAILOR_ASSIGN_OR_RETURN_AS_IS(const CifarKeys keys, read_keys<CifarKeys>(request.options));
       return make(request, keys, cifar100(keys.label));
     }}};

} // namespace
} // namespace tailor::runtime
