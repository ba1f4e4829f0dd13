// The whole dialect, family by family.
#ifndef TAILOR_OPS
#define TAILOR_OPS

include "ir/ops/ProgramOps.td"
include "ir/ops/EntryOps.td"
include "ir/ops/CallOps.td"
include "ir/ops/KernelOps.td"
include "ir/ops/ElementwiseOps.td"
include "ir/ops/ShapeOps.td"
include "ir/ops/ReductionOps.td"
include "ir/ops/LinearAlgebraOps.td"
include "ir/ops/IndexOps.td"
include "ir/ops/ConvOps.td"
include "ir/ops/NormOps.td"
include "ir/ops/LossOps.td"
include "ir/ops/RandomOps.td"
include "ir/ops/OptimizerOps.td"

#endif // TAILOR_OPS
