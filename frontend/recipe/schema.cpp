#include "frontend/recipe/schema.h"

#include <array>
#include <cmath>
#include <limits>
#include <sstream>

#include "frontend/recipe/bases.h"
#include "runtime/base/defaults.h"
#include "runtime/base/status.h"
#include "runtime/metrics/metric_table.h"

namespace tailor::recipe {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kTiny = std::numeric_limits<double>::min(); // "greater than zero"
constexpr double kMaxCount = 2147483647;
constexpr double kMaxBeta = 0.9999999; // the tables are f32: nearer to 1 it would be 1, and log(1) = 0
/// A whole number as the text of a default.
template <int64_t kNumber>
constexpr auto kDigits = [] {
  std::array<char, 20> text{};
  int64_t scale = 1;
  while (kNumber / scale >= 10)
    scale *= 10;
  for (size_t i = 0; scale > 0; scale /= 10)
    text[i++] = static_cast<char>('0' + kNumber / scale % 10);
  return text;
}();
namespace defaults = runtime::defaults;
constexpr auto C = Stage::compile;
constexpr auto R = Stage::run;
constexpr std::string_view kMethods =
    "erm|weighted|logit-adjustment|balanced-softmax|smoothing|sam|sam-a|ema";

constexpr auto kMetricChoices = runtime::metric_choices();

constexpr KeySpec kKeys[] = {
    // [data]
    {"data.format", Type::word, C, "\"csv\"", "csv|two_moons|blobs", 0, 0,
     "a table in csv or csv.gz, or a generated set", "choice"},
    {"data.train", Type::path, R, "", "", 0, 0,
     "training table; the artifact names it as seen from where it was compiled, `--data FOLDER` puts a "
     "folder in front",
     "", "data.format = csv"},
    {"data.val", Type::path, R, "", "", 0, 0, "validation table when data.split.by = \"files\"", "",
     "data.format = csv"},
    {"data.test.file", Type::path, R, "", "", 0, 0, "test table; the short form is test = \"FILE\"", "",
     "data.format = csv"},
    {"data.header", Type::word, C, "\"auto\"", "auto|yes|no", 0, 0,
     "whether the first line names the columns", "choice", "data.format = csv"},
    {"data.separator", Type::text, C, "\"auto\"", "", 0, 0,
     "auto, tab, or the character between cells: one that is no letter, digit, quote or blank", "choice",
     "data.format = csv"},
    {"data.decimal", Type::text, C, "\".\"", "", 0, 0,
     "what stands before the decimals of a number: \".\" or \",\"", "choice", "data.format = csv"},
    {"data.thousands", Type::text, C, "", "", 0, 0,
     "what groups the digits of a number in threes: \",\", \".\", \" \" or \"'\"; default: nothing", "choice",
     "data.format = csv"},
    {"data.number_signs", Type::words, C, "[]", "", 0, 0,
     "currency signs, \"%\" or units beside numbers, taken off; a column has one, and with \"%\" every cell "
     "has it",
     "choice", "data.format = csv"},
    {"data.missing_markers", Type::words, C, "[\"?\", \"NA\", \"nan\", \"NaN\", \"NAN\"]", "", 0, 0,
     "texts that mean no value, beside the empty cell", "choice", "data.format = csv"},
    {"data.label.column", Type::column, C, "-1", "", 0, 0,
     "column of the class label; the short form is label = \"NAME\"", "choice", "data.format = csv"},
    {"data.label.positive", Type::text, C, "", "", 0, 0,
     "label of the positive class (two classes); default: the rarer one", "choice", "data.format = csv"},
    {"data.label.strip", Type::text, C, "", "", 0, 0,
     "suffix removed from every label (\".\" for Adult's test table)", "choice", "data.format = csv"},
    {"data.label.classes", Type::words, C, "", "", 0, 0,
     "class labels in class order; default: sorted, the positive class last", "choice", "data.format = csv"},
    {"data.columns.drop", Type::columns, C, "[]", "", 0, 0, "columns not used", "", "data.format = csv"},
    {"data.columns.categorical", Type::columns, C, "[]", "", 0, 0,
     "columns read as categories; others are inferred", "", "data.format = csv"},
    {"data.columns.numeric", Type::columns, C, "[]", "", 0, 0, "columns read as numbers; others are inferred",
     "", "data.format = csv"},
    {"data.columns.date", Type::columns, C, "[]", "", 0, 0,
     "columns read as dates, of which data.date_features are made; text columns of dates are found without "
     "it; "
     "one may be columns.time too",
     "", "data.format = csv"},
    {"data.date_order", Type::word, C, "\"auto\"", "auto|day_first|month_first", 0, 0,
     "how dates such as 3/4/2021 are read; auto: as the column's other cells show, refused where none does",
     "choice", "data.format = csv"},
    {"data.date_features", Type::words, C, "[\"elapsed\", \"month\", \"day_of_week\", \"hour\"]",
     "elapsed|year|month|day|day_of_week|hour", 0, 0,
     "inputs made of a date: elapsed and year as numbers (not of columns.time: later rows lie beyond), the "
     "others as sine and cosine; hour only where cells have a time of day",
     "choice", "data.format = csv"},
    {"data.columns.time", Type::column, C, "", "", 0, 0,
     "column that orders rows in time; no feature unless it is in columns.date", "", "data.format = csv"},
    {"data.columns.group", Type::column, C, "", "", 0, 0,
     "column whose rows stay in one split (not a feature)", "", "data.format = csv"},
    {"data.columns.id", Type::column, C, "", "", 0, 0,
     "row identifier copied into predictions (not a feature)", "", "data.format = csv"},
    {"data.missing", Type::word, C, "\"error\"", "error|mean|flag", 0, 0,
     "missing numeric cells: refuse, training mean, or mean plus a flag column", "choice",
     "data.format = csv"},
    {"data.numeric", Type::word, C, "\"standard\"", "none|standard|quantile", 0, 0,
     "normalisation of numeric columns, fitted on the training split", "methods 11.1"},
    {"data.split.by", Type::word, R, "\"stratified\"", "stratified|group|time|files", 0, 0,
     "how validation and test rows are held out", "methods 11.1", "data.format = csv"},
    {"data.split.column", Type::column, C, "", "", 0, 0,
     "group or time column; default: data.columns.group or .time", "", "data.split.by = group|time"},
    {"data.split.val", Type::number, R, "", "", 0, 0.9,
     "share of validation rows; default 0.16, or 0.2 of the rest when data.test.file is given",
     "methods 11.1", "data.split.by = stratified|group|time"},
    {"data.split.test", Type::number, R, "0.2", "", 0, 0.9,
     "share of test rows; unused when data.test.file is given", "methods 11.1",
     "data.split.by = stratified|group|time"},
    {"data.split.seed", Type::integer, R, "0", "", 0, kMaxCount, "seed that chooses the test rows",
     "methods 11.1", "data.split.by = stratified|group"},
    {"data.split.val_seed", Type::seed_choice, R, "1", "", 0, kMaxCount,
     "seed that chooses the validation rows among the others; \"run_seed\": every seed of a run validates on "
     "rows of its own, so that the spread over seeds holds that choice too",
     "methods 11.1", "data.split.by = stratified|group"},
    {"data.long_tail.profile", Type::word, R, "", "exp|step|step_at|binary_fixed|binary_step|balanced|pareto",
     0, 0, "count profile cut from the training split; unset keeps the data as they are", "methods 1.1"},
    {"data.long_tail.r", Type::number, R, "1.0", "", kTiny, kInf, "imbalance ratio n_min / n_max",
     "methods 1", "data.long_tail.profile = exp|step|step_at|binary_step|pareto"},
    {"data.long_tail.reversed", Type::boolean, R, "false", "", 0, 0,
     "the last class is the largest; needed for r over 1", "methods 1.2", "data.long_tail.profile"},
    {"data.long_tail.size", Type::word, R, "\"fixed_max\"", "fixed_max|fixed_total|fixed_minority", 0, 0,
     "what stays fixed when r changes", "methods 1.2", "data.long_tail.profile"},
    {"data.long_tail.total", Type::integer, R, "", "", 1, kMaxCount, "rows in all for size = \"fixed_total\"",
     "methods 1.2", "data.long_tail.size = fixed_total"},
    {"data.long_tail.minority", Type::integer, R, "", "", 1, kMaxCount,
     "minority rows for size = \"fixed_minority\"", "methods 1.2", "data.long_tail.size = fixed_minority"},
    {"data.long_tail.minority_count", Type::word, R, "\"total\"", "per_class|total", 0, 0,
     "what data.long_tail.minority counts", "methods C16", "data.long_tail.size = fixed_minority"},
    {"data.long_tail.n_max", Type::integer, R, "0", "", 0, kMaxCount,
     "rows of the largest class; 0: what the data offer", "methods 1.2", "data.long_tail.size = fixed_max"},
    {"data.long_tail.class_order_seed", Type::integer, R, "0", "", 0, kMaxCount,
     "seed of class_order = \"shuffled\"", "methods 1.1", "data.long_tail.class_order = shuffled"},
    {"data.long_tail.step_at", Type::integer, R, "", "", 1, kMaxCount,
     "first rare class of profile step_at; default: 5", "methods 1.1",
     "data.long_tail.profile|data.test.profile = step_at"},
    {"data.long_tail.a", Type::number, R, "", "", 0, 1, "share of class 0 in profile binary_fixed",
     "methods 1.1", "data.long_tail.profile|data.test.profile = binary_fixed"},
    {"data.long_tail.b", Type::number, R, "", "", 0, 1, "share of class 1 in profile binary_fixed",
     "methods 1.1", "data.long_tail.profile|data.test.profile = binary_fixed"},
    {"data.long_tail.alpha", Type::number, R, "6", "", kTiny, kInf, "exponent of profile pareto",
     "methods 1.1", "data.long_tail.profile|data.test.profile = pareto"},
    {"data.long_tail.min_per_class", Type::integer, R, "1", "", 0, kMaxCount, "no class gets fewer rows",
     "methods 1.1", "data.long_tail.profile|data.test.profile"},
    {"data.long_tail.class_order", Type::word, R, "\"index\"", "index|shuffled", 0, 0,
     "which class is the largest", "methods 1.1", "data.long_tail.profile|data.test.profile"},
    {"data.long_tail.subset_seed", Type::seed_choice, R, "0", "", 0, kMaxCount,
     "seed of the rows kept, or \"run_seed\"", "methods 1.1", "data.long_tail.profile|data.test.profile"},
    {"data.test.r", Type::number, R, "1.0", "", kTiny, kInf,
     "imbalance ratio of the test split (only with a profile)", "methods 1.2",
     "data.long_tail.profile|data.test.profile"},
    {"data.test.profile", Type::word, R, "", "exp|step|step_at|binary_fixed|binary_step|balanced|pareto", 0,
     0, "count profile cut from the test split; unset keeps it whole", "methods 1.2"},
    {"data.classes", Type::integer, C, kDigits<defaults::kClasses>.data(), "", 2, 100000,
     "classes of a generated set (two_moons has 2)", "choice", "data.format = blobs|two_moons"},
    {"data.dimensions", Type::integer, C, "2", "", 1, 100000, "dimensions of blobs (two_moons has 2)",
     "choice", "data.format = blobs|two_moons"},
    {"data.samples_per_class", Type::integer, R, kDigits<defaults::kTrainPerClass>.data(), "", 1, 100000000,
     "training rows a class of a generated set, before the profile", "methods 13",
     "data.format = blobs|two_moons"},
    {"data.test_per_class", Type::integer, R, kDigits<defaults::kTestPerClass>.data(), "", 1, 100000000,
     "test rows a class of a generated set", "choice", "data.format = blobs|two_moons"},
    {"data.val_per_class", Type::integer, R, kDigits<defaults::kValPerClass>.data(), "", 1, 100000000,
     "validation rows a class of a generated set", "choice", "data.format = blobs|two_moons"},
    {"data.noise", Type::number, R, "0.15", "", 0, 1000, "standard deviation around the shape of the moons",
     "methods 13", "data.format = two_moons"},
    {"data.separation", Type::number, R, "3.0", "", 0, 1000,
     "distance of blob centres from the origin, in standard deviations", "choice", "data.format = blobs"},
    {"data.seed", Type::integer, R, "0", "", 0, kMaxCount, "seed of a generated set", "choice",
     "data.format = blobs|two_moons"},
    {"data.sampler", Type::word, R, "\"uniform\"",
     "uniform|class_balanced|effective_balanced|sqrt|class_aware", 0, 0, "order in which rows are drawn",
     "methods 3"},
    {"data.sampler_beta", Type::number, R, "0.9999", "", 0, 0.999999999, "beta of sampler effective_balanced",
     "methods 3", "data.sampler = effective_balanced"},
    // [model]
    {"model.name", Type::word, C, "\"mlp\"", "mlp", 0, 0, "network; a program can register its own",
     "methods 11.3"},
    {"model.layers", Type::integers, C, "[64, 64]", "", 1, 65536, "hidden widths of the mlp", "methods 11.3"},
    {"model.activation", Type::word, C, "\"relu\"", "relu|gelu|silu", 0, 0, "activation of the mlp",
     "methods 11.3"},
    {"model.batch_norm", Type::boolean, C, "false", "", 0, 0,
     "batch normalisation before each activation of the mlp", "methods 4.5"},
    {"model.dropout", Type::number, C, "0.0", "", 0, 0.99, "dropout after each activation of the mlp",
     "methods 11.3"},
    {"model.output", Type::word, C, "\"softmax\"", "softmax|sigmoid", 0, 0,
     "K logits, or one logit for two classes", "methods 11.1"},
    // [method]
    {"method.use", Type::words, C, "[\"erm\"]", kMethods, 0, 0, "methods, composed", "methods 2-5"},
    {"method.loss", Type::word, C, "\"cross_entropy\"", "cross_entropy", 0, 0,
     "loss of the logits; a program can register its own", "methods 2"},
    {"method.weighted.table", Type::word, C, "\"inv_max\"", "inv_max|inv_mean|effective|sqrt_inv", 0, 0,
     "class weights w_i of the loss", "methods 2.2"},
    {"method.weighted.beta", Type::number, R, "0.9999", "", 0, kMaxBeta, "beta of table effective",
     "methods 2.2", "method.weighted.table = effective"},
    {"method.weighted.reduction", Type::word, C, "\"weighted_mean\"", "weighted_mean|batch_mean", 0, 0,
     "divide by the sum of weights or by the batch", "methods 2"},
    {"method.logit-adjustment.tau", Type::number, R, "1.0", "", 0, 100,
     "bias tau * log p_i added to the logits in training", "methods 2.5b"},
    {"method.smoothing.eps", Type::number, R, "0.1", "", 0, 1, "label smoothing", "methods 2.5"},
    {"method.smoothing.profile", Type::word, C, "\"uniform\"", "uniform|one_minus_p|eq6_literal|inv_p", 0, 0,
     "eps per class; uniform is the plain form", "methods 2.5, C2"},
    {"method.smoothing.eps_max", Type::number, R, "0.5", "", 0, 1, "clip of eps per class", "methods 2.5"},
    {"method.sam.rho", Type::number, R, "0.05", "", 0, 1000, "radius of the ascent step", "methods 5.1"},
    {"method.sam.adaptive", Type::boolean, C, "false", "", 0, 0, "ASAM: scale the ascent by the weights",
     "methods 5.1"},
    {"method.sam.bn_stats", Type::word, C, "\"first\"", "first|both|second", 0, 0,
     "pass that updates running statistics", "methods 5.1"},
    {"method.sam.same_rng", Type::boolean, C, "false", "", 0, 0, "the second pass reuses the dropout masks",
     "methods 5.1"},
    {"method.sam-a.rho", Type::number, R, "0.05", "", 0, 1000, "radius of the ascent step", "methods 5.2"},
    {"method.sam-a.table", Type::word, C, "\"inv_max\"", "inv_max|inv_p|one_minus_p|eq5_literal|effective", 0,
     0, "class table a_i of the ascent loss", "methods 5.2, C1"},
    {"method.sam-a.beta", Type::number, R, "0.9999", "", 0, kMaxBeta, "beta of table effective",
     "methods 2.2", "method.sam-a.table = effective"},
    {"method.sam-a.radius", Type::word, C, "\"fixed\"", "fixed|batch_mean", 0, 0, "radius rule",
     "methods 5.2"},
    {"method.sam-a.adaptive", Type::boolean, C, "false", "", 0, 0, "ASAM: scale the ascent by the weights",
     "methods 5.1"},
    {"method.sam-a.bn_stats", Type::word, C, "\"first\"", "first|both|second", 0, 0,
     "pass that updates running statistics", "methods 5.1"},
    {"method.sam-a.same_rng", Type::boolean, C, "false", "", 0, 0, "the second pass reuses the dropout masks",
     "methods 5.1"},
    {"method.ema.decay", Type::number, R, "0.999", "", 0, 1, "decay d of the weight average", "methods 4.4"},
    {"method.ema.warmup", Type::boolean, C, "true", "", 0, 0, "d_t = min(d, (1+t)/(10+t))", "methods 4.4"},
    {"method.ema.bn", Type::word, C, "\"avg\"", "avg|copy", 0, 0,
     "batch-norm buffers beside the average: averaged or latest", "methods 4.4"},
    // [optimizer]
    {"optimizer.name", Type::word, C, "\"sgd\"", "sgd|adamw", 0, 0, "update rule", "methods 4.1-4.2"},
    {"optimizer.lr", Type::number, R, "0.1", "", 0, 1e6, "peak learning rate", "methods 4.6"},
    {"optimizer.momentum", Type::number, R, "0.9", "", 0, 1, "momentum of sgd", "methods 4.6",
     "optimizer.name = sgd"},
    {"optimizer.nesterov", Type::boolean, C, "false", "", 0, 0, "Nesterov momentum of sgd", "methods 4.1",
     "optimizer.name = sgd"},
    {"optimizer.weight_decay", Type::number, R, "0.0002", "", 0, 1e3, "weight decay (adamw: decoupled)",
     "methods 4.6"},
    {"optimizer.decay_filter", Type::word, C, "\"all\"", "all|no_norm_bias", 0, 0, "parameters that decay",
     "methods 4.1"},
    {"optimizer.beta1", Type::number, R, "0.9", "", 0, 0.999999, "adamw", "methods 4.2",
     "optimizer.name = adamw"},
    {"optimizer.beta2", Type::number, R, "0.999", "", 0, 0.9999999, "adamw", "methods 4.2",
     "optimizer.name = adamw"},
    {"optimizer.eps", Type::number, R, "1e-8", "", kTiny, 1, "adamw", "methods 4.2",
     "optimizer.name = adamw"},
    // [schedule]
    {"schedule.name", Type::word, R, "\"warmup_cosine\"",
     "constant|warmup_cosine|cosine|step|ldam_step|mislas_step|sam_step", 0, 0,
     "learning rate over epochs; ldam_step and mislas_step drop at 80 and 90 % of the run, sam_step at 30, "
     "60 "
     "and 80 %",
     "methods 4.3"},
    {"schedule.warmup_epochs", Type::integer, R, "", "", 0, 1000000,
     "linear warm-up; default: 5, or half the run where that is less", "methods 4.3",
     "schedule.name = warmup_cosine"},
    {"schedule.per", Type::word, R, "\"epoch\"", "epoch|step", 0, 0, "how often the rate changes",
     "methods 4.3", "schedule.name = warmup_cosine|cosine"},
    {"schedule.milestones", Type::integers, R, "[]", "", 0, kMaxCount,
     "epochs at which step multiplies the rate", "choice", "schedule.name = step"},
    {"schedule.factor", Type::number, R, "0.1", "", 0, 1, "factor of step", "choice", "schedule.name = step"},
    // [run]
    {"run.batch", Type::integer_or_list, C, "64", "", 1, 1048576,
     "batch size; a list puts several sizes in one artifact, the first is the default", "methods 4.6"},
    {"run.eval_batch", Type::integer, C, "256", "", 1, 1048576, "rows per evaluation step", "choice"},
    {"run.epochs", Type::integer, R, kDigits<defaults::kEpochs>.data(), "", 1, kMaxCount,
     "passes over the training split", "methods 4.6"},
    {"run.steps", Type::integer, R, "0", "", 0, kMaxCount,
     "stop after this many steps; 0: run.epochs decides", "choice"},
    {"run.seed", Type::integer, R, "0", "", 0, kMaxCount, "first seed: initialisation, order, dropout",
     "choice"},
    {"run.seeds", Type::integer, R, "1", "", 1, 10000, "number of runs, seeds counted up from run.seed",
     "methods 12"},
    {"run.precision", Type::word, C, "\"f32\"", "f32", 0, 0, "precision of the arithmetic", "choice"},
    {"run.threads", Type::integer, R, "0", "", 0, 1024,
     "compute threads; 0: all cores. Results do not depend on it", "choice"},
    {"run.loader_threads", Type::integer, R, "1", "", 1, 64, "loader threads. Results do not depend on it",
     "choice"},
    {"run.drop_last", Type::boolean, R, "false", "", 0, 0,
     "skip a ragged last batch (it may hold the only minority rows)", "methods 3"},
    {"run.steps_per_launch", Type::integer, R, "8", "", 1, 4096,
     "steps between two looks at metrics and signals", "choice"},
    {"run.log_steps", Type::integer, R, "0", "", 0, kMaxCount,
     "log.jsonl has a line every so many steps with what the step reports; 0: a line an epoch only",
     "choice"},
    {"run.checkpoint_every", Type::integer, R, "0", "", 0, kMaxCount,
     "epochs between checkpoints; 0: at the end of an epoch once ten seconds have passed", "choice"},
    {"run.out", Type::text, R, "", "", 0, 0, "output folder; default: runs/RECIPE-TIME", "choice"},
    {"run.early_stop.on", Type::text, R, "", "", 0, 0,
     "metric watched, as val/balanced_accuracy or val/class_accuracy/NAME; unset: no early stop",
     "methods 11.4"},
    {"run.early_stop.patience", Type::integer, R, "16", "", 1, kMaxCount,
     "epochs without improvement before stopping", "methods 11.4", "run.early_stop.on"},
    {"run.early_stop.mode", Type::word, R, "\"auto\"", "auto|max|min", 0, 0,
     "direction; auto: losses fall, the rest rises", "choice", "run.early_stop.on"},
    {"run.keep.best", Type::text, R, "", "", 0, 0,
     "metric whose best epoch is kept and reported; unset: the last epoch", "methods 14"},
    // [eval]
    {"eval.weights", Type::word, C, "\"auto\"", "auto|raw|ema", 0, 0,
     "weights used by evaluation and prediction; auto: ema when that method is used, else raw",
     "methods 4.4"},
    {"eval.metrics", Type::words, R, "[]", std::string_view(kMetricChoices.data(), kMetricChoices.size()), 0,
     0,
     "metrics shown in the result table; empty: all that are always recorded. Those marked \"on request\" "
     "below are computed only if they stand here or are watched",
     "methods 12"},
    {"eval.groups", Type::text, R, "\"thresholds(20,100)\"", "", 0, 0,
     "class groups: thresholds(few,many) | thirds | head_med_tail(a,b)", "methods 1.3"},
    {"eval.test", Type::word, R, "\"end\"", "end|every_epoch", 0, 0,
     "when the test split is measured; after every epoch invites choosing by it", "choice"},
    {"eval.predict.id", Type::column, C, "", "", 0, 0,
     "identifier column of predictions; default: data.columns.id, else the row number", "choice"},
    {"eval.predict.out", Type::words, R, "[\"probability\", \"decision\"]",
     "probability|decision|logits|features|label", 0, 0, "columns written by predict", "choice"},
};

constexpr ReservedKey kReserved[] = {
    {"data.root", "image data sets"},
    {"data.images", "image folders"},
    {"data.table", "image folders with csv labels"},
    {"augment", "augmentation"},
    {"run.keep.last", "the last checkpoint is always kept: --resume starts from it"},
    {"model.resnet8", "image data sets"},
    {"model.resnet20", "image data sets"},
    {"model.resnet32", "image data sets"},
    {"model.weights", "pretrained weights"},
    {"model.freeze", "freezing layers"},
    {"optimizer.groups", "parameter groups"},
    {"eval.threshold", "choosing a decision threshold"},
    {"eval.deploy_prior", "prior correction"},
    {"eval.baselines", "baselines"},
    {"eval.tta", "test-time augmentation"},
    {"eval.by", "metrics by subgroup"},
    {"method.joint-ssl", "Joint-SSL"},
    {"method.m2m", "M2m"},
    {"method.mislas", "MiSLAS"},
    {"method.ldam", "LDAM"},
    {"method.focal", "focal loss"},
    {"method.drw", "deferred re-weighting"},
    {"method.resampling", "resampling"},
    {"method.smote", "SMOTE"},
};

} // namespace

