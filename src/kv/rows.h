// What attend sees of a cache, whatever its layout: the layers' forms, and where the rows of one head lie.
#pragma once

#include "kv/cache.h"
#include "kv/codec/codec.h"
#include "ops/attention.h"
#include "ops/kivi.h"

namespace frugal {

constexpr int kWidestKvHead = 1024;

// One side (keys or values) of a layer that closes its pages; bits 0: it does not.
struct KvClosing {
  KiviForm form;
  int64_t residual = 0;  // newest rows that stay open
  KvSchedule schedule;
  const KvClosedKernels* kernels = nullptr;
  const KvCodecKernels* floats = nullptr;  // opens open pages as floats
  bool on() const { return kernels != nullptr; }
};

struct KvLayer {
  KvShape shape;
  int k_width = 0, v_width = 0;                     // padded to lanes
  const KvCodecKernels *k = nullptr, *v = nullptr;  // of open pages, as their tiles multiply them
  KvClosing k_closing, v_closing;
  // Layout paged: where a head's page lies inside an extent.
  size_t offset = 0, page_bytes = 0, v_offset = 0;
  size_t page(int head) const { return offset + static_cast<size_t>(head) * page_bytes; }
};

class RowPool : public KvPool {
 public:
  std::string spec() const override { return spec_; }
  const KvLayer& layer(int l) const { return layers_[static_cast<size_t>(l)]; }
  int layers() const { return static_cast<int>(layers_.size()); }
  const KernelTable& table() const { return *table_; }
  // Slots that a head may take, dead rows included, in a sequence of so many tokens.
  virtual int64_t most_slots(int64_t length) const { return length; }
  virtual bool moves_positions() const { return false; }  // may a view have far pages?

 protected:
  // Checks and resolves: spec_, table_, and what layers_ says of shapes and codecs.
  explicit RowPool(const KvPoolOptions& options);
  std::string spec_;
  const KernelTable* table_;
  std::vector<KvLayer> layers_;
};

// The queries of one layer's rows that a policy has not counted yet: of each row H prepared queries and the base-2
// log-sum-exps of their scores. Rows [0, rows) are committed, the step's own stand behind them.
struct KvTape {
  int heads = 0, rows = 0;
  size_t prep = 0;  // bytes of a query
  float softcap = 0;
  const float* slopes = nullptr;
  std::vector<uint8_t> queries;
  std::vector<float> lse;
  void make_room(int step_rows, int query_heads, size_t prep_bytes, const AttendSpec& spec);
  uint8_t* query(int row, int head) {
    return queries.data() + (static_cast<size_t>(row) * static_cast<size_t>(heads) + static_cast<size_t>(head)) * prep;
  }
  float& lse_of(int row, int head) {
    return lse[static_cast<size_t>(row) * static_cast<size_t>(heads) + static_cast<size_t>(head)];
  }
  void keep(int to, int from);  // row from takes the place of row to
};

// The rows of one head, in slots. A step's new rows go to slots, slots + 1, ...
struct HeadView {
  uint8_t* const* k_pages = nullptr;
  uint8_t* const* v_pages = nullptr;
  size_t k_offset = 0, v_offset = 0;
  const uint8_t *k_forms = nullptr, *v_forms = nullptr;
  const uint32_t* alive = nullptr;
  int32_t* positions = nullptr;
  int64_t slots = 0;
  int64_t far_pages = 0;  // see AttendUnit
  int32_t far_shift = 0;
};

// Can a row of this form hold what no arithmetic gets rid of? Others store the nearest finite value.
inline bool holds_infinities(const KvCodecKernels& c) {
  return c.name[0] == 'b' || (c.name[0] == 'f' && c.name[1] == '3');
}

// Makes a row zeros where its form can hold infinities: what is hidden is multiplied by zero all the same.
void erase_row(const KvLayer& layer, uint8_t* k_page, uint8_t* v_page, int index);

class RowSeq : public KvSeq {
 public:
  virtual HeadView head(int layer, int head) = 0;
  virtual KvTape* tape(int) { return nullptr; }  // of a layer, where its queries are to be kept
};

}  // namespace frugal
