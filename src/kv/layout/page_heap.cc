#include "kv/layout/page_heap.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/error.h"

namespace frugal {
namespace {

constexpr size_t kKept = size_t{4} << 20;  // bytes

size_t system_page() {
  static const size_t bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}
size_t round_up(size_t n, size_t step) { return (n + step - 1) / step * step; }

}  // namespace

PageHeap::PageHeap(size_t capacity) : capacity_(capacity) {}

PageHeap::~PageHeap() {
  for (Size& s : sizes_) munmap(s.base, round_up(capacity_, system_page()));
}

PageHeap::Size& PageHeap::size_for(size_t bytes) {
  for (Size& s : sizes_)
    if (s.bytes == bytes) return s;
  void* p = mmap(nullptr, round_up(capacity_, system_page()), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) fail(ErrorCode::kIo, "kv", "the system refused to reserve {} bytes of addresses", capacity_);
  madvise(p, round_up(capacity_, system_page()), MADV_HUGEPAGE);  // fewer address lookups at depth
  return sizes_.emplace_back(Size{bytes, 0, static_cast<uint8_t*>(p), {}, {}, {}});
}

PageHeap::Size& PageHeap::home_of(uint8_t* page) {
  for (Size& s : sizes_)
    if (page >= s.base && page < s.base + s.fresh * s.bytes) return s;
  assert(false && "a page of another heap");
  return sizes_.front();
}

uint8_t* PageHeap::allocate(size_t wanted) {
  const size_t bytes = round_up(wanted, 64);
  std::lock_guard lock(mutex_);
  if (in_use_ + bytes > capacity_) return nullptr;
  Size& s = size_for(bytes);
  size_t i = s.fresh;
  if (std::vector<uint32_t>& free = s.used.empty() ? s.returned : s.used; !free.empty()) {
    i = free.back();
    free.pop_back();
    if (&free == &s.used) kept_ -= bytes;
    if (&free == &s.used || bytes % system_page() != 0) std::memset(s.base + i * bytes, 0, bytes);
  } else {
    ++s.fresh;
    s.counts.push_back(0);
  }
  s.counts[i] = 1;
  in_use_ += bytes;
  return s.base + i * bytes;
}

void PageHeap::share(uint8_t* page) {
  std::lock_guard lock(mutex_);
  Size& s = home_of(page);
  ++s.counts[index(s, page)];
}

bool PageHeap::is_shared(uint8_t* page) {
  std::lock_guard lock(mutex_);
  Size& s = home_of(page);
  return s.counts[index(s, page)] > 1;
}

size_t PageHeap::size_of(uint8_t* page) {
  std::lock_guard lock(mutex_);
  return home_of(page).bytes;
}

void PageHeap::release(uint8_t* page) {
  std::lock_guard lock(mutex_);
  Size& s = home_of(page);
  const size_t i = index(s, page);
  if (--s.counts[i] > 0) return;
  s.used.push_back(static_cast<uint32_t>(i));
  in_use_ -= s.bytes;
  kept_ += s.bytes;
  if (kept_ <= std::max(kKept, in_use_ / 8)) return;
  for (Size& size : sizes_) give_back(size);
  kept_ = 0;
}

// The system's own pages within each run of free ones.
void PageHeap::give_back(Size& s) {
  std::sort(s.used.begin(), s.used.end());
  for (size_t first = 0, last; first < s.used.size(); first = last) {
    for (last = first + 1; last < s.used.size() && s.used[last] == s.used[last - 1] + 1;) ++last;
    const size_t begin = round_up(s.used[first] * s.bytes, system_page()),
                 end = (s.used[last - 1] + size_t{1}) * s.bytes / system_page() * system_page();
    if (begin < end) madvise(s.base + begin, end - begin, MADV_DONTNEED);
  }
  s.returned.insert(s.returned.end(), s.used.rbegin(), s.used.rend());  // the lowest goes out first
  s.used.clear();
}

size_t PageHeap::in_use() const {
  std::lock_guard lock(mutex_);
  return in_use_;
}

}  // namespace frugal
