// Tables of 64-bit hashes that are emptied in one step, for one document at a time.
//
// Open addressing with a generation in each slot: clear() raises the generation, and a small document uses only the
// front of the table, which stays in the first cache level. That two different things have one hash (2^-64) is
// accepted.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace frugal::data {

// Counts keys and remembers where each was seen first.
class FirstSeen {
 public:
  // Ready for `most` different keys; empty.
  void clear(size_t most) {
    const size_t want = std::bit_ceil(most * 2 + 16);
    if (want > slots_.size() || generation_ == ~0u) {
      slots_.assign(std::max(want, slots_.size()), {});
      generation_ = 0;
    }
    mask_ = want - 1;
    ++generation_;
  }
  // The new count of key, and where it was first added.
  std::pair<uint32_t, uint32_t> add(uint64_t key, uint32_t at) {
    size_t i = static_cast<size_t>(key ^ (key >> 32)) & mask_;
    while (slots_[i].generation == generation_ && slots_[i].key != key) i = (i + 1) & mask_;
    Slot& s = slots_[i];
    if (s.generation != generation_) s = {key, generation_, 0, at};
    return {++s.count, s.first};
  }

 private:
  struct Slot {
    uint64_t key = 0;
    uint32_t generation = 0, count = 0, first = 0;
  };
  std::vector<Slot> slots_;
  size_t mask_ = 0;
  uint32_t generation_ = 0;
};

class HashCounter : public FirstSeen {
 public:
  bool insert(uint64_t key) { return add(key, 0).first == 1; }  // true when it was not there
};

}  // namespace frugal::data
