#include "io/stream_writer.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"

namespace frugal {

void StreamWriter::misuse(const std::string& what) const {
  fail(ErrorCode::kUsage, "checkpoint", "{}: {}", file_.path(), what);
}

void StreamWriter::declare(const std::string& name, DType dtype, const std::vector<int64_t>& shape) {
  if (begun_) misuse(fmt::format("tensor {} is declared after the header was written", name));
  if (name.empty() || !names_.insert(name).second)
    misuse(fmt::format("tensor {} is declared twice or has no name", name));
  if (!holds(dtype)) misuse(fmt::format("tensor {}: this format has no type {}", name, info(dtype).name));
  for (int64_t d : shape)
    if (d < 0) misuse(fmt::format("tensor {} has a dimension of {}", name, d));
  TensorView t{name, dtype, shape, nullptr, 0};
  if (t.cols() % info(dtype).block != 0)
    misuse(fmt::format("tensor {} has rows of {}, {} needs a multiple of {}", name, t.cols(), info(dtype).name,
                       info(dtype).block));
  t.bytes = static_cast<size_t>(t.rows()) * row_bytes(dtype, t.cols());
  tensors_.push_back({std::move(t), 0});
}

void StreamWriter::place(size_t alignment) {
  alignment_ = alignment;
  size_t offset = 0;
  for (Entry& e : tensors_) {
    e.offset = offset;
    offset += (e.tensor.bytes + alignment - 1) / alignment * alignment;
  }
}

void StreamWriter::begin(const nlohmann::ordered_json& metadata) {
  if (begun_) misuse("the header is written already");
  const std::string text = header(metadata);
  file_.write(text.data(), text.size());
  begun_ = true;
}

// Fills up to where the next tensor starts.
void StreamWriter::pad() {
  static constexpr char kZeros[256] = {};
  size_t rest = (alignment_ - written_ % alignment_) % alignment_;
  for (; rest > 0; rest -= std::min(rest, sizeof(kZeros))) file_.write(kZeros, std::min(rest, sizeof(kZeros)));
}

void StreamWriter::write(const void* bytes, size_t count) {
  if (!begun_) misuse("bytes are given before the header is written");
  const char* p = static_cast<const char*>(bytes);
  while (count > 0) {
    if (current_ == tensors_.size()) misuse(fmt::format("{} bytes more than were declared", count));
    const size_t step = std::min(count, tensors_[current_].tensor.bytes - written_);
    file_.write(p, step);
    p += step;
    count -= step;
    written_ += step;
    if (written_ < tensors_[current_].tensor.bytes) return;
    pad();
    ++current_;
    written_ = 0;
  }
}

void StreamWriter::finish() {
  if (!begun_) misuse("finished before the header was written");
  while (current_ < tensors_.size() && tensors_[current_].tensor.bytes == 0) ++current_;
  if (current_ < tensors_.size()) {
    const TensorView& t = tensors_[current_].tensor;
    misuse(fmt::format("tensor {} has {} of its {} bytes", t.name, written_, t.bytes));
  }
  file_.commit();
}

std::unique_ptr<CheckpointWriter> CheckpointWriter::create(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  if (extension == ".gguf") return create_gguf(path);
  if (extension == ".safetensors") return create_safetensors(path);
  fail(ErrorCode::kUsage, "checkpoint", "{}: expected a name ending in .gguf or .safetensors", path);
}

}  // namespace frugal
