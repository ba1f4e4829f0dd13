#include "frontend/emit/emit.h"

#include "frontend/emit/graph_emitter.h"
#include "ir/Tailor.h"

#include <mlir/IR/Builders.h>
#include <mlir/IR/BuiltinOps.h>
#include <mlir/IR/OwningOpRef.h>
#include <mlir/IR/Verifier.h>

namespace tailor {

namespace {

using namespace emission;

ir::GroupKind group_kind(StateKind kind) {
  switch (kind) {
  case StateKind::net:
    return ir::GroupKind::Net;
  case StateKind::projector:
    return ir::GroupKind::Projector;
  case StateKind::optimizer:
    return ir::GroupKind::Optimizer;
  case StateKind::ema:
    return ir::GroupKind::Ema;
  case StateKind::batchnorm:
    return ir::GroupKind::BatchNorm;
  case StateKind::fitted:
    return ir::GroupKind::Fitted;
  case StateKind::generator:
    return ir::GroupKind::Generator;
  }
  return ir::GroupKind::Net;
}

ir::EntryKind entry_kind(Entry::Kind kind) {
  switch (kind) {
  case Entry::Kind::fit:
    return ir::EntryKind::Fit;
  case Entry::Kind::step:
    return ir::EntryKind::Step;
  case Entry::Kind::eval:
    return ir::EntryKind::Eval;
  case Entry::Kind::statistics:
    return ir::EntryKind::BatchNormRecompute;
  }
  return ir::EntryKind::Step;
}

ir::InitAttr init_rule(const InitRule& init, mlir::MLIRContext* context) {
  switch (init.kind) {
  case InitRule::Kind::zeros:
    return ir::InitAttr::get(context, ir::InitRule::Zeros);
  case InitRule::Kind::ones:
    return ir::InitAttr::get(context, ir::InitRule::Ones);
  case InitRule::Kind::constant:
    return ir::InitAttr::get(context, ir::InitRule::Constant, init.value);
  case InitRule::Kind::uniform:
    return ir::InitAttr::get(context, ir::InitRule::Uniform, init.value);
  case InitRule::Kind::normal:
    return ir::InitAttr::get(context, ir::InitRule::Normal, init.value);
  case InitRule::Kind::truncated_normal:
    return ir::InitAttr::get(context, ir::InitRule::TruncatedNormal, init.value);
  case InitRule::Kind::copy_of:
    return ir::InitAttr::get(context, state_symbol(*init.source, context));
  }
  return ir::InitAttr::get(context, ir::InitRule::Zeros);
}

std::optional<ir::FieldSource> field_source(ControlField::Source source) {
  switch (source) {
  case ControlField::Source::loop:
    return std::nullopt;
  case ControlField::Source::option:
    return ir::FieldSource::Option;
  case ControlField::Source::schedule:
    return ir::FieldSource::Schedule;
  case ControlField::Source::average_decay:
    return ir::FieldSource::AverageDecay;
  case ControlField::Source::epoch_row:
    return ir::FieldSource::EpochRow;
  case ControlField::Source::fraction_row:
    return ir::FieldSource::FractionRow;
  case ControlField::Source::random_uniform:
    return ir::FieldSource::RandomUniform;
  case ControlField::Source::random_beta:
    return ir::FieldSource::RandomBeta;
  }
  return std::nullopt;
}

/// Writes the declarations of one program; GraphEmitter writes what is inside entries and bodies.
class ProgramEmitter {
public:
  ProgramEmitter(const TracedProgram& program, mlir::MLIRContext& context)
      : program_(program), builder_(&context) {}

  mlir::OwningOpRef<mlir::ModuleOp> run() {
    mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(location(program_.location));
    builder_.setInsertionPointToEnd(module->getBody());
    auto op = ir::ProgramOp::create(builder_, location(program_.location), program_.name);
    builder_.setInsertionPointToEnd(&op.getBody().front());
    for (const StateGroup& group : program_.groups)
      emit_group(group);
    emit_controls();
    emit_entries(op);
    emit_stages();
    if (mlir::failed(mlir::verify(*module))) return nullptr;
    return module;
  }

private:
  mlir::Location location(const Location& where) { return mlir_location(where, builder_.getContext()); }

