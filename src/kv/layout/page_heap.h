// Pages of many sizes for layouts that take them one by one: counted, so that forks share them.
//
// Each size has a reserved range of addresses of its own. A page comes zeroed, so that nothing that lay there before
// can show (zero times infinity is not zero). Free pages stay mapped for the next one until they are more than a few
// megabytes and an eighth of what is in use; then all go back to the system, neighbours together, where they cover
// whole pages of it: given back one by one each costs a call that interrupts the other processors. Guarded: a client
// may let go of a finished answer's cache while the engine's thread works on others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace frugal {

class PageHeap {
 public:
  explicit PageHeap(size_t capacity);  // bytes in use at most
  ~PageHeap();
  PageHeap(const PageHeap&) = delete;
  PageHeap& operator=(const PageHeap&) = delete;

  uint8_t* allocate(size_t bytes);  // nullptr when the heap is full
  void share(uint8_t* page);
  void release(uint8_t* page);
  bool is_shared(uint8_t* page);
  size_t size_of(uint8_t* page);
  size_t in_use() const;

 private:
  struct Size {
    size_t bytes = 0, fresh = 0;
    uint8_t* base = nullptr;
    std::vector<uint32_t> counts, used, returned;  // free pages: as they were left, and given back
  };
  Size& size_for(size_t bytes);
  Size& home_of(uint8_t* page);
  static size_t index(const Size& s, const uint8_t* page) { return static_cast<size_t>(page - s.base) / s.bytes; }
  static void give_back(Size& s);

  size_t capacity_, in_use_ = 0, kept_ = 0;  // kept_: bytes of used free pages
  mutable std::mutex mutex_;
  std::vector<Size> sizes_;
};

}  // namespace frugal
