#pragma once
#include "runtime/base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace tailor::runtime {

/// The entry points of cuDNN's backend interface that planning and running convolutions take, found when they are first needed:
/// nothing links cuDNN, so programs without library commands never open it. Types and numbers are those of cuDNN 9's documented
/// binary interface (cudnn_graph_v9.h, cudnn_version_v9.h).
class CudnnLibrary {
public:
  using Error = int; ///< 0: done
  struct HandleType;
  struct DescriptorType;

  /// The library of this machine, opened once.
  /// Errors   kIncompatible: there is none, or one of another major version or too old; what was looked for and found.
  static Result<const CudnnLibrary*> open();

  /// kResourceExhausted where memory is short, kUnimplemented where cuDNN does not support what it is asked for, else
  /// kIncompatible: cuDNN's own words for its last error, and what was asked of it.
  Status check(Error error, std::string_view what) const;

  std::size_t version() const { return get_version(); } ///< 91900 for 9.19.0

  // Named after cuDNN's functions.
  std::size_t (*get_version)();
  const char* (*get_error_string)(Error error);
  void (*get_last_error_string)(char* text, std::size_t length);
  Error (*create)(HandleType** handle);
  Error (*destroy)(HandleType* handle);
  Error (*set_stream)(HandleType* handle, void* stream);
  Error (*create_descriptor)(int type, DescriptorType** descriptor);
  Error (*destroy_descriptor)(DescriptorType* descriptor);
  Error (*finalize)(DescriptorType* descriptor);
  Error (*set_attribute)(DescriptorType* descriptor, int name, int type, std::int64_t count,
                         const void* values);
  Error (*get_attribute)(DescriptorType* descriptor, int name, int type, std::int64_t room,
                         std::int64_t* count, void* values);
  Error (*execute)(HandleType* handle, DescriptorType* plan, DescriptorType* pointers);

  // Values of cuDNN's enumerations.
  enum Kind : int { // cudnnBackendDescriptorType_t
    kConvolution = 1,
    kEngine = 2,
    kEngineConfig = 3,
    kEngineHeuristics = 4,
    kExecutionPlan = 5,
    kForwardOperation = 10,
    kWeightGradientOperation = 11,
    kDataGradientOperation = 12,
    kOperationGraph = 15,
    kVariantPack = 16,
    kTensor = 17,
    kDeviceProperties = 38
  };
  enum Type : int { // cudnnBackendAttributeType_t
    kTypeHandle = 0,
    kTypeDataType = 1,
    kTypeInt64 = 3,
    kTypeFloat = 4,
    kTypeVoidPointer = 6,
    kTypeConvolutionMode = 7,
    kTypeHeuristicsMode = 8,
    kTypeNumericalNote = 11,
    kTypeDescriptor = 15,
    kTypeBehaviorNote = 19,
    kTypeChar = 24
  };
  enum Attribute : int { // cudnnBackendAttributeName_t
    kConvolutionComputeType = 100,
    kConvolutionMode = 101,
    kConvolutionDilations = 102,
    kConvolutionStrides = 103,
    kConvolutionPostPaddings = 104,
    kConvolutionPrePaddings = 105,
    kConvolutionSpatialDims = 106,
    kHeuristicsMode = 200,
    kHeuristicsGraph = 201,
    kHeuristicsResults = 202,
    kHeuristicsDevice = 204,
    kEngineConfigEngine = 300,
    kPlanHandle = 400,
    kPlanEngineConfig = 401,
    kPlanWorkspaceSize = 402,
    kPlanJson = 405,
    kPlanDevice = 407,
    kForwardAlpha = 700,        // then beta, convolution, w, x, y
    kDataGradientAlpha = 706,   // then beta, convolution, w, dx, dy
    kWeightGradientAlpha = 712, // then beta, convolution, dw, x, dy
    kGraphOperations = 801,
    kTensorAlignment = 900,
    kTensorDataType = 901,
    kTensorDimensions = 902,
    kTensorStrides = 903,
    kTensorUniqueId = 906,
    kPackUniqueIds = 1000,
    kPackPointers = 1001,
    kPackWorkspace = 1003,
    kEngineGlobalIndex = 1301,
    kEngineNumericalNotes = 1303,
    kEngineBehaviorNotes = 1305,
    kDeviceHandle = 2701,
    kDeviceJson = 2702
  };
  static constexpr int kDataFloat = 0, kDataBFloat16 = 9;         // cudnnDataType_t
  static constexpr int kCrossCorrelation = 1;                     // cudnnConvolutionMode_t
  static constexpr int kHeuristicsFallback = 2, kHeuristicsA = 3; // cudnnBackendHeurMode_t
  /// cudnnBackendNumericalNote_t, cudnnBackendBehaviorNote_t
  static constexpr int kTensorCore = 0, kDownConvertInputs = 1, kReducedPrecisionReduction = 2,
                       kNondeterministic = 4;
  static constexpr int kRuntimeCompilation = 0;

private:
  Status load(void* library);
};

/// A descriptor of cuDNN's, and the first thing that went wrong with it.
class CudnnDescriptor {
public:
  CudnnDescriptor(const CudnnLibrary& library, CudnnLibrary::Kind kind);
  CudnnDescriptor(CudnnDescriptor&& other) noexcept
      : library_(other.library_), descriptor_(std::exchange(other.descriptor_, nullptr)),
        status_(std::move(other.status_)) {}
  ~CudnnDescriptor();

  CudnnLibrary::DescriptorType* get() const { return descriptor_; }

  void set(CudnnLibrary::Attribute name, CudnnLibrary::Type type, std::int64_t count, const void* values);
  void set(CudnnLibrary::Attribute name, std::span<const std::int64_t> values) {
    set(name, CudnnLibrary::kTypeInt64, static_cast<std::int64_t>(values.size()), values.data());
  }
  void set(CudnnLibrary::Attribute name, CudnnLibrary::Type type, int value) { set(name, type, 1, &value); }
  void set(CudnnLibrary::Attribute name, std::string_view text) {
    set(name, CudnnLibrary::kTypeChar, static_cast<std::int64_t>(text.size()), text.data());
  }
  void set(CudnnLibrary::Attribute name, const CudnnDescriptor& value) {
    set(name, CudnnLibrary::kTypeDescriptor, 1, &value.descriptor_);
  }
  /// The first failure since the descriptor was made, that of finalizing included; `what` says what it is.
  Status finalize(std::string_view what);

  /// At most values.size() of them; how many there are.
  template <class T, std::size_t N>
  Result<std::size_t> get(CudnnLibrary::Attribute name, CudnnLibrary::Type type,
                          std::span<T, N> values) const {
    return get_bytes(name, type, static_cast<std::int64_t>(values.size()), values.data());
  }

private:
  Result<std::size_t> get_bytes(CudnnLibrary::Attribute name, CudnnLibrary::Type type, std::int64_t room,
                                void* values) const;

  const CudnnLibrary* library_;
  CudnnLibrary::DescriptorType* descriptor_ = nullptr;
  Status status_;
};

/// Bytes that an execution plan wants beside its operands.
Result<std::uint64_t> workspace_of(const CudnnDescriptor& plan);

} // namespace tailor::runtime