  void emit_group(const StateGroup& group) {
    mlir::OpBuilder::InsertionGuard guard(builder_);
    auto op = ir::StateGroupOp::create(builder_, location(group.location), group.name, group_kind(group.kind),
                                       group.trainable);
    builder_.setInsertionPointToEnd(&op.getBody().front());
    for (const auto& state : group.states) {
      const auto decayed = program_.decayed.find(state.get());
      const bool undecayed = decayed != program_.decayed.end() && !decayed->second;
      ir::StateOp::create(builder_, location(state->location), state->name,
                          tensor_type(state->type, builder_.getContext()),
                          init_rule(state->init, builder_.getContext()), undecayed);
    }
  }

  void emit_controls() {
    mlir::OpBuilder::InsertionGuard guard(builder_);
    auto op = ir::ControlOp::create(builder_, location(program_.location));
    builder_.setInsertionPointToEnd(&op.getBody().front());
    for (const ControlField& field : program_.controls) {
      auto declared = ir::ControlFieldOp::create(builder_, location(field.location), field.name,
                                                 tensor_type(field.type, builder_.getContext()));
      declared.setSource(field_source(field.source));
      if (!field.key.empty()) declared.setKey(field.key);
      if (!field.options_prefix.empty()) declared.setOptionsPrefix(field.options_prefix);
    }
  }

  void emit_entries(ir::ProgramOp program) {
    GraphEmitter graph(program, program_.num_op_ids);
    for (const Entry& entry : program_.entries) {
      std::optional<std::int64_t> batch;
      if (entry.kind != Entry::Kind::fit) batch = entry.batch;
      auto op = ir::EntryOp::create(builder_, location(entry.location), entry.name, entry_kind(entry.kind),
                                    batch, entry.name == entry.entry_name ? "" : entry.entry_name);
      if (entry.accumulate > 1) op.setAccumulate(entry.accumulate);
      if (!entry.learning_rate.empty()) op.setLearningRate(entry.learning_rate);
      graph.emit_entry(entry, op);
    }
  }

  void emit_stages() {
    if (program_.stages.empty()) return;
    mlir::OpBuilder::InsertionGuard guard(builder_);
    auto op = ir::StagePlanOp::create(builder_, location(program_.location));
    builder_.setInsertionPointToEnd(&op.getBody().front());
    mlir::MLIRContext* context = builder_.getContext();
    bool has_fit = !program_.entries.empty() && program_.entries[0].kind == Entry::Kind::fit;
    auto symbol = [&](const std::string& name) { return mlir::FlatSymbolRefAttr::get(context, name); };
    auto symbols = [&](const std::vector<std::string>& names) {
      llvm::SmallVector<mlir::Attribute> list;
      for (const std::string& name : names)
        list.push_back(symbol(name));
      return builder_.getArrayAttr(list);
    };
    for (const TracedStage& stage : program_.stages) {
      mlir::OperationState state(location(stage.location), ir::StageOp::getOperationName());
      state.addAttribute("sym_name", builder_.getStringAttr(stage.name));
      state.addAttribute("entry", symbol(stage.step));
      if (has_fit) state.addAttribute("fit", symbol(program_.entries[0].name));
      state.addAttribute("eval", symbol(stage.eval));
      if (stage.continues) state.addAttribute("continues", builder_.getUnitAttr());
      llvm::SmallVector<mlir::Attribute> copies;
      for (const StageCopy& copy : stage.copies)
        copies.push_back(symbols({copy.from, copy.to}));
      if (!copies.empty()) state.addAttribute("copies", builder_.getArrayAttr(copies));
      if (!stage.initialises.empty()) state.addAttribute("initialises", symbols(stage.initialises));
      builder_.create(state);
    }
  }

  const TracedProgram& program_;
  mlir::OpBuilder builder_;
};

} // namespace

mlir::OwningOpRef<mlir::ModuleOp> emit(const TracedProgram& program, mlir::MLIRContext& context) {
  context.getOrLoadDialect<ir::TailorDialect>();
  return ProgramEmitter(program, context).run();
}

mlir::OwningOpRef<mlir::ModuleOp> emit(const TrainingProgram& program, mlir::MLIRContext& context) {
  return emit(program.trace(), context);
}

mlir::OwningOpRef<mlir::ModuleOp> emit_expression(const std::vector<Array>& arrays,
                                                  mlir::MLIRContext& context) {
  require_expression(arrays);
  TracedProgram program;
  program.name = "expression";
  Entry entry;
  entry.name = entry.entry_name = "value";
  entry.kind = Entry::Kind::eval;
  entry.batch = 1;
  for (std::size_t i = 0; i < arrays.size(); ++i)
    entry.outputs.push_back({std::to_string(i), arrays[i], arrays[i].node()->location});
  program.entries.push_back(std::move(entry));
  return emit(program, context);
}

} // namespace tailor
