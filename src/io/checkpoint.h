// Named tensors over mapped memory, plus metadata: one face for GGUF (single, split) and safetensors (single, sharded).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "base/view.h"

namespace frugal {

class Checkpoint {
 public:
  // path: a .gguf file (or the first of a split one), a .safetensors file, or a Hugging Face directory.
  // Throws Error naming the file and what is wrong. Nothing in the file is trusted.
  static Checkpoint open(const std::string& path);

  std::string format;  // "gguf" or "safetensors"
  std::string path;
  nlohmann::ordered_json metadata;  // GGUF key-values as they stand; safetensors __metadata__
  std::vector<TensorView> tensors;  // in file order, views into files
  std::vector<std::shared_ptr<MappedFile>> files;

  // nullptr when there is none. Experts that GGUF stacks in one tensor (blk.N.ffn_gate_exps.weight) are found one by
  // one too, as blk.N.ffn_gate.E.weight.
  const TensorView* find(const std::string& name) const;
  const TensorView& at(const std::string& name) const;  // throws Error with the nearest name
  void drop(const TensorView& tensor) const;            // gives its mapped pages back to the system

 private:
  friend Checkpoint open_gguf(const std::string&);
  friend Checkpoint open_safetensors(const std::string&);
  void index();
  void slice_experts(const TensorView& stack);
  std::map<std::string, size_t> by_name_;
  std::map<std::string, TensorView> experts_;
};

// Writing streams: declare every tensor first (the header needs sizes), then give the bytes in the declared order.
class CheckpointWriter {
 public:
  virtual ~CheckpointWriter() = default;
  virtual void declare(const std::string& name, DType dtype, const std::vector<int64_t>& shape) = 0;
  virtual void begin(const nlohmann::ordered_json& metadata) = 0;  // writes the header
  virtual void write(const void* bytes, size_t count) = 0;         // the next bytes of the tensor data, in order
  virtual void finish() = 0;  // throws when bytes are missing; the file appears under its name only now
  // By extension: .gguf, .safetensors. Writes to a temporary name beside path until finish().
  static std::unique_ptr<CheckpointWriter> create(const std::string& path);
};

}  // namespace frugal
