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

size_t round_up(size_t n, size_t step) { return (n + step - 1) / step * step; }

}  // namespace

PagedPool::PagedPool(const KvPoolOptions& options) : RowPool(options) {
  for (KvLayer& layer : layers_) {
    layer.offset = extent_bytes_;
    layer.v_offset = round_up(layer.k->k_page_bytes(layer.k_width), 64);
    layer.page_bytes = layer.v_offset + round_up(layer.v->v_page_bytes(layer.v_width), 64);
    extent_bytes_ += layer.page_bytes * static_cast<size_t>(layer.shape.heads);
  }
  const int64_t rows = options.max_rows > 0 ? options.max_rows : kDefaultRows;
  stride_ = round_up(extent_bytes_, static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  capacity_ =
      std::min(static_cast<size_t>((rows + kPageRows - 1) / kPageRows), kMostReserved / std::max<size_t>(stride_, 1));
  void* p =
      mmap(nullptr, capacity_ * stride_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED)
    fail(ErrorCode::kIo, "kv", "the system refused to reserve {} bytes of addresses", capacity_ * stride_);
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
  forget(length_, length_ + std::exchange(reserved_, 0));  // of a step that was never committed
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
  reserved_ = rows;
  return true;
}

// Rows of a step that stay; of the others nothing may be seen, infinities least of all.
void PagedSeq::commit(int64_t rows) {
  length_ += rows;
  forget(length_, length_ + std::exchange(reserved_, 0) - rows);
}

// Rows [first, last) were here and are no longer: where a form can hold infinities, they become zeros.
void PagedSeq::forget(int64_t first, int64_t last) {
  for (int l = 0; l < pool_.layers(); ++l) {
    const KvLayer& layer = pool_.layer(l);
    if (!holds_infinities(*layer.k) && !holds_infinities(*layer.v)) continue;
    for (int64_t slot = first; slot < std::min<int64_t>(last, static_cast<int64_t>(extents_.size()) * kPageRows);
         ++slot)
      for (int h = 0; h < layer.shape.heads && !pool_.is_shared(extents_[static_cast<size_t>(slot / kPageRows)]); ++h) {
        uint8_t* page = page_of(slot) + layer.page(h);
        erase_row(layer, page, page + layer.v_offset, static_cast<int>(slot % kPageRows));
      }
  }
}

void PagedSeq::truncate(int64_t length) {
  const int64_t had = length_ + std::exchange(reserved_, 0);
  length_ = std::clamp<int64_t>(length, 0, length_);
  while (static_cast<int64_t>(extents_.size()) * kPageRows >= length_ + kPageRows) {
    pool_.release(extents_.back());
    extents_.pop_back();
  }
  forget(length_, had);
}

HeadView PagedSeq::head(int layer, int head) {
  const KvLayer& l = pool_.layer(layer);
  HeadView view;
  view.k_pages = view.v_pages = extents_.data();
  view.k_offset = l.page(head);
  view.v_offset = view.k_offset + l.v_offset;
  view.positions = positions_.data();
  view.slots = length_;
  return view;
}

void PagedSeq::copy_row(int64_t from, int64_t to) {
  const int i = static_cast<int>(from % kPageRows), j = static_cast<int>(to % kPageRows);
  for (int l = 0; l < pool_.layers(); ++l) {
    const KvLayer& layer = pool_.layer(l);
    for (int h = 0; h < layer.shape.heads; ++h) {
      const uint8_t* source = page_of(from) + layer.page(h);
      uint8_t* target = page_of(to) + layer.page(h);
      layer.k->k_copy(source, layer.k_width, i, target, j);
      layer.v->v_copy(source + layer.v_offset, layer.v_width, i, target + layer.v_offset, j);
    }
  }
  positions_[static_cast<size_t>(to)] = positions_[static_cast<size_t>(from)];
}

void PagedSeq::keep_path(std::span<const int> rows) {
  const int64_t base = length_;
  for (size_t i = 0; i < rows.size(); ++i)
    if (rows[i] != static_cast<int>(i)) copy_row(base + rows[i], base + static_cast<int64_t>(i));
  commit(static_cast<int64_t>(rows.size()));
}

std::unique_ptr<KvSeq> PagedSeq::fork() {
  auto copy = std::make_unique<PagedSeq>(pool_);
  copy->extents_ = extents_;
  copy->positions_ = positions_;
  copy->length_ = length_;
  for (uint8_t* e : extents_) pool_.share(e);
  return copy;
}

}  // namespace frugal
