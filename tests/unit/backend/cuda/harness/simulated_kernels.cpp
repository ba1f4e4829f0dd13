#include "tests/unit/backend/cuda/harness/simulated_kernels.h"

#include "backend/cuda/kinds/KernelEmitter.h"
#include "backend/cuda/PtxEmission.h"
#include "ir/Tailor.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"

#include <stdexcept>

namespace tailor::backend::testing {

SimulatedKernels::SimulatedKernels(const std::vector<KernelText>& kernels, const std::string& target,
                                   bool watched)
    : CompiledKernels(kernels, /*verify=*/false) {
  mlir::MLIRContext* context = program()->getContext();
  context->loadDialect<mlir::arith::ArithDialect, mlir::LLVM::LLVMDialect, mlir::math::MathDialect,
                       mlir::NVVM::NVVMDialect, mlir::scf::SCFDialect, mlir::vector::VectorDialect>();
  std::string error;
  mlir::FailureOr<cuda::CudaTarget> parsed = cuda::parseCudaTarget(target, error);
  if (mlir::failed(parsed)) throw std::runtime_error(error);
  mlir::OwningOpRef<mlir::ModuleOp> code = mlir::ModuleOp::create(mlir::UnknownLoc::get(context));
  for (auto kernel : program().getOps<ir::KernelOp>()) {
    mlir::FailureOr<cuda::KernelInfo> info = cuda::emitKernel(kernel, *code, kernel.getSymName(), *parsed);
    if (mlir::failed(info)) fail();
    infos_.push_back(*info);
  }
  if (mlir::failed(mlir::verify(*code))) fail();
  mlir::FailureOr<cuda::PtxCode> ptx = cuda::emitPtx(*code, *parsed, /*keepLlvmText=*/true);
  if (mlir::failed(ptx)) fail();
  ptx_ = std::move(ptx->ptx);
  llvmText_ = std::move(ptx->llvmText);
  host_ = std::make_unique<HostKernels>(llvmText_, watched);
}

void SimulatedKernels::launch(size_t kernel, std::vector<void*> buffers, std::vector<int64_t>,
                              int64_t) const {
  const cuda::KernelInfo& info = infos_[kernel];
  std::vector<GuardedMemory> temporaries;
  for (const cuda::Temporary& temporary : info.temporaries) {
    temporaries.emplace_back(temporary.bytes);
    buffers.push_back(temporaries.back().data());
  }
  const cuda::GpuFunction& gpu = info.functions.front(); // no kernel here calls a library
  const HostKernels::Kernel& host = host_->kernel(gpu.symbol);
  if (host.numArguments != buffers.size())
    throw std::runtime_error("'" + gpu.symbol + "' takes " + std::to_string(host.numArguments) +
                             " pointers, not " + std::to_string(buffers.size()));
  if (host.threads != gpu.threads)
    throw std::runtime_error("'" + gpu.symbol + "' is made for blocks of " + std::to_string(host.threads) +
                             " threads, not " + std::to_string(gpu.threads));
  std::vector<uint64_t> arguments;
  for (void* buffer : buffers)
    arguments.push_back(reinterpret_cast<uint64_t>(buffer));
  host_->launch(gpu.symbol, gpu.blocks, gpu.threads, order_, arguments);
}

std::unique_ptr<CompiledKernels> compiled(const std::vector<KernelText>& kernels) {
  return std::make_unique<SimulatedKernels>(kernels, "cuda:sm_90", /*watched=*/true);
}

} // namespace tailor::backend::testing
