// The files beside the weights in a Hugging Face directory: configuration and tokenizer.
#pragma once

#include <map>
#include <string>

#include "io/checkpoint.h"
#include "io/model_config.h"

namespace frugal {

using HfFiles = std::map<std::string, std::string>;  // name to content

// From a Hugging Face directory: its own files, with the new type of the weights. From GGUF: config.json,
// generation_config.json and, where it has a tokenizer, tokenizer.json and tokenizer_config.json with the chat
// template. Throws Error for what those files cannot say.
HfFiles hugging_face_files(const Checkpoint& in, const ModelConfig& config, DType dtype);
void write_files(const HfFiles& files, const std::string& folder);

std::string folder_of(const Checkpoint& in);  // where a safetensors checkpoint's other files are

}  // namespace frugal
