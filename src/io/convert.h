// Between GGUF and safetensors (a file or a Hugging Face directory), with quantisation: weights, configuration and
// tokenizer, so that the result loads in llama.cpp or in transformers and scores as the source does.
//
// What differs between the two worlds, and is undone here: names (name maps); the rows of wq and wk, which GGUF files
// of the Llama family hold permuted so that rotary pairs are neighbours; gains of Gemma's norms, 1 + w in GGUF;
// experts, stacked in one tensor in GGUF; Llama-3's rotary scaling, a tensor of divisors in GGUF and four numbers in
// config.json.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "io/checkpoint.h"

namespace frugal {

struct ConvertOptions {
  // A name of quant_mix.h; to safetensors only f32, f16 and bf16. Empty: within one format tensors keep their types; to
  // safetensors all get the embedding's (f16 when that is quantised); to GGUF matrices keep theirs, the rest becomes
  // f32.
  std::string type;
  int threads = 0;                        // 0: one for each core
  std::function<void(int64_t)> progress;  // called with the bytes of each finished piece of output
};

struct ConvertReport {
  int64_t tensors = 0, bytes_in = 0, bytes_out = 0;
  std::map<std::string, int64_t> types;  // tensors by type
};

// out: a name ending in .gguf or .safetensors, else a directory, which gets the Hugging Face files. Throws Error; a
// file appears under its name only when it is complete.
ConvertReport convert(const Checkpoint& in, const std::string& out, const ConvertOptions& options);

}  // namespace frugal
