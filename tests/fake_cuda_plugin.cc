// Plug-ins that pretend, for src/ops/device_test.cc: each is built with one of FAKE_old, FAKE_no_gpu,
// FAKE_silent_gpu, FAKE_one_gpu, FAKE_empty (cmake/cuda.cmake). None needs CUDA.
#include <cstdio>

#include "cuda/plugin.h"

#ifndef FAKE_empty

#ifdef FAKE_old
constexpr int kFakeVersion = kCudaTableVersion + 41;
#else
constexpr int kFakeVersion = kCudaTableVersion;
#endif

static int32_t fake_count(char* reason, int32_t size) {
#ifdef FAKE_no_gpu
  std::snprintf(reason, static_cast<size_t>(size), "the driver is on holiday");
  return 0;
#else
  static_cast<void>(reason), static_cast<void>(size);
  return 2;
#endif
}

static int32_t fake_describe(int32_t, FrugalCudaDevice* out) {
#ifdef FAKE_silent_gpu
  static_cast<void>(out);
  return 46;
#else
  *out = {"Pretended GPU", 9, 0, 1 << 20, 4};
  return 0;
#endif
}

static const FrugalCudaTable kFake = {kFakeVersion, 13000, fake_count, fake_describe};

extern "C" const FrugalCudaTable* frugal_cuda_table(int) { return &kFake; }

#endif
