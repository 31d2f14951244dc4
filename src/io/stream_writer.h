// What the GGUF and safetensors writers share: declared tensors, then a header, then their bytes in that order with
// each tensor's size checked. A format adds its header and its alignment.
#pragma once

#include <set>

#include "io/checkpoint.h"
#include "io/output_file.h"

namespace frugal {

class StreamWriter : public CheckpointWriter {
 public:
  explicit StreamWriter(const std::string& path) : file_(path) {}
  void declare(const std::string& name, DType dtype, const std::vector<int64_t>& shape) final;
  void begin(const nlohmann::ordered_json& metadata) final;
  void write(const void* bytes, size_t count) final;
  void finish() final;

 protected:
  virtual bool holds(DType dtype) const = 0;
  // The whole header, padded so that the data follows at once; tensors() have their offsets.
  virtual std::string header(const nlohmann::ordered_json& metadata) = 0;

  struct Entry {
    TensorView tensor;
    size_t offset = 0;  // from the start of the data
  };
  const std::vector<Entry>& tensors() const { return tensors_; }
  void place(size_t alignment);  // gives every tensor its offset

 private:
  [[noreturn]] void misuse(const std::string& what) const;
  void pad();
  OutputFile file_;
  std::vector<Entry> tensors_;
  std::set<std::string> names_;
  bool begun_ = false;
  size_t alignment_ = 1, current_ = 0, written_ = 0;  // tensor being written, bytes of it that are there
};

std::unique_ptr<CheckpointWriter> create_gguf(const std::string& path);
std::unique_ptr<CheckpointWriter> create_safetensors(const std::string& path);

}  // namespace frugal