std::span<const KeySpec> keys() {
  return kKeys;
}

const KeySpec* find_key(std::string_view key) {
  for (const KeySpec& spec : kKeys)
    if (spec.key == key) return &spec;
  return nullptr;
}

std::span<const ReservedKey> reserved_keys() {
  return kReserved;
}

const ReservedKey* find_reserved(std::string_view key) {
  for (const ReservedKey& reserved : kReserved)
    if (key == reserved.prefix || (key.starts_with(reserved.prefix) && key[reserved.prefix.size()] == '.'))
      return &reserved;
  return nullptr;
}

std::vector<std::string> method_names() {
  return split_choices(kMethods);
}

std::string_view name(Type type) {
  switch (type) {
  case Type::boolean:
    return "true or false";
  case Type::integer:
    return "an integer";
  case Type::number:
    return "a number";
  case Type::word:
    return "a word";
  case Type::text:
    return "a string";
  case Type::path:
    return "a path";
  case Type::column:
    return "a column name or index";
  case Type::seed_choice:
    return "an integer or \"run_seed\"";
  case Type::words:
    return "a string or a list of strings";
  case Type::columns:
    return "a column name or index, or a list of them";
  case Type::integers:
    return "an integer or a list of integers";
  case Type::integer_or_list:
    return "an integer or a list of integers";
  }
  return "";
}

