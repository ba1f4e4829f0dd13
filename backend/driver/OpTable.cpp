#include "backend/driver/OpTable.h"

#include "ir/Location.h"
#include "ir/OpIds.h"
#include "ir/Tailor.h"
#include "passes/FormKernels.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>

using namespace mlir;

namespace tailor::backend {
namespace {

/// What an op that is never a kernel turns into.
std::string roleOf(Operation* op) {
  return TypeSwitch<Operation*, std::string>(op)
      .Case<ir::LoadOp, ir::ControlReadOp>([](auto) { return "read in place by the kernels that use it"; })
      .Case<ir::InputOp>([](auto) { return "read from the batch slot"; })
      .Case<ir::StoreOp>([](auto) { return "written in place by the kernel that computes it"; })
      .Case<ir::ReportOp>([](auto) { return "written to the metrics row"; })
      .Case<ir::OutputOp>([](auto) { return "left in memory for the host"; })
      .Case<ir::ConstantOp>([](auto) { return "part of the kernels that use it"; })
      .Case<ir::ReshapeOp>([](auto) { return "another view of the same memory"; })
      .Case<ir::CallOp, ir::ValueAndGradOp>([](auto) { return "replaced by the ops of its body"; })
      .Default([](Operation*) { return ""; });
}

} // namespace

/// "net.cpp:10:3 or net.cpp:12:5": of what has one number in the traces for several batch sizes.
static void addAlternative(std::string& text, const std::string& other) {
  if (text != other && !StringRef(text).ends_with(" or " + other)) text += " or " + other;
}

void OpTable::add(ModuleOp module) {
  const size_t known = rows_.size(); // of an earlier phase, which had them under their first names
  module.walk([&](Operation* op) {
    std::optional<int64_t> id = ir::opId(op);
    if (!id || isa<ir::LaunchOp, ir::FusedOp>(op)) return;
    auto [row, isNew] = rows_.insert({*id, Row()});
    Row here{op->getName().getStringRef().str(), ir::describe(op->getLoc()),
             passes::sourceLines(op->getLoc()), ir::vjpOf(op).value_or(-1), roleOf(op)};
    if (isNew) {
      row->second = std::move(here);
    } else if (size_t(row - rows_.begin()) >= known) {
      addAlternative(row->second.name, here.name);
      addAlternative(row->second.location, here.location);
      if (row->second.role != here.role) row->second.role.clear();
    }
  });
  // Kernels have forgotten which op is whose; their launches still know the ids and the lines of all.
  module.walk([&](ir::LaunchOp launch) {
    for (int64_t id : ir::tracedOps(launch))
      rows_.insert({id,
                    {launch->getName().getStringRef().str(), ir::describe(launch.getLoc()),
                     passes::sourceLines(launch.getLoc()), -1, ""}});
  });
}

std::vector<runtime::OpRecord> OpTable::records(ModuleOp planned,
                                                const std::vector<passes::Remark>& remarks) const {
  llvm::DenseSet<int64_t> alive;
  std::vector<runtime::OpRecord> records;
  planned.walk([&](Operation* op) {
    if (op == planned || !isa<ir::EntryOp>(op->getParentOp())) return;
    for (int64_t id : ir::tracedOps(op)) {
      // A dump of a late phase knows its ops by their ids only: they answer to the launch.
      if (alive.insert(id).second && !rows_.contains(id))
        records.push_back({static_cast<int32_t>(id), op->getName().getStringRef().str(),
                           ir::describe(op->getLoc()), -1, ""});
    }
  });
  auto explain = [&](int64_t id, const Row& row) -> std::string {
    if (!row.role.empty()) return row.role;
    for (const passes::Remark& remark : remarks)
      if (remark.kind == passes::Remark::Kind::passed && llvm::is_contained(remark.ops, id))
        return remark.pass + ": " + remark.text;
    for (const passes::Remark& remark : remarks) {
      if (remark.kind != passes::Remark::Kind::passed) continue;
      for (const passes::SourceLine& line : row.lines)
        if (llvm::is_contained(remark.locations, line)) return remark.pass + ": " + remark.text;
    }
    return "folded, equal to another op, or not needed by any result";
  };
  for (const auto& [id, row] : rows_)
    records.push_back({static_cast<int32_t>(id), row.name, row.location, static_cast<int32_t>(row.vjpOf),
                       alive.contains(id) ? std::string() : explain(id, row)});
  // Somebody who edits a dump may take away an op whose derivative, or whose remark, stays.
  llvm::DenseSet<int64_t> known;
  for (const runtime::OpRecord& record : records)
    known.insert(record.id);
  auto refer = [&](int64_t id) {
    if (id >= 0 && known.insert(id).second)
      records.push_back(
          {static_cast<int32_t>(id), "unknown", "", -1, "not in the program that was compiled"});
  };
  for (const auto& [id, row] : rows_)
    refer(row.vjpOf);
  for (const passes::Remark& remark : remarks)
    llvm::for_each(remark.ops, refer);
  std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return records;
}

} // namespace tailor::backend
