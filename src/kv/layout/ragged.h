// Layout ragged: every layer and key/value head keeps its own rows, in pages of its own, so that each may keep
// different ones and more or fewer of them, and what leaves gives memory back.
//
//   page     kPageRows rows of one head: one piece of memory for keys and one for values, each open (as its codec
//   writes
//            rows) or closed (kivi: quantised together). Closed pages come first; the last page is open and takes new
//            rows.
//   alive    a bit for each row of a page. A row that leaves is first only a dead bit; pages without a living row are
//   let
//            go at once, open pages are compacted in place when a sixteenth of their rows is dead, closed ones are
//            packed anew, codes as they are, when a quarter is.
//   column   a number of each row, at its slot: its token, what policies asked for. Columns move with their rows.
//
// Rows keep their order, oldest first. Events run inside commit, keep_path and end_prompt, on the pool's team, each
// head by itself: queries not yet counted meet the keys again (mass), the policy selects, rows leave, pages close.
// Between events nothing moves, so rows computed together see what they would have seen one by one.
#pragma once

#include <array>
#include <atomic>

#include "kv/layout/page_heap.h"
#include "kv/policy/policy.h"
#include "kv/rows.h"
#include "kv/spec.h"

namespace frugal {

class RaggedPool : public RowPool {
 public:
  RaggedPool(const KvPoolOptions& options, const std::vector<LayerSpec>& specs);
  std::unique_ptr<KvSeq> create() override;
  size_t bytes_mapped() const override { return heap_.in_use(); }
  int64_t most_slots(int64_t length) const override {
    return std::min(length + length / 2, most_rows_) + 4 * kPageRows;
  }
  bool moves_positions() const override { return moves_positions_; }

  PageHeap& heap() { return heap_; }
  ThreadTeam* team() { return team_; }
  const Policy& policy(int l) const { return *policies_[static_cast<size_t>(l)]; }
  const PolicyNeeds& needs(int l) const { return needs_[static_cast<size_t>(l)]; }
  size_t columns_bytes(int l) const;  // of a row
  double row_bytes() const;           // of a row in every layer and head, closed where pages close

 private:
  PageHeap heap_;
  int64_t most_rows_;  // of one head, whatever its pages' form
  ThreadTeam* team_;
  bool moves_positions_ = false;
  std::vector<std::unique_ptr<Policy>> policies_;
  std::vector<PolicyNeeds> needs_;
};

// Columns of floats that a policy may ask for.
constexpr int kMostCountedRows = 64;  // queries are counted before more of them wait

enum RowColumn { kMass, kDecodeMass, kValueNorm, kRowColumns };

struct RaggedHead {
  std::vector<uint8_t*> k, v;             // by page
  std::vector<uint8_t> k_forms, v_forms;  // by page: 0 open, else closed
  std::vector<uint32_t> alive;            // by page; rows that are not there yet count as living
  std::vector<int32_t> token;             // by slot
  std::array<bool, kRowColumns> has_column = {};
  std::array<std::vector<float>, kRowColumns> columns;  // by slot
  size_t history_bytes = 0;
  std::vector<uint8_t> history;  // by slot: a ring of bits
  int64_t slots = 0;             // committed
  int64_t normed = 0;            // slots whose value norm is known
  int64_t far_pages = 0;         // pages of the sinks, where positions are counted in the cache
  int32_t far_shift = 0;

  int64_t pages() const { return static_cast<int64_t>(alive.size()); }
  int in_page(int64_t page) const {
    return static_cast<int>(std::clamp<int64_t>(slots - page * kPageRows, 0, kPageRows));
  }
  uint32_t living(int64_t page) const;  // bits of committed rows that live
  int64_t rows() const;                 // that live
  bool open(int64_t page) const {
    return k_forms[static_cast<size_t>(page)] == 0 && v_forms[static_cast<size_t>(page)] == 0;
  }
  void set_up(const PolicyNeeds& needs);
  void resize(int64_t pages);  // pages that come are open, without memory
  void move_columns(int64_t from, int64_t to);
  void move_page(int64_t from, int64_t to);
  void begin_row(int64_t slot, int32_t number);
};
inline size_t history_bytes(int queries) { return (static_cast<size_t>(queries) + 7) / 8; }
size_t head_bytes(const RaggedPool& pool, int layer, const RaggedHead& h);

class RaggedSeq : public RowSeq {
 public:
  explicit RaggedSeq(RaggedPool& pool);
  ~RaggedSeq() override;
  int64_t length() const override { return length_; }
  bool reserve(int64_t rows) override;
  void commit(int64_t rows) override;
  void keep_path(std::span<const int> rows) override;
  void truncate(int64_t length) override;
  std::unique_ptr<KvSeq> fork() override;
  int64_t rows_until_event() const override;
  void begin_prompt() override { in_prompt_ = true; }
  void end_prompt() override;
  size_t bytes() const override;
  void save(const std::string& path, const std::vector<int32_t>& ids) const override;
  std::vector<int32_t> load(const std::string& path) override;

  HeadView head(int layer, int head) override;
  KvTape* tape(int layer) override {
    return pool_.needs(layer).queries() ? &tapes_[static_cast<size_t>(layer)] : nullptr;
  }
  const RaggedHead& rows_of(int layer, int head) const {
    return heads_[first_[static_cast<size_t>(layer)] + static_cast<size_t>(head)];
  }  // for tests

 private:
  friend class RaggedEvent;
  RaggedHead& at(int layer, int head) { return heads_[first_[static_cast<size_t>(layer)] + static_cast<size_t>(head)]; }
  template <typename F>
  void each_head(F f) {  // f(layer, head, rows)
    for (int l = 0; l < pool_.layers(); ++l)
      for (int h = 0; h < pool_.layer(l).shape.heads; ++h) f(l, h, at(l, h));
  }
  bool reserve(int layer, RaggedHead& h, int64_t rows);
  void drop_last_page(RaggedHead& h);
  void cut(int layer, RaggedHead& h, int64_t length);
  void take_in(int64_t rows);
  void run_events(bool prompt_ends, int64_t before);
  void read_tape(class ByteReader& in, const std::string& path, int layer);
  void forget_uncommitted(int64_t written);
  void clear();

  RaggedPool& pool_;
  std::vector<size_t> first_;  // by layer: its first head
  std::vector<RaggedHead> heads_;
  std::vector<KvTape> tapes_;  // by layer
  int64_t length_ = 0, prompt_ = 0, reserved_ = 0;
  bool in_prompt_ = true;
  std::atomic<bool> shared_ = false;  // are there pages that others hold too? set by several heads' events at once
};

}  // namespace frugal