std::string_view name(Stage stage) {
  return stage == Stage::compile ? "compile" : "run";
}

std::vector<std::string> split_choices(std::string_view choices) {
  std::vector<std::string> words;
  while (!choices.empty()) {
    size_t end = choices.find('|');
    words.emplace_back(choices.substr(0, end));
    choices = end == std::string_view::npos ? std::string_view() : choices.substr(end + 1);
  }
  return words;
}

std::string number_text(double value) {
  return runtime::concat(value);
}

namespace {

std::string limits_text(const KeySpec& spec) {
  if (spec.min == 0 && spec.max == 0) return {};
  std::string text = spec.min == kTiny ? "> 0" : ">= " + number_text(spec.min);
  if (std::isfinite(spec.max) && spec.max < kMaxCount) text += ", <= " + number_text(spec.max);
  return text;
}

} // namespace

std::string describe() {
  std::ostringstream out;
  std::string_view section;
  for (const KeySpec& spec : kKeys) {
    std::string_view own = spec.key.substr(0, spec.key.find('.'));
    if (own != section) {
      out << (section.empty() ? "" : "\n") << "[" << own << "]\n";
      section = own;
    }
    out << spec.key << " = " << (spec.fallback.empty() ? "(unset)" : spec.fallback) << "\n    "
        << name(spec.type);
    if (!spec.choices.empty()) out << ": " << spec.choices;
    if (std::string limits = limits_text(spec); !limits.empty()) out << " " << limits;
    out << "; " << name(spec.stage) << "\n    " << spec.text;
    if (!spec.source.empty()) out << " (" << spec.source << ")";
    out << "\n";
    if (!spec.only_if.empty()) out << "    only with " << spec.only_if << "\n";
  }
  out << "\nBuilt-in bases, to start from with base = \"NAME\" above the first section (tailor recipe --base "
         "NAME "
         "prints one):\n";
  for (const std::string& base : built_in_bases())
    out << "    " << base << "\n";
  out << "\nMetrics (eval.metrics; run.keep.best and run.early_stop.on as val/NAME):\n";
  for (const runtime::MetricSpec& metric : runtime::kMetrics)
    out << "    " << metric.name << (metric.two_classes ? ", two classes" : "")
        << (metric.on_request ? ", on request" : "") << "\n        " << metric.text << "\n";
  out << "    per_class, few_med_many\n        the accuracy of every class; few, med and many\n";
  out << "\nKnown but not in this version:\n";
  for (const ReservedKey& reserved : kReserved)
    out << "    " << reserved.prefix << "  (" << reserved.what << ")\n";
  return out.str();
}

} // namespace tailor::recipe
