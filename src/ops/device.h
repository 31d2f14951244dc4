// Finds the CUDA plug-in and says whether a GPU can be used, and if not, why not.
//
// No target but the plug-in itself links CUDA: the program looks for libfrugal_cuda.so beside itself (or
// where FRUGAL_CUDA_PLUGIN says), loads it, compares versions and asks for devices. Anything missing on the
// way is an answer, not an error.
#pragma once

#include <cstdint>
#include <string>

#include "cuda/plugin.h"

namespace frugal {

struct CudaDevice {
  bool available = false;
  std::string reason;  // why not; empty when available
  std::string name;    // of the first device
  int64_t memory_bytes = 0;
  int count = 0;                           // devices
  const FrugalCudaTable* table = nullptr;  // the loaded plug-in's, for good; nullptr when not available
};

// Where the plug-in is looked for: FRUGAL_CUDA_PLUGIN when set, else libfrugal_cuda.so in the running
// program's folder.
std::string cuda_plugin_path();

// Loads the plug-in at path (a path, not a name to search for) and asks it. Never throws.
CudaDevice probe_cuda(const std::string& path);

// This process's device: probed on first use.
const CudaDevice& cuda_device();

}  // namespace frugal
