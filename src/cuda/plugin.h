// What libfrugal_cuda.so gives the program that loads it: one C function that returns a versioned table.
//
// Plain C types only, so that the two may be built apart. Whatever the version, a table begins with its
// version; all else may change with kCudaTableVersion, which the loader (ops/device.h) compares before it
// reads on.
#pragma once

#include <stdint.h>

extern "C" {

enum { kCudaTableVersion = 1 };

struct FrugalCudaDevice {
  char name[256];
  int32_t major, minor;  // compute capability
  int64_t memory_bytes;
  int32_t multiprocessors;
};

struct FrugalCudaTable {
  int32_t version;
  int32_t runtime_version;  // of the CUDA runtime it was built with, 1000 * major + 10 * minor
  // Devices that can be used now. Below 1: none, and reason (NUL-terminated, at most size bytes) says why.
  int32_t (*device_count)(char* reason, int32_t size);
  // 0 when out is filled, else a CUDA error number.
  int32_t (*describe_device)(int32_t index, FrugalCudaDevice* out);
};

// The table of that version; where the plug-in has no such, its own, to be refused by the version it tells.
typedef const FrugalCudaTable* FrugalCudaTableFunction(int version);
#define FRUGAL_CUDA_TABLE_NAME "frugal_cuda_table"
}
