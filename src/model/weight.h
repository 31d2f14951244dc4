// A weight: the tensor as it lies in the file, and the packed form made for this machine when a Program needs it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/threads.h"
#include "base/view.h"
#include "io/checkpoint.h"
#include "ops/kernels.h"

namespace frugal {

// Memory that is 64-byte aligned, on large pages where the system has them.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(size_t bytes);  // zeroed; throws Error when the system has no such memory
  ~AlignedBuffer();
  AlignedBuffer(AlignedBuffer&& other) noexcept;
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept;
  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// shape {rows, cols}: y = W x. A vector (norm gain, bias) has one row.
class Weight {
 public:
  // changes: counted up whenever the values do, so that who holds Programs made of them knows; may be null.
  // file: where source is mapped, which gives its pages back to the system once they are packed; may be null.
  explicit Weight(TensorView source, uint64_t* changes = nullptr, const Checkpoint* file = nullptr)
      : source_(std::move(source)), changes_(changes), file_(file) {}
  const TensorView& source() const { return source_; }
  int64_t rows() const { return source_.rows(); }
  int64_t cols() const { return source_.cols(); }

  // Packs with the whole team unless packed already. Throws Error for a type without kernels.
  void pack(ThreadTeam& team);
  bool is_packed() const { return packed_.data != nullptr; }
  const PackedMatrix& packed() const { return packed_; }
  // The whole tensor as floats, made on first use: for small vectors.
  const float* floats();
  // Row r as floats.
  void row(int64_t r, float* out) const;

  // Puts other values in place (merged adapters, tests); restore() goes back to the file's. Shapes must agree.
  void replace(std::vector<float> values);
  void restore();

 private:
  void changed();

  TensorView source_, original_;
  uint64_t* changes_;
  const Checkpoint* file_;
  std::vector<float> replaced_;
  AlignedBuffer memory_;
  PackedMatrix packed_;
  std::vector<float> floats_;
};

class Adapter;

// A projection: a weight, perhaps a bias, and the adapters attached to it.
struct Linear {
  Weight* weight = nullptr;
  Weight* bias = nullptr;
  std::vector<const Adapter*> adapters;
  explicit operator bool() const { return weight != nullptr; }
};

}  // namespace frugal
