#include "ops/device.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "base/locations.h"

namespace frugal {
namespace {

struct Close {
  void operator()(void* library) const { dlclose(library); }
};

std::string last_error() {
  const char* text = dlerror();
  return text != nullptr ? text : "unknown error";
}

// Fills device from the plug-in's table, or its reason.
void ask(const FrugalCudaTable& table, CudaDevice& device) {
  if (table.version != kCudaTableVersion) {
    device.reason =
        fmt::format("the plug-in is of version {}, this program needs {}", table.version, int{kCudaTableVersion});
    return;
  }
  char reason[256] = "";
  const int count = table.device_count(reason, sizeof(reason));
  if (count < 1) {
    device.reason = fmt::format("no GPU: {}", reason);
    return;
  }
  FrugalCudaDevice first;
  if (const int error = table.describe_device(0, &first); error != 0) {
    device.reason = fmt::format("the first of {} GPUs does not answer (CUDA error {})", count, error);
    return;
  }
  first.name[sizeof(first.name) - 1] = '\0';
  device = {true, "", first.name, first.memory_bytes, count, &table};
}

}  // namespace

std::string cuda_plugin_path() { return plugin_path("FRUGAL_CUDA_PLUGIN", "libfrugal_cuda.so"); }

CudaDevice probe_cuda(const std::string& path) {
  CudaDevice device;
  std::error_code error;
  const std::filesystem::path file = std::filesystem::absolute(path, error);
  if (error || !std::filesystem::exists(file, error)) {
    device.reason = fmt::format("no plug-in at {}", path);
    return device;
  }
  std::unique_ptr<void, Close> library(dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL));
  if (library == nullptr) {
    device.reason = fmt::format("the plug-in cannot be loaded: {}", last_error());
    return device;
  }
  auto* table_of = reinterpret_cast<FrugalCudaTableFunction*>(dlsym(library.get(), FRUGAL_CUDA_TABLE_NAME));
  const FrugalCudaTable* table = table_of != nullptr ? table_of(kCudaTableVersion) : nullptr;
  if (table == nullptr)
    device.reason = fmt::format("{} is no plug-in of frugal: it has no {}", path, FRUGAL_CUDA_TABLE_NAME);
  else
    ask(*table, device);
  if (device.available) static_cast<void>(library.release());  // stays for the life of the process
  return device;
}

const CudaDevice& cuda_device() {
  static const CudaDevice device = probe_cuda(cuda_plugin_path());
  return device;
}

}  // namespace frugal
