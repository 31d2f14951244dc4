#include "io/checkpoint.h"

#include <algorithm>
#include <filesystem>

#include "base/edit_distance.h"
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
  fail(ErrorCode::kUnsupported, "checkpoint", "{}: expected a .gguf or .safetensors file, or a Hugging Face directory",
       path);
}

void Checkpoint::index() {
  for (size_t i = 0; i < tensors.size(); ++i)
    if (!by_name_.emplace(tensors[i].name, i).second)
      fail(ErrorCode::kBadInput, format.c_str(), "{}: tensor {} stands twice", path, tensors[i].name);
  if (format == "gguf")
    for (const TensorView& t : tensors) slice_experts(t);
}

// One view for each expert of a stack {experts, rows, columns}.
void Checkpoint::slice_experts(const TensorView& stack) {
  constexpr std::string_view kEnd = "_exps.weight";
  constexpr int64_t kMaxExperts = 1024;
  if (stack.shape.size() != 3 || !stack.name.ends_with(kEnd) || stack.shape[0] > kMaxExperts) return;
  const std::string stem = stack.name.substr(0, stack.name.size() - kEnd.size());
  const size_t bytes = stack.bytes / static_cast<size_t>(stack.shape[0]);
  for (int64_t e = 0; e < stack.shape[0]; ++e) {
    const std::string name = fmt::format("{}.{}.weight", stem, e);
    experts_[name] = {
        name, stack.dtype, {stack.shape[1], stack.shape[2]}, stack.data + static_cast<size_t>(e) * bytes, bytes};
  }
}

const TensorView* Checkpoint::find(const std::string& name) const {
  auto it = by_name_.find(name);
  if (it != by_name_.end()) return &tensors[it->second];
  auto expert = experts_.find(name);
  return expert == experts_.end() ? nullptr : &expert->second;
}

const TensorView& Checkpoint::at(const std::string& name) const {
  if (const TensorView* t = find(name)) return *t;
  std::vector<std::string> names;
  for (const TensorView& t : tensors) names.push_back(t.name);
  fail(ErrorCode::kNotFound, "checkpoint", "{} has no tensor {} among its {}{}", path, name, tensors.size(),
       hint(name, names));
}

void Checkpoint::drop(const TensorView& tensor) const {
  for (const auto& file : files) file->drop(tensor.data, tensor.bytes);
}

}  // namespace frugal
