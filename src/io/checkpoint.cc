#include "io/checkpoint.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "io/gguf_reader.h"
#include "io/safetensors_reader.h"

namespace frugal {

Checkpoint Checkpoint::open(const std::string& path) {
  namespace fs = std::filesystem;
  if (!fs::exists(path)) fail(ErrorCode::kNotFound, "checkpoint", "there is no file or directory '{}'", path);
  if (fs::is_directory(path)) return open_safetensors(path);
  const std::string extension = fs::path(path).extension().string();
  if (extension == ".gguf") return open_gguf(path);
  if (extension == ".safetensors") return open_safetensors(path);
  fail(ErrorCode::kUnsupported, "checkpoint", "{}: expected a .gguf or .safetensors file, or a Hugging Face directory", path);
}

void Checkpoint::index() {
  for (size_t i = 0; i < tensors.size(); ++i)
    if (!by_name_.emplace(tensors[i].name, i).second)
      fail(ErrorCode::kBadInput, format.c_str(), "{}: tensor {} stands twice", path, tensors[i].name);
}

const TensorView* Checkpoint::find(const std::string& name) const {
  auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : &tensors[it->second];
}

const TensorView& Checkpoint::at(const std::string& name) const {
  if (const TensorView* t = find(name)) return *t;
  fail(ErrorCode::kNotFound, "checkpoint", "{} has no tensor {} among its {}", path, name, tensors.size());
}

void Checkpoint::drop(const TensorView& tensor) const {
  for (const auto& file : files) file->drop(tensor.data, tensor.bytes);
}

}  // namespace frugal
