#include "cuda/plugin.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstring>

namespace {

void copy_text(const char* text, char* out, int32_t size) {
  if (size <= 0) return;
  const size_t n = std::min(std::strlen(text), static_cast<size_t>(size) - 1);
  std::memcpy(out, text, n);
  out[n] = '\0';
}

int32_t device_count(char* reason, int32_t size) {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess && count > 0) return count;
  int driver = 0;  // stays 0 where none is installed
  cudaDriverGetVersion(&driver);
  copy_text(driver == 0            ? "no NVIDIA driver is installed"
            : error == cudaSuccess ? "the driver sees none"
                                   : cudaGetErrorString(error),
            reason, size);
  return 0;
}

int32_t describe_device(int32_t index, FrugalCudaDevice* out) {
  cudaDeviceProp p;
  if (const cudaError_t error = cudaGetDeviceProperties(&p, index); error != cudaSuccess) return error;
  *out = {};
  copy_text(p.name, out->name, sizeof(out->name));
  out->major = p.major;
  out->minor = p.minor;
  out->memory_bytes = static_cast<int64_t>(p.totalGlobalMem);
  out->multiprocessors = p.multiProcessorCount;
  return 0;
}

constexpr FrugalCudaTable kTable = {kCudaTableVersion, CUDART_VERSION, device_count, describe_device};

}  // namespace

extern "C" __attribute__((visibility("default"))) const FrugalCudaTable* frugal_cuda_table(int) { return &kTable; }
