#include "model/weight.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/blocks.h"
#include "base/error.h"
#include "ops/pack.h"

namespace frugal {

AlignedBuffer::AlignedBuffer(size_t bytes) : size_(bytes) {
  if (bytes == 0) return;
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) fail(ErrorCode::kIo, "memory", "the system refused {} bytes", bytes);
  if (bytes >= (size_t{2} << 20)) madvise(p, bytes, MADV_HUGEPAGE);
  data_ = static_cast<uint8_t*>(p);
}
AlignedBuffer::~AlignedBuffer() {
  if (data_ != nullptr) munmap(data_, size_);
}
AlignedBuffer::AlignedBuffer(AlignedBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
AlignedBuffer& AlignedBuffer::operator=(AlignedBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void Weight::pack(ThreadTeam& team) {
  if (is_packed()) return;
  if (!can_pack(source_.dtype))
    fail(ErrorCode::kUnsupported, "weight", "{} is of type {}, for which there are no kernels", source_.name,
         info(source_.dtype).name);
  PackedMatrix m{source_.dtype, rows(), cols(), packed_panel_bytes(source_.dtype, cols()), nullptr};
  memory_ = AlignedBuffer(m.panel_bytes * static_cast<size_t>(m.panels()));
  m.data = memory_.data();
  const size_t stride = row_bytes(source_.dtype, cols());
  team.run([&](int thread, int threads) {
    for (int64_t p = m.panels() * thread / threads; p < m.panels() * (thread + 1) / threads; ++p) {
      const int n = static_cast<int>(std::min<int64_t>(kPanel, rows() - p * kPanel));
      pack_panel(source_.dtype, source_.row(p * kPanel), stride, n, cols(),
                 memory_.data() + static_cast<size_t>(p) * m.panel_bytes);
    }
  });
  packed_ = m;
  if (file_ != nullptr && original_.data == nullptr) file_->drop(source_);
}

const float* Weight::floats() {
  if (floats_.empty()) {
    floats_.resize(static_cast<size_t>(source_.elements()));
    for (int64_t r = 0; r < rows(); ++r) row(r, floats_.data() + r * cols());
  }
  return floats_.data();
}

void Weight::row(int64_t r, float* out) const { dequantise_row(source_.dtype, source_.row(r), out, cols()); }

void Weight::replace(std::vector<float> values) {
  if (static_cast<int64_t>(values.size()) != source_.elements())
    fail(ErrorCode::kUsage, "weight", "{} has {} elements, the replacement {}", source_.name, source_.elements(),
         values.size());
  if (original_.data == nullptr) original_ = source_;
  replaced_ = std::move(values);
  source_.dtype = DType::kF32;
  source_.data = reinterpret_cast<const std::byte*>(replaced_.data());
  source_.bytes = replaced_.size() * sizeof(float);
  changed();
}

void Weight::restore() {
  if (original_.data == nullptr) return;
  source_ = std::exchange(original_, TensorView{});
  changed();
}

void Weight::changed() {
  packed_ = {};
  floats_.clear();
  if (changes_ != nullptr) ++*changes_;
}

}  // namespace frugal
