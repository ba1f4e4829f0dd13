#include "frontend/graph/batch_rows.h"

#include "frontend/traced_program.h"
#include "tailor/tailor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace tailor {
namespace {

using testing::HasSubstr;

/// What() of the TraceError that a train step of batch 8 with 2 columns throws, or "no error". The step ends in an
/// update, so that only `body` can be wrong.
std::string step_error(const std::function<Array(Step&, const Array& logits)>& body, std::int64_t batch = 8) {
  struct Net : nn::Module {
    nn::Linear fc{2, 3};
    Net() { add("fc", fc); }
  } net;
  optim::Sgd sgd;
  TrainingProgram program("p");
  program.data(data::blobs({.classes = 3}), {.batch = batch, .eval_batch = 8});
  program.state("net", net);
  program.state("sgd", sgd);
  program.train_step([&](Step& s) {
    auto g = value_and_grad([&] { return body(s, net.fc(s.batch().numeric, s.context())); });
    s.update(net, sgd, g.gradients, 0.1);
  });
  program.eval_step([&](Eval& e) { e.logits(net.fc(e.batch().numeric, e.context())); });
  try {
    program.trace();
  } catch (const TraceError& error) {
    return error.what();
  }
  return "no error";
}

Array nll(Step& s, const Array& z) {
  return logsumexp(z, -1) - take_along(z, s.batch().label, -1);
}

TEST(BatchRows, CombiningRowsThatAreNoLongerInOrderIsRefused) {
  const struct {
    const char* error;
    std::function<Array(Step&, const Array&)> loss;
  } cases[] = {
      {"mean: axis 0 of f32[2, 3]",
       [](Step&, const Array& z) {
         return mean(take(z, array({6, 7}, {2}, DType::i32)));
       }},
      {"mean: axis 0 of f32[8]",
       [](Step& s, const Array& z) {
         return mean(take(nll(s, z), array({7, 6, 5, 4, 3, 2, 1, 0}, {8}, DType::i32)));
       }},
      {"mean: axis 0 of f32[8]",
       [](Step& s, const Array& z) { return mean(take(nll(s, z), sort_perm(nll(s, z)))); }},
      {"mean: axis 0 of f32[8]",
       [](Step& s, const Array& z) { return mean(take(nll(s, z), s.batch().index)); }},
      {"mean: axis 0 of f32[8]", // a roll by hand
       [](Step& s, const Array& z) {
         Array row = nll(s, z);
         return mean(concat({slice(row, {1}, {8}), slice(row, {0}, {1})}, 0));
       }},
      {"sum: axis 0 of f32[8]",
       [](Step& s, const Array& z) { return sum(pad(slice(nll(s, z), {1}, {8}), {0}, {1})); }},
      {"mean: axis 0 of f32[24]", [](Step&, const Array& z) { return mean(reshape(z, {-1})); }},
      {"mean: axis 0 of f32[16, 3]",
       [](Step&, const Array& z) {
         return mean(concat({z, z}, 0));
       }},
      {"roll: axis 0 of f32[16, 3]",
       [](Step& s, const Array& z) {
         return masked_mean(nll(s, slice(roll(concat({z, z}, 0), 1, 0), {0, 0}, {8, 3})), s.batch().valid);
       }},
      {"dot: axis 1 of f32[3, 16]",
       [](Step&, const Array& z) {
         Array both = concat({z, z}, 0);
         return sum(matmul(transpose(both, {1, 0}), both));
       }},
      {"scatter_add: axis 0 of f32[16]",
       [](Step& s, const Array& z) {
         Array both = concat({nll(s, z), nll(s, z)}, 0),
               labels = concat({s.batch().label, s.batch().label}, 0);
         return max(scatter_add(zeros_like(s.classes().counts()), labels, both));
       }},
      {"scatter_add: axis 0 of i32[16]",
       [](Step& s, const Array& z) {
         Array labels = concat({s.batch().label, s.batch().label}, 0);
         return mean(nll(s, z)) + max(scatter_add(zeros_like(s.classes().counts()), labels, full({16}, 1)));
       }},
      {"max: axis 0 of f32[4]", [](Step& s, const Array& z) { return max(slice(nll(s, z), {4}, {8})); }},
  };
  for (const auto& wrong : cases) {
    const std::string text = step_error(wrong.loss);
    EXPECT_THAT(text, HasSubstr(wrong.error));
    EXPECT_THAT(text, HasSubstr("are padding that would count\nhint: "));
    EXPECT_THAT(text, HasSubstr("batch_rows_test.cpp:"));
  }
  // The explicit word.
  EXPECT_EQ(step_error([](Step&, const Array& z) { return mean(all_rows(reshape(z, {-1}))); }), "no error");
  EXPECT_EQ(step_error([](Step& s, const Array& z) { return mean(roll(all_rows(nll(s, z)), 1, 0)); }),
            "no error");
}

/// The ops of a loss, from the result on: the first so many.
std::string ops_of(const std::function<Array(Step&, const Array&)>& loss, std::size_t count) {
  std::string text;
  EXPECT_EQ(step_error([&](Step& s, const Array& z) {
              Array value = loss(s, z), at = value;
              text.clear();
              for (std::size_t i = 0; i < count; ++i) {
                text += (text.empty() ? "" : " ") + std::string(at.node()->op);
                if (at.node()->inputs.empty()) break;
                at = at.node()->inputs[at.node()->op == "where" ? 1 : 0];
              }
              return value;
            }),
            "no error");
  return text;
}

TEST(BatchRows, TheRowsThatCountAreTheDefault) {
  EXPECT_EQ(ops_of([](Step& s, const Array& z) { return mean(nll(s, z)); }, 2), "masked_mean sub");
  EXPECT_EQ(ops_of([](Step&, const Array& z) { return mean(square(z)); }, 3),
            "reduce_mean masked_mean square");
  EXPECT_EQ(ops_of([](Step& s, const Array& z) { return sum(nll(s, z)); }, 3), "reduce_sum where sub");
  EXPECT_EQ(ops_of([](Step& s, const Array& z) { return max(nll(s, z)); }, 3), "reduce_max where sub");
  EXPECT_EQ(ops_of([](Step& s, const Array& z) { return logsumexp(nll(s, z), 0); }, 3),
            "logsumexp where sub");
  EXPECT_EQ(ops_of([](Step&, const Array& z) { return mean(roll(exp(z), 1, 0)); }, 4),
            "reduce_mean masked_mean take exp");
  // A mask of the program's own stays the only one.
  EXPECT_EQ(
      ops_of([](Step& s, const Array& z) { return sum(where(row_mask(s.batch().valid, 8), nll(s, z), 0.0)); },
             3),
      "reduce_sum where sub");
  // Along the classes nothing is masked, and all_rows counts every row.
  EXPECT_EQ(ops_of([](Step&, const Array& z) { return mean(max(z, 1)); }, 3), "masked_mean reduce_max add");
  EXPECT_EQ(ops_of([](Step& s, const Array& z) { return mean(all_rows(nll(s, z))); }, 2),
            "reduce_mean reshape");
}

TEST(BatchRows, WhatLeavesPaddingOutIsAccepted) {
  const std::function<Array(Step&, const Array&)> cases[] = {
      [](Step& s, const Array& z) { return masked_mean(nll(s, z), s.batch().valid); },
      [](Step& s, const Array& z) { return mean(masked_mean(square(z), s.batch().valid)); },
      [](Step& s, const Array& z) { return sum(where(row_mask(s.batch().valid, 8), nll(s, z), 0.0)); },
      [](Step& s, const Array& z) { return sum(nll(s, z) * cast(row_mask(s.batch().valid, 8), DType::f32)); },
      [](Step& s, const Array& z) { return max(where(row_mask(s.batch().valid, 8), nll(s, z), -1e30)); },
      [](Step& s, const Array& z) {
        return sum(losses::softmax_cross_entropy(z, s.batch().label, {.reduction = Reduction::none}));
      },
      [](Step& s, const Array& z) { // along the classes, and of tables
        return masked_mean(max(softmax(z, 1), 1), s.batch().valid) * mean(s.classes().counts());
      },
      [](Step& s, const Array& z) {
        Array kept = where(expand_dims(row_mask(s.batch().valid, 8), 1), z, 0.0);
        return sum(matmul(transpose(kept, {1, 0}), z));
      },
      [](Step& s, const Array& z) {
        Array mixed = take(z, random_permutation(s.context(), s.batch().valid, 8));
        return masked_mean(nll(s, mixed), s.batch().valid);
      },
      [](Step& s, const Array& z) {
        Array key = where(row_mask(s.batch().valid, 8), nll(s, z), 1e30);
        return masked_mean(take(nll(s, z), sort_perm(key)), s.batch().valid);
      },
      [](Step& s, const Array& z) {
        Array kept = where(expand_dims(row_mask(s.batch().valid, 8), 1), z, 0.0);
        return sum(take(kept, array({6, 7}, {2}, DType::i32)));
      },
      [](Step& s, const Array& z) { // gradients of what counts only valid rows
        Array x = s.batch().numeric;
        Array g = grad(
            [&](const std::vector<Array>& v) {
              return sum(where(row_mask(s.batch().valid, 8), sum(square(v[0]), 1), 0.0));
            },
            {x})[0];
        return masked_mean(nll(s, z), s.batch().valid) + sum(square(g));
      }};
  for (std::size_t i = 0; i < std::size(cases); ++i)
    EXPECT_EQ(step_error(cases[i]), "no error") << "case " << i;
  // A batch of one row is never ragged.
  EXPECT_EQ(step_error([](Step& s, const Array& z) { return mean(nll(s, z)); }, 1), "no error");
}

TEST(BatchRows, WhatAMaskLeftInPaddingIsFollowedThroughArithmetic) {
  const auto kept = [](Step& s, const Array& z) {
    return where(row_mask(s.batch().valid, 8), nll(s, z), 0.0);
  };
  const auto mask = [](Step& s) { return cast(row_mask(s.batch().valid, 8), DType::f32); };
  const struct {
    const char* name;
    std::function<Array(Step&, const Array&)> rows;
  } right[] = {
      {"hinge", [&](Step& s, const Array& z) { return maximum(kept(s, z), 0.0); }},
      {"minimum", [&](Step& s, const Array& z) { return minimum(-kept(s, z), 0.0); }},
      {"clamp", [&](Step& s, const Array& z) { return clamp(kept(s, z), 0, 10); }},
      {"pow", [&](Step& s, const Array& z) { return pow(kept(s, z), 2.0); }},
      {"some rows", [&](Step& s, const Array& z) { return where(nll(s, z) > 1.0, kept(s, z), 0.0); }},
      {"either",
       [&](Step& s, const Array& z) { return where(nll(s, z) > 1.0, kept(s, z), 2.0 * kept(s, z)); }},
      {"not the mask",
       [&](Step& s, const Array& z) { return where(!row_mask(s.batch().valid, 8), 0.0, nll(s, z)); }},
      {"mask > 0", [&](Step& s, const Array& z) { return where(mask(s) > 0.0, nll(s, z), 0.0); }},
      {"mask == 1", [&](Step& s, const Array& z) { return where(mask(s) == 1.0, nll(s, z), 0.0); }},
      {"1 - (1 - mask)", [&](Step& s, const Array& z) { return (1.0 - (1.0 - mask(s))) * nll(s, z); }},
      {"picked",
       [&](Step& s, const Array& z) {
         Array p = where(expand_dims(row_mask(s.batch().valid, 8), 1), log_softmax(z, 1), 0.0);
         return take_along(p, s.batch().label, -1);
       }},
      {"share", [&](Step& s, const Array& z) { return kept(s, z) / sum(exp(kept(s, z)) * mask(s)); }},
  };
  // Two copies one after the other: nobody masks them any more, so zeros must be known to stand in the padding of both.
  const auto summed = [](const std::function<Array(Step&, const Array&)>& rows) {
    return step_error([&](Step& s, const Array& z) {
      Array row = rows(s, z);
      return sum(concat({row, row}, 0));
    });
  };
  for (const auto& one : right)
    EXPECT_EQ(summed(one.rows), "no error") << one.name;

  const struct {
    const char* name;
    std::function<Array(Step&, const Array&)> rows;
  } wrong[] = {
      {"0 / 0", [&](Step& s, const Array& z) { return kept(s, z) / kept(s, z); }},
      {"pow 0", [&](Step& s, const Array& z) { return pow(kept(s, z), 0.0); }},
      {"clamp from 1", [&](Step& s, const Array& z) { return clamp(kept(s, z), 1, 10); }},
      {"at least 1", [&](Step& s, const Array& z) { return maximum(kept(s, z), 1.0); }},
      {"the mask's other side",
       [&](Step& s, const Array& z) { return where(!row_mask(s.batch().valid, 8), nll(s, z), 0.0); }},
      {"mask < 1", [&](Step& s, const Array& z) { return where(mask(s) < 1.0, nll(s, z), 0.0); }},
      {"1 - mask", [&](Step& s, const Array& z) { return (1.0 - mask(s)) * nll(s, z); }},
      {"one branch", [&](Step& s, const Array& z) { return where(nll(s, z) > 1.0, kept(s, z), 1.0); }},
  };
  for (const auto& one : wrong) {
    EXPECT_THAT(summed(one.rows), HasSubstr("are padding that would count")) << one.name;
    // In order they are masked once more.
    EXPECT_EQ(ops_of([&](Step& s, const Array& z) { return sum(one.rows(s, z)); }, 2), "reduce_sum where")
        << one.name;
  }
  EXPECT_EQ(ops_of([&](Step& s, const Array& z) { return max(kept(s, z) / kept(s, z)); }, 2),
            "reduce_max where");
}

TEST(BatchRows, ValidCountsTheRowsOfTheBatchAndNothingElse) {
  const struct {
    const char* error;
    std::function<Array(Step&, const Array&)> loss;
  } cases[] = {
      {"masked_mean: axis 0 of f32[24]",
       [](Step& s, const Array& z) { return masked_mean(reshape(z, {-1}), s.batch().valid); }},
      {"masked_mean: axis 0 of f32[3, 8]",
       [](Step& s, const Array& z) {
         return masked_mean(masked_mean(transpose(z, {1, 0}), s.batch().valid), s.batch().valid);
       }},
      {"masked_mean: axis 0 of f32[16]",
       [](Step& s, const Array& z) {
         return masked_mean(concat({nll(s, z), nll(s, z)}, 0), s.batch().valid);
       }},
      {"masked_mean: axis 0 of f32[4]",
       [](Step& s, const Array& z) { return masked_mean(slice(nll(s, z), {4}, {8}), s.batch().valid); }},
      {"softmax_cross_entropy: axis 0 of f32[16, 3]",
       [](Step& s, const Array& z) {
         return losses::softmax_cross_entropy(
             concat({z, z}, 0), concat({s.batch().label, s.batch().label}, 0), {.valid = s.batch().valid});
       }},
  };
  for (const auto& wrong : cases) {
    const std::string text = step_error(wrong.loss);
    EXPECT_THAT(text, HasSubstr(wrong.error));
    EXPECT_THAT(text,
                HasSubstr("does not run over the 8 rows of the batch, of which `valid` counts the first"));
  }
  // A count of the program's own says which rows it means.
  EXPECT_EQ(step_error([](Step& s, const Array& z) {
              return masked_mean(concat({nll(s, z), nll(s, z)}, 0), constant(16, DType::i32));
            }),
            "no error");
  nn::BatchNorm norm(3);
  TrainingProgram program("p");
  optim::Sgd sgd;
  program.data(data::blobs({.classes = 3, .dimensions = 3}), {.batch = 8});
  program.state("norm", norm);
  program.state("sgd", sgd);
  program.train_step([&](Step& s) {
    auto g = value_and_grad([&] {
      Array x = s.batch().numeric;
      Array z = slice(norm(concat({x, x}, 0), s.context()), {0, 0}, {8, 3});
      return losses::softmax_cross_entropy(z, s.batch().label);
    });
    s.update(norm, sgd, g.gradients, 0.1);
  });
  program.eval_step([&](Eval& e) { e.logits(norm(e.batch().numeric, e.context())); });
  try {
    program.trace();
    ADD_FAILURE() << "no error";
  } catch (const TraceError& error) {
    EXPECT_THAT(error.what(), HasSubstr("batch_norm: axis 0 of f32[16, 3] does not run over the 8 rows"));
  }
}

TEST(BatchRows, ALossLeavesPaddingOutUnlessToldOtherwise) {
  std::vector<std::string> operands;
  auto note = [&](const Array& loss) {
    operands.clear();
    for (const Array& input : loss.node()->inputs)
      operands.push_back(input.node()->name);
    return loss.rank() == 0 ? loss : masked_mean(loss, loss.node()->inputs.back());
  };
  EXPECT_EQ(step_error([&](Step& s, const Array& z) {
              return note(losses::softmax_cross_entropy(z, s.batch().label));
            }),
            "no error");
  EXPECT_EQ(operands.back(), "valid");
  EXPECT_EQ(step_error([&](Step& s, const Array& z) {
              Array one = reshape(slice(z, {0, 0}, {8, 1}), {8});
              return note(losses::sigmoid_cross_entropy(one, s.batch().label));
            }),
            "no error");
  EXPECT_EQ(operands.back(), "valid");
  // Two views of every row: which half is which is for the program to say.
  auto two_views = [&](Step& s, const Array& z, const Array& valid) {
    return losses::softmax_cross_entropy(concat({z, z}, 0), concat({s.batch().label, s.batch().label}, 0),
                                         {.valid = valid});
  };
  EXPECT_THAT(step_error([&](Step& s, const Array& z) { return two_views(s, z, {}); }),
              HasSubstr("no row for each of the batch's 8: which of them are padding?"));
  EXPECT_EQ(step_error([&](Step& s, const Array& z) { return two_views(s, z, constant(16, DType::i32)); }),
            "no error");
  // Outside of a step every row counts.
  EXPECT_EQ(losses::softmax_cross_entropy(full({2, 3}, 1), full({2}, 0, DType::i32)).node()->inputs.size(),
            2u);
}

} // namespace
} // namespace tailor
