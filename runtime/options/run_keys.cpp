#include "runtime/options/run_keys.h"

namespace tailor::runtime {

const KeySet<RunKeys>& RunKeys::keys() {
  static const KeySet<RunKeys> set{
      "run.",
      {
          key("batch", &RunKeys::batch,
              {.stage = kCompiled,
               .min = 1,
               .max = 1048576,
               .text = "batch size; a list puts several sizes in one artifact, the first is the default",
               .source = "methods 4.6",
               .type = KeyType::kIntOrList}),
          key("accumulate", &RunKeys::accumulate,
              {.stage = kCompiled,
               .min = 1,
               .max = 4096,
               .text = "micro-batches of run.batch rows whose gradients make one step: the step of a batch "
                       "that many "
                       "times as large, in the memory of one (batch norms see a micro-batch)"}),
          key("memory_budget", &RunKeys::memory_budget,
              {.stage = kCompiled,
               .min = 0,
               .max = 0x1p62,
               .text =
                   "bytes that state, batch and activations may take, as \"2GiB\": what does not fit is "
                   "computed "
                   "again in the backward pass, with the same bits; 0: no limit, nothing is computed again",
               .type = KeyType::kBytes}),
          key("eval_batch", &RunKeys::eval_batch,
              {.stage = kCompiled, .min = 1, .max = 1048576, .text = "rows per evaluation step"}),
          key("epochs", &RunKeys::epochs,
              {.min = 1,
               .max = kMaxCount,
               .text = "passes over the training split",
               .source = "methods 4.6"}),
          key("steps", &RunKeys::steps,
              {.min = 0, .max = kMaxCount, .text = "stop after this many steps; 0: run.epochs decides"}),
          key("seed", &RunKeys::seed,
              {.min = 0, .max = kMaxCount, .text = "first seed: initialisation, order, dropout"}),
          key("seeds", &RunKeys::seeds,
              {.min = 1,
               .max = 10000,
               .text = "number of runs, seeds counted up from run.seed",
               .source = "methods 12"}),
          key("precision", &RunKeys::precision,
              {.stage = kCompiled,
               .text = "bf16: activations and the weights of products are stored in it; tf32 (target cuda): "
                       "what products multiply is rounded to it; arithmetic, sums, statistics, losses and "
                       "state are f32",
               .choices = {"f32", "tf32", "bf16"}}),
          key("threads", &RunKeys::threads,
              {.min = 0, .max = 1024, .text = "compute threads; 0: all cores. Results do not depend on it"}),
          key("loader_threads", &RunKeys::loader_threads,
              {.min = 1, .max = 64, .text = "loader threads. Results do not depend on it"}),
          key("drop_last", &RunKeys::drop_last,
              {.text = "skip a ragged last batch (it may hold the only minority rows)",
               .source = "methods 3"}),
          key("steps_per_launch", &RunKeys::steps_per_launch,
              {.min = 1, .max = 4096, .text = "steps between two looks at metrics and signals"}),
          key("log_steps", &RunKeys::log_steps,
              {.min = 0,
               .max = kMaxCount,
               .text = "log.jsonl has a line every so many steps with what the step reports; 0: a line an "
                       "epoch only"}),
          key("checkpoint_minutes", &RunKeys::checkpoint_minutes,
              {.min = 0,
               .max = 1e6,
               .text = "a checkpoint once so many minutes have passed since the last, also within an epoch; "
                       "0: none "
                       "by time. Results do not depend on it"}),
          key("checkpoint_every", &RunKeys::checkpoint_every,
              {.min = 0,
               .max = kMaxCount,
               .text = "epochs between checkpoints, besides those by time; 0: no others"}),
          key("out", &RunKeys::out, {.text = "output folder; default: runs/RECIPE-TIME", .unset = true}),
          key("early_stop.on", &RunKeys::early_stop_on,
              {.text = "metric watched, as val/balanced_accuracy or val/class_accuracy/NAME; unset: no early "
                       "stop",
               .source = "methods 11.4",
               .unset = true}),
          key("early_stop.patience", &RunKeys::early_stop_patience,
              {.min = 1,
               .max = kMaxCount,
               .text = "epochs without improvement before stopping",
               .source = "methods 11.4",
               .only_if = "run.early_stop.on"}),
          key("early_stop.mode", &RunKeys::early_stop_mode,
              {.text = "direction; auto: losses fall, the rest rises", .only_if = "run.early_stop.on"}),
          key("keep.best", &RunKeys::keep_best,
              {.text = "metric whose best epoch is kept and reported; unset: the last epoch",
               .source = "methods 14",
               .unset = true}),
      }};
  return set;
}

} // namespace tailor::runtime
