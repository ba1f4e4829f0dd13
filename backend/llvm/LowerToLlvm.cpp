#include "backend/llvm/LowerToLlvm.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

/// Kernels hold ops on numbers and vectors of one dimension, whose types both dialects share: each is one or two ops of the
/// llvm dialect, which are written in its place. With MLIR's conversion, made for types that change, lowering took 550 ms of 1460
/// in a compilation of resnet20 under SAM-A; so it takes 250.
namespace tailor::backend {
namespace {

namespace arith = mlir::arith;
namespace LLVM = mlir::LLVM;
namespace scf = mlir::scf;
namespace vector = mlir::vector;

using llvm::SmallVector;
using mlir::Block;
using mlir::OpBuilder;
using mlir::Operation;
using mlir::Value;

/// before: br condition(from, initial...)
/// condition(i, carried...): i < to ? body : after
/// body: ...; br condition(i + step, next...)
void lowerLoop(scf::ForOp loop) {
  OpBuilder b(loop);
  mlir::Location loc = loop.getLoc();
  Block* before = loop->getBlock();
  mlir::Region* region = before->getParent();
  Block* after = before->splitBlock(loop->getIterator());
  Block *body = &loop.getRegion().front(), *last = &loop.getRegion().back();
  region->getBlocks().splice(after->getIterator(), loop.getRegion().getBlocks());
  Block* condition = b.createBlock(body);
  for (mlir::BlockArgument argument : body->getArguments()) {
    Value carried = condition->addArgument(argument.getType(), loc);
    argument.replaceAllUsesWith(carried);
  }
  body->eraseArguments(0, body->getNumArguments());

  SmallVector<Value> initial{loop.getLowerBound()};
  llvm::append_range(initial, loop.getInitArgs());
  b.setInsertionPointToEnd(before);
  LLVM::BrOp::create(b, loc, initial, condition);
  b.setInsertionPointToEnd(condition);
  Value index = condition->getArgument(0);
  Value goesOn = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::slt, index, loop.getUpperBound());
  LLVM::CondBrOp::create(b, loc, goesOn, body, mlir::ValueRange(), after, mlir::ValueRange());
  Operation* yield = last->getTerminator();
  b.setInsertionPoint(yield);
  SmallVector<Value> next{LLVM::AddOp::create(b, loc, index, loop.getStep())};
  llvm::append_range(next, yield->getOperands());
  LLVM::BrOp::create(b, loc, next, condition);
  yield->erase();
  loop->replaceAllUsesWith(condition->getArguments().drop_front());
  loop->erase();
}

/// before: condition ? then : else, or after where there is none
/// then, else: ...; br after(values)
void lowerBranch(scf::IfOp branch) {
  OpBuilder b(branch);
  mlir::Location loc = branch.getLoc();
  Block* before = branch->getBlock();
  Block* after = before->splitBlock(branch->getIterator());
  for (Value result : branch.getResults())
    result.replaceAllUsesWith(after->addArgument(result.getType(), loc));
  auto place = [&](mlir::Region& region) {
    if (region.empty()) return after;
    Block *first = &region.front(), *last = &region.back();
    before->getParent()->getBlocks().splice(after->getIterator(), region.getBlocks());
    Operation* yield = last->getTerminator();
    b.setInsertionPoint(yield);
    LLVM::BrOp::create(b, loc, yield->getOperands(), after);
    yield->erase();
    return first;
  };
  Block *then = place(branch.getThenRegion()), *otherwise = place(branch.getElseRegion());
  b.setInsertionPointToEnd(before);
  LLVM::CondBrOp::create(b, loc, branch.getCondition(), then, mlir::ValueRange(), otherwise,
                         mlir::ValueRange());
  branch->erase();
}

void lowerControlFlow(mlir::ModuleOp module) {
  SmallVector<Operation*> nested; // the inner ones first
  module.walk([&](Operation* op) {
    if (mlir::isa<scf::ForOp, scf::IfOp>(op)) nested.push_back(op);
  });
  for (Operation* op : nested) {
    if (auto loop = mlir::dyn_cast<scf::ForOp>(op))
      lowerLoop(loop);
    else
      lowerBranch(mlir::cast<scf::IfOp>(op));
  }
}

// The enumerations agree, as MLIR's own conversion assumes.
static_assert(int(arith::CmpIPredicate::ne) == int(LLVM::ICmpPredicate::ne) &&
              int(arith::CmpIPredicate::sge) == int(LLVM::ICmpPredicate::sge) &&
              int(arith::CmpIPredicate::uge) == int(LLVM::ICmpPredicate::uge));
static_assert(int(arith::CmpFPredicate::OEQ) == int(LLVM::FCmpPredicate::oeq) &&
              int(arith::CmpFPredicate::ORD) == int(LLVM::FCmpPredicate::ord) &&
              int(arith::CmpFPredicate::UNO) == int(LLVM::FCmpPredicate::uno));

/// One op of the llvm dialect with the operands and the type of `op`.
template <typename To> Value same(OpBuilder& b, Operation* op) {
  return To::create(b, op->getLoc(), op->getResultTypes(), op->getOperands())->getResult(0);
}

/// A number in all lanes, as LLVM writes it: put in lane 0, from there into the others.
Value lowerBroadcast(OpBuilder& b, vector::BroadcastOp op) {
  mlir::VectorType type = op.getResultVectorType();
  if (mlir::isa<mlir::VectorType>(op.getSourceType())) return {};
  mlir::Location loc = op.getLoc();
  Value none = LLVM::PoisonOp::create(b, loc, type);
  Value first = LLVM::ConstantOp::create(b, loc, b.getI32Type(), b.getI32IntegerAttr(0));
  Value one = LLVM::InsertElementOp::create(b, loc, none, op.getSource(), first);
  return LLVM::ShuffleVectorOp::create(b, loc, one, none, SmallVector<int32_t>(type.getNumElements(), 0));
}

/// The value of `op` in the llvm dialect; null for an op that kernels do not hold.
Value lowerOp(OpBuilder& b, Operation* op) {
  mlir::Location loc = op->getLoc();
  return llvm::TypeSwitch<Operation*, Value>(op)
      .Case([&](arith::ConstantOp c) { return LLVM::ConstantOp::create(b, loc, c.getType(), c.getValue()); })
      .Case([&](arith::AddFOp) { return same<LLVM::FAddOp>(b, op); })
      .Case([&](arith::SubFOp) { return same<LLVM::FSubOp>(b, op); })
      .Case([&](arith::MulFOp) { return same<LLVM::FMulOp>(b, op); })
      .Case([&](arith::DivFOp) { return same<LLVM::FDivOp>(b, op); })
      .Case([&](arith::NegFOp) { return same<LLVM::FNegOp>(b, op); })
      .Case([&](mlir::math::FmaOp) { return same<LLVM::FMAOp>(b, op); })
      .Case([&](mlir::math::SqrtOp) { return same<LLVM::SqrtOp>(b, op); })
      .Case([&](mlir::math::AbsFOp) { return same<LLVM::FAbsOp>(b, op); })
      .Case([&](arith::AddIOp) { return same<LLVM::AddOp>(b, op); })
      .Case([&](arith::SubIOp) { return same<LLVM::SubOp>(b, op); })
      .Case([&](arith::MulIOp) { return same<LLVM::MulOp>(b, op); })
      .Case([&](arith::DivSIOp) { return same<LLVM::SDivOp>(b, op); })
      .Case([&](arith::DivUIOp) { return same<LLVM::UDivOp>(b, op); })
      .Case([&](arith::RemUIOp) { return same<LLVM::URemOp>(b, op); })
      .Case([&](arith::MaxSIOp) { return same<LLVM::SMaxOp>(b, op); })
      .Case([&](arith::MinSIOp) { return same<LLVM::SMinOp>(b, op); })
      .Case([&](arith::AndIOp) { return same<LLVM::AndOp>(b, op); })
      .Case([&](arith::OrIOp) { return same<LLVM::OrOp>(b, op); })
      .Case([&](arith::XOrIOp) { return same<LLVM::XOrOp>(b, op); })
      .Case([&](arith::ShLIOp) { return same<LLVM::ShlOp>(b, op); })
      .Case([&](arith::ShRUIOp) { return same<LLVM::LShrOp>(b, op); })
      .Case([&](arith::ShRSIOp) { return same<LLVM::AShrOp>(b, op); })
      .Case([&](arith::SelectOp) { return same<LLVM::SelectOp>(b, op); })
      .Case([&](arith::ExtSIOp) { return same<LLVM::SExtOp>(b, op); })
      .Case([&](arith::ExtUIOp) { return same<LLVM::ZExtOp>(b, op); })
      .Case([&](arith::TruncIOp) { return same<LLVM::TruncOp>(b, op); })
      .Case([&](arith::ExtFOp) { return same<LLVM::FPExtOp>(b, op); })
      .Case([&](arith::TruncFOp) { return same<LLVM::FPTruncOp>(b, op); })
      .Case([&](arith::SIToFPOp) { return same<LLVM::SIToFPOp>(b, op); })
      .Case([&](arith::UIToFPOp) { return same<LLVM::UIToFPOp>(b, op); })
      .Case([&](arith::FPToSIOp) { return same<LLVM::FPToSIOp>(b, op); })
      .Case<arith::BitcastOp, vector::BitCastOp>([&](auto) { return same<LLVM::BitcastOp>(b, op); })
      .Case([&](arith::CmpIOp compare) {
        return LLVM::ICmpOp::create(b, loc, static_cast<LLVM::ICmpPredicate>(compare.getPredicate()),
                                    compare.getLhs(), compare.getRhs());
      })
      .Case([&](arith::CmpFOp compare) {
        return LLVM::FCmpOp::create(b, loc, static_cast<LLVM::FCmpPredicate>(compare.getPredicate()),
                                    compare.getLhs(), compare.getRhs());
      })
      .Case([&](vector::BroadcastOp broadcast) { return lowerBroadcast(b, broadcast); })
      .Case([&](vector::ShuffleOp shuffle) {
        SmallVector<int32_t> mask(shuffle.getMask());
        return LLVM::ShuffleVectorOp::create(b, loc, shuffle.getV1(), shuffle.getV2(), mask);
      })
      .Case([&](vector::ExtractOp extract) -> Value {
        if (extract.hasDynamicPosition() || extract.getStaticPosition().size() != 1) return {};
        Value lane = LLVM::ConstantOp::create(b, loc, b.getI64Type(),
                                              b.getI64IntegerAttr(extract.getStaticPosition()[0]));
        return LLVM::ExtractElementOp::create(b, loc, extract.getSource(), lane);
      })
      .Default([](Operation*) { return Value(); });
}

} // namespace

mlir::LogicalResult lowerToLlvmDialect(mlir::ModuleOp module) {
  lowerControlFlow(module);
  const mlir::Dialect* llvm = module.getContext()->getLoadedDialect<LLVM::LLVMDialect>();
  OpBuilder b(module.getContext());
  for (auto function : module.getOps<LLVM::LLVMFuncOp>())
    for (Block& block : function.getBody())
      for (Operation& op : llvm::make_early_inc_range(block)) {
        // What a machine has of its own (nvvm) is translated as it is.
        if (op.getDialect() == llvm || op.getName().getDialectNamespace() == "nvvm") continue;
        b.setInsertionPoint(&op);
        Value value = lowerOp(b, &op);
        if (!value) return op.emitError("internal error: not an op of kernels: ") << op.getName();
        op.getResult(0).replaceAllUsesWith(value);
        op.erase();
      }
  return mlir::success();
}

} // namespace tailor::backend
