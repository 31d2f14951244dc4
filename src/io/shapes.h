// Models of well-known shapes with random weights: to measure speed and memory where no file is at hand.
//
// Weights are normal with deviation 0.02, norms are 1. Speed does not depend on the values, so they are cheap: for each
// type one run of about a million values is made and stored once, and every tensor repeats it from a place of its own.
// The run's length in blocks is a prime, so that rows of one tensor differ.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "io/model_config.h"

namespace frugal {

std::vector<std::string> shape_names();
ModelConfig shape_config(const std::string& name);  // throws Error(kUsage) with the nearest name

// Writes a GGUF file without a tokenizer. type: a name of quant_mix.h, applied as to a real model. progress: called
// with the bytes of each finished piece. Throws Error; the same seed gives the same file. Returns the bytes of all
// tensors.
int64_t write_random_model(const std::string& shape, const std::string& type, const std::string& path,
                           uint64_t seed = 0, const std::function<void(int64_t)>& progress = {});
int64_t random_model_bytes(const std::string& shape, const std::string& type);  // what it will return

}  // namespace frugal
