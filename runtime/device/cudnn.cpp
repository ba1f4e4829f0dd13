#include "runtime/device/cudnn.h"

#include <dlfcn.h>
#include <mutex>
#include <optional>

namespace tailor::runtime {
namespace {

constexpr const char* kLibraryName = "libcudnn.so.9";

/// Plans for a device that is not there: 9.8.
constexpr std::size_t kOldestVersion = 90800, kNextMajor = 100000;

std::string version_text(std::size_t version) {
  return concat(version / 10000, ".", version % 10000 / 100);
}

} // namespace

Status CudnnLibrary::load(void* library) {
  Status missing;
  const auto address_of = [&](const char* name) {
    void* address = dlsym(library, name);
    if (!address && missing.ok())
      missing =
          incompatible("cuDNN (", kLibraryName, ") has no '", name, "', which plans of convolutions need")
              .with_hint(concat("use cuDNN ", version_text(kOldestVersion), " or a newer 9.x"));
    return address;
  };
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(address_of(name));
  };
  find(get_version, "cudnnGetVersion");
  find(get_error_string, "cudnnGetErrorString");
  find(get_last_error_string, "cudnnGetLastErrorString");
  find(create, "cudnnCreate");
  find(destroy, "cudnnDestroy");
  find(set_stream, "cudnnSetStream");
  find(create_descriptor, "cudnnBackendCreateDescriptor");
  find(destroy_descriptor, "cudnnBackendDestroyDescriptor");
  find(finalize, "cudnnBackendFinalize");
  find(set_attribute, "cudnnBackendSetAttribute");
  find(get_attribute, "cudnnBackendGetAttribute");
  find(execute, "cudnnBackendExecute");
  return missing;
}

Result<const CudnnLibrary*> CudnnLibrary::open() {
  static std::mutex mutex;
  static std::optional<CudnnLibrary> opened;
  const std::lock_guard lock(mutex);
  if (opened) return &*opened;
  void* library = dlopen(kLibraryName, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* why = dlerror();
    return incompatible("no cuDNN: ", why ? why : kLibraryName)
        .with_hint("install cuDNN 9, or put the folder of libcudnn.so.9 on LD_LIBRARY_PATH");
  }
  // cuDNN opens it when it is first asked for an engine, and ends the process where it is not.
  if (!dlopen("libcublasLt.so.13", RTLD_NOW | RTLD_LOCAL) &&
      !dlopen("libcublasLt.so.12", RTLD_NOW | RTLD_LOCAL))
    return incompatible(
               "no cuBLASLt, which cuDNN needs: neither libcublasLt.so.13 nor libcublasLt.so.12 is found")
        .with_hint("put its folder, that of the CUDA toolkit's libraries, on LD_LIBRARY_PATH");
  CudnnLibrary found;
  TAILOR_RETURN_IF_ERROR_AS_IS(found.load(library));
  const std::size_t version = found.version();
  if (version < kOldestVersion || version >= kNextMajor)
    return incompatible("cuDNN is ", version_text(version), ", plans of convolutions need ",
                        version_text(kOldestVersion), " or a newer 9.x")
        .with_hint("install cuDNN 9");
  opened = found;
  return &*opened;
}

Status CudnnLibrary::check(Error error, std::string_view what) const {
  if (error == 0) return {};
  char last[512] = {};
  get_last_error_string(last, sizeof(last) - 1);
  const char* name = get_error_string(error);
  std::string message = concat(what, ": ", name ? name : "unknown error", " (", error, ")");
  if (last[0]) message += concat(", ", last);
  if (error == 4003 || error == 4004)
    return resource_exhausted(message); // no memory, of the host or the device
  return error / 1000 == 3 ? unimplemented(message) : incompatible(message); // CUDNN_STATUS_NOT_SUPPORTED*
}

CudnnDescriptor::CudnnDescriptor(const CudnnLibrary& library, CudnnLibrary::Kind kind) : library_(&library) {
  status_ = library.check(library.create_descriptor(kind, &descriptor_), "making a descriptor");
}

CudnnDescriptor::~CudnnDescriptor() {
  if (descriptor_) library_->destroy_descriptor(descriptor_);
}

void CudnnDescriptor::set(CudnnLibrary::Attribute name, CudnnLibrary::Type type, std::int64_t count,
                          const void* values) {
  if (!status_.ok()) return;
  status_ = library_->check(library_->set_attribute(descriptor_, name, type, count, values),
                            concat("setting attribute ", static_cast<int>(name)));
}

Status CudnnDescriptor::finalize(std::string_view what) {
  if (status_.ok()) status_ = library_->check(library_->finalize(descriptor_), "finalizing it");
  if (status_.ok()) return {};
  return Status(status_).with_context(std::string(what));
}

Result<std::size_t> CudnnDescriptor::get_bytes(CudnnLibrary::Attribute name, CudnnLibrary::Type type,
                                               std::int64_t room, void* values) const {
  std::int64_t count = 0;
  TAILOR_RETURN_IF_ERROR_AS_IS(
      library_->check(library_->get_attribute(descriptor_, name, type, room, &count, values),
                      concat("reading attribute ", static_cast<int>(name))));
  return static_cast<std::size_t>(count);
}

Result<std::uint64_t> workspace_of(const CudnnDescriptor& plan) {
  std::int64_t bytes = 0;
  TAILOR_RETURN_IF_ERROR_AS_IS(
      plan.get(CudnnLibrary::kPlanWorkspaceSize, CudnnLibrary::kTypeInt64, std::span(&bytes, 1)).status());
  if (bytes < 0) return internal_error("cuDNN wants a workspace of ", bytes, " bytes");
  return static_cast<std::uint64_t>(bytes);
}

} // namespace tailor::runtime
