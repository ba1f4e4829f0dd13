#pragma once
#include "runtime/artifact/spec.h"

#include <algorithm>

namespace tailor::runtime {

/// Gives the kernels of a program made by hand the shapes of the launches in it.
inline void declare_launches(ArtifactSpec& spec) {
  for (const Entry& entry : spec.entries)
    for (const Variant& variant : entry.variants)
      for (const Command& command : variant.commands) {
        if (command.kind != CommandKind::kLaunch) continue;
        LaunchShape shape{command.sizes, command.num_units, {}};
        for (const Operand& operand : command.operands)
          shape.operands.push_back(
              {operand.bytes - (command.num_chunks - 1) * operand.chunk_stride, operand.access});
        std::vector<LaunchShape>& shapes = spec.kernels[static_cast<std::size_t>(command.kernel)].shapes;
        const bool known = std::any_of(shapes.begin(), shapes.end(), [&](const LaunchShape& other) {
          return other.sizes == shape.sizes && other.num_units == shape.num_units;
        });
        if (!known) shapes.push_back(std::move(shape));
      }
}

} // namespace tailor::runtime
