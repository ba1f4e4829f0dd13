#include "frontend/graph/fitted.h"

#include "frontend/graph/function.h"
#include "frontend/graph/state.h"

#include <algorithm>
#include <vector>

namespace tailor {

FittedTables::Kind FittedTables::kind_of(const Node& root) {
  // Operands before users, without recursion: graphs can be deep.
  std::vector<const Node*> pending{&root};
  while (!pending.empty()) {
    const Node* node = pending.back();
    if (known_.count(node)) {
      pending.pop_back();
      continue;
    }
    bool ready = true;
    Kind kind = Kind::constant;
    for (const Array& input : node->inputs) {
      auto found = known_.find(input.node().get());
      if (found == known_.end()) {
        pending.push_back(input.node().get());
        ready = false;
      } else if (kind != Kind::varying) {
        kind = found->second == Kind::varying ? Kind::varying : std::max(kind, found->second);
      }
    }
    if (!ready) continue;
    pending.pop_back();
    if (node->op == "load") {
      kind = std::get<StateOptions>(node->options).state->role == State::Role::fitted ? Kind::fitted
                                                                                      : Kind::varying;
    } else if (node->op == "control_read") {
      kind = std::get<NameOptions>(node->options).run_constant ? Kind::constant : Kind::varying;
    } else if (node->op == "input" || node->op == "argument" || node->body) {
      kind = Kind::varying;
    }
    known_.emplace(node, kind);
  }
  return known_.at(&root);
}

bool FittedTables::is_spread(const Node& node) {
  return node.op == "broadcast" && node.results[0].shape.rank() >= 2;
}

bool FittedTables::is_table(const Array& array) {
  return array.node()->op != "load" && !is_spread(*array.node()) && kind_of(*array.node()) == Kind::fitted;
}

} // namespace tailor
