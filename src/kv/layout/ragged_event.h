// What happens to one head's rows at an event: queries are counted, rows leave, pages are packed, pages close.
#pragma once

#include "kv/layout/ragged.h"

namespace frugal {

// Which units of a layer are due.
struct RaggedDue {
  bool count = false, select = false, k = false, v = false;
  bool any() const { return count || select || k || v; }
};

class RaggedEvent {
 public:
  RaggedEvent(RaggedSeq& seq, int layer, int head, const RaggedDue& due, bool prompt_ends)
      : seq_(seq),
        pool_(seq.pool_),
        layer_(pool_.layer(layer)),
        policy_(pool_.policy(layer)),
        needs_(pool_.needs(layer)),
        h_(seq.at(layer, head)),
        tape_(seq.tapes_[static_cast<size_t>(layer)]),
        due_(due),
        layer_index_(layer),
        head_(head),
        prompt_ends_(prompt_ends) {}
  void run();

 private:
  // Counting (ragged_count.cc).
  void count_queries();
  void count_some(int first, int n);
  void note_history(const float* each, int first, int n, int64_t page);
  void measure_values();
  float value_norm(int64_t slot) const;
  uint16_t low_count(int64_t slot) const;

  // Selecting.
  void select();
  std::vector<char> stays(const PolicySelection& s, const std::vector<float>& scores) const;
  void merge_leaving(const PolicyRows& rows, const std::vector<char>& stay);
  void let_go(int64_t slot) { h_.alive[static_cast<size_t>(slot / kPageRows)] &= ~(1u << (slot % kPageRows)); }
  void part_sinks(int64_t sinks);
  void drop_dead_pages();

  // Packing and closing (ragged_pack.cc).
  void tidy();
  std::vector<int64_t> living_slots(int64_t first, int64_t last) const;
  bool shift(int64_t first, int64_t last);
  bool pack(int64_t first, int64_t last);
  void close_up(int64_t first, int64_t last, int64_t pages, int64_t rows, bool takes_more);
  bool fill_page(const std::vector<int64_t>& from, size_t first, size_t n, bool k_closed, bool v_closed,
                 RaggedHead& to);
  void close_keys();
  void close_values();
  int64_t open_rows(const std::vector<uint8_t>& forms) const;
  void fill_dead(int64_t page, float* rows, int step, int channel_step, int width) const;

  RaggedSeq& seq_;
  RaggedPool& pool_;
  const KvLayer& layer_;
  const Policy& policy_;
  const PolicyNeeds& needs_;
  RaggedHead& h_;
  KvTape& tape_;
  const RaggedDue& due_;
  int layer_index_, head_;
  bool prompt_ends_;
  std::vector<int64_t> slot_;  // of living rows, oldest first
};

// Replaces a page that others share by a copy; false when the heap is full.
bool make_own(PageHeap& heap, uint8_t*& page, size_t bytes);
// A row of open pages, copied to another slot.
void copy_open_row(const KvLayer& layer, const RaggedHead& from, int64_t slot, RaggedHead& to, int64_t to_slot);

}  // namespace frugal
