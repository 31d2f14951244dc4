#include "kv/pool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace frugal {
namespace {

constexpr int64_t kDefaultRows = 1 << 20;
constexpr size_t kMostReserved = size_t{1} << 42;  // bytes of address space
constexpr int kWidestHead = 1024;

size_t round_up(size_t n, size_t step) { return (n + step - 1) / step * step; }
int padded(int width) { return (width + 15) / 16 * 16; }

void check_shape(const KvShape& s) {
  auto holds = [](int width) { return width > 0 && width <= kWidestHead; };
  if (s.heads < 1 || !holds(s.k_width) || !holds(s.v_width))
    fail(ErrorCode::kUnsupported, "kv", "{} heads with keys of {} and values of {}; expected heads of 1 to {}", s.heads, s.k_width,
         s.v_width, kWidestHead);
}

const KvCodecKernels* codec(const KernelTable& table, const Unit& unit, bool exact) {
  const KvCodecKernels* c = table.find_codec(unit.name, exact);
  if (c == nullptr) fail(ErrorCode::kUnsupported, "kv", "codec {} has no kernels on this machine", unit.name);
  return c;
}

}  // namespace

PagedPool::PagedPool(const KvPoolOptions& options)
    : spec_(canonical_kv_spec(options.spec)), table_(options.table != nullptr ? options.table : &kernels()) {
  const auto specs = resolve_kv_spec(options.spec, static_cast<int>(options.layers.size()));
  for (size_t l = 0; l < specs.size(); ++l) {
    Layer layer;
    layer.shape = options.layers[l];
    check_shape(layer.shape);
    layer.k_width = padded(layer.shape.k_width);
    layer.v_width = padded(layer.shape.v_width);
    layer.k = codec(*table_, specs[l].k_codec, options.exact);
    layer.v = codec(*table_, specs[l].v_codec, options.exact);
    layer.offset = extent_bytes_;
    layer.v_offset = round_up(layer.k->k_page_bytes(layer.k_width), 64);
    layer.page_bytes = layer.v_offset + round_up(layer.v->v_page_bytes(layer.v_width), 64);
    extent_bytes_ += layer.page_bytes * static_cast<size_t>(layer.shape.heads);
    layers_.push_back(layer);
  }
  const int64_t rows = options.max_rows > 0 ? options.max_rows : kDefaultRows;
  stride_ = round_up(extent_bytes_, static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  capacity_ = std::min(static_cast<size_t>((rows + kPageRows - 1) / kPageRows), kMostReserved / std::max<size_t>(stride_, 1));
  void* p = mmap(nullptr, capacity_ * stride_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) fail(ErrorCode::kIo, "kv", "the system refused to reserve {} bytes of addresses", capacity_ * stride_);
  base_ = static_cast<uint8_t*>(p);
  if (stride_ >= (size_t{64} << 10)) madvise(p, capacity_ * stride_, MADV_HUGEPAGE);  // fewer address lookups at depth
}

PagedPool::~PagedPool() {
  if (base_ != nullptr) munmap(base_, capacity_ * stride_);
}

std::unique_ptr<KvSeq> PagedPool::create() { return std::make_unique<PagedSeq>(*this); }

size_t PagedPool::bytes_mapped() const {
  std::lock_guard lock(mutex_);
  return in_use_ * extent_bytes_;
}

void PagedPool::share(uint8_t* extent) {
  std::lock_guard lock(mutex_);
  ++count(extent);
}

bool PagedPool::is_shared(uint8_t* extent) {
  std::lock_guard lock(mutex_);
  return count(extent) > 1;
}

uint8_t* PagedPool::allocate() {
  std::lock_guard lock(mutex_);
  size_t index;
  if (!free_.empty()) {
    index = free_.back();
    free_.pop_back();
  } else if (fresh_ < capacity_) {
    index = fresh_++;
    counts_.push_back(0);
  } else {
    return nullptr;
  }
  ++in_use_;
  counts_[index] = 1;
  return base_ + index * stride_;
}

void PagedPool::release(uint8_t* extent) {
  std::lock_guard lock(mutex_);
  if (--count(extent) > 0) return;
  madvise(extent, stride_, MADV_DONTNEED);
  free_.push_back(static_cast<size_t>(extent - base_) / stride_);
  --in_use_;
}

PagedSeq::~PagedSeq() {
  for (uint8_t* e : extents_) pool_.release(e);
}

bool PagedSeq::reserve(int64_t rows) {
  const size_t need = static_cast<size_t>((length_ + rows + kPageRows - 1) / kPageRows), had = extents_.size();
  while (extents_.size() < need) {
    uint8_t* e = pool_.allocate();
    if (e == nullptr) {
      for (; extents_.size() > had; extents_.pop_back()) pool_.release(extents_.back());  // others may use it
      return false;
    }
    extents_.push_back(e);
  }
  for (size_t i = static_cast<size_t>(length_ / kPageRows); i < need; ++i) {
    if (!pool_.is_shared(extents_[i])) continue;
    uint8_t* own = pool_.allocate();
    if (own == nullptr) return false;
    std::memcpy(own, extents_[i], pool_.extent_bytes());
    pool_.release(std::exchange(extents_[i], own));
  }
  positions_.resize(extents_.size() * kPageRows);
  return true;
}

void PagedSeq::truncate(int64_t length) {
  length_ = std::clamp<int64_t>(length, 0, length_);
  while (static_cast<int64_t>(extents_.size()) * kPageRows >= length_ + kPageRows) {
    pool_.release(extents_.back());
    extents_.pop_back();
  }
}

void PagedSeq::copy_row(int64_t from, int64_t to) {
  float row[kWidestHead];
  for (int l = 0; l < pool_.layers(); ++l) {
    const PagedPool::Layer& layer = pool_.layer(l);
    for (int h = 0; h < layer.shape.heads; ++h) {
      const uint8_t* source = page_of(from) + layer.page(h);
      uint8_t* target = page_of(to) + layer.page(h);
      layer.k->k_read(source, layer.k_width, static_cast<int>(from % kPageRows), row);
      layer.k->k_write(row, layer.k_width, target, static_cast<int>(to % kPageRows));
      layer.v->v_read(source + layer.v_offset, layer.v_width, static_cast<int>(from % kPageRows), row);
      layer.v->v_write(row, layer.v_width, target + layer.v_offset, static_cast<int>(to % kPageRows));
    }
  }
  positions_[static_cast<size_t>(to)] = positions_[static_cast<size_t>(from)];
}

void PagedSeq::keep_path(std::span<const int> rows) {
  const int64_t base = length_;
  for (size_t i = 0; i < rows.size(); ++i)
    if (rows[i] != static_cast<int>(i)) copy_row(base + rows[i], base + static_cast<int64_t>(i));
  length_ += static_cast<int64_t>(rows.size());
}

std::unique_ptr<KvSeq> PagedSeq::fork() {
  auto copy = std::make_unique<PagedSeq>(pool_);
  copy->extents_ = extents_;
  copy->positions_ = positions_;
  copy->length_ = length_;
  for (uint8_t* e : extents_) pool_.share(e);
  return copy;
}

std::unique_ptr<KvPool> make_kv_pool(const KvPoolOptions& options) { return std::make_unique<PagedPool>(options); }

}  // namespace frugal
