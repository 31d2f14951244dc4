// The cache seam: the only header of kv/ that model/ includes.
//
// A KvPool owns pages; a KvSeq is one sequence's rows in it: layout + codec + policy, chosen by a spec. One op reads
// and writes it, attend: the cache writes the new rows (rotating keys itself), maps the queries and reads. Families
// and the Program know nothing about where rows lie, in which form, or which of them stay.
//
//   row      one token's key and value in one layer and head
//   slot     a row's place in its sequence's storage, page * 32 + index; committed rows first, then this step's
//   page     kPageRows rows of one layer and one key/value head, in the codec's form
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/threads.h"
#include "ops/kernels.h"
#include "ops/rope.h"

namespace frugal {

struct KvShape {
  int heads = 0;    // key/value heads (G)
  int k_width = 0;  // a key's size; any, stored padded to a multiple of 16
  int v_width = 0;
  int64_t window = 0;  // the layer's own sliding window, 0: none; policies leave such a layer to it
};

class KvSeq;

class KvPool {
 public:
  virtual ~KvPool() = default;
  virtual std::unique_ptr<KvSeq> create() = 0;
  virtual size_t bytes_mapped() const = 0;  // pages in use by all sequences
  virtual std::string spec() const = 0;     // canonical
};

struct KvPoolOptions {
  std::vector<KvShape> layers;
  std::string spec = "full";           // e.g. "full", "k:q8 | v:q8", "f32", "L0-1:f16 | q8"
  int64_t max_rows = 0;                // rows of all sequences together that may be held; 0: 2^20
  bool exact = false;                  // multiply in float32 whatever the stored form (--compute f32)
  const KernelTable* table = nullptr;  // nullptr: kernels()
  ThreadTeam* team = nullptr;          // works on events, between forwards; nullptr: the caller alone
};
// Throws Error when the spec is wrong or cannot combine.
std::unique_ptr<KvPool> make_kv_pool(const KvPoolOptions& options);

class KvSeq {
 public:
  virtual ~KvSeq() = default;
  virtual int64_t length() const = 0;                     // committed rows = tokens the sequence has seen
  virtual bool reserve(int64_t rows) = 0;                 // room for rows new ones after length(); false: pool full
  virtual void commit(int64_t rows) = 0;                  // the first rows of this step stay
  virtual void keep_path(std::span<const int> rows) = 0;  // commit a subset of this step's rows (ascending), in order
  virtual void truncate(int64_t length) = 0;
  virtual std::unique_ptr<KvSeq> fork() = 0;     // shares full pages, copies the last
  virtual int64_t rows_until_event() const = 0;  // a step must not commit more; large when nothing is due
  // A sequence begins inside a prompt, whose rows attend to each other as they are. Where it ends (all its rows are
  // committed), the cache compresses it and fixes the budgets; from then on events come as rows_until_event says.
  virtual void begin_prompt() = 0;  // another turn's prompt follows
  virtual void end_prompt() = 0;
  virtual size_t bytes() const = 0;  // pages mapped, all layers
  virtual void save(const std::string& path, const std::vector<int32_t>& ids) const = 0;
  virtual std::vector<int32_t> load(const std::string& path) = 0;  // replaces the content; the ids saved with it
};

// One sequence's share of a packed batch: rows [first, first + rows).
struct KvRows {
  KvSeq* seq = nullptr;
  int first = 0, rows = 0;
  // Tree: for each row the index (within the share) of its parent, -1 for the root; empty: a chain.
  std::span<const int> parents = {};
};

// What is fixed about one layer's attention.
struct AttendSpec {
  int layer = 0;                        // whose rows are read and written (kv_owner resolved by the caller)
  int heads = 0;                        // query heads (H); heads / KvShape.heads of them share a key/value head
  float scale = 1.0f;                   // multiplies q . k
  float softcap = 0.0f;                 // 0: none; else cap * tanh(score / cap)
  int64_t window = 0;                   // 0: none; else a row sees the last window rows, itself included
  bool write = true;                    // false: this layer reads another one's rows
  const RopeTable* rope = nullptr;      // nullptr: no rotation
  const float* alibi_slopes = nullptr;  // H slopes: score += slope * (key position - query position)
};

// What a step brings. All strides in floats.
struct AttendStep {
  std::span<const KvRows> seqs;
  const int32_t* positions = nullptr;  // by row
  const float* cos_sin = nullptr;      // by row, from rope_angles; nullptr without rope
  const float* q = nullptr;            // rows x H * k_width, not yet rotated
  const float* k = nullptr;            // rows x G * k_width, not yet rotated
  const float* v = nullptr;            // rows x G * v_width
  float* out = nullptr;                // rows x H * v_width
  int64_t q_stride = 0, k_stride = 0, v_stride = 0, out_stride = 0;
  std::span<std::byte> scratch;  // at least attend_scratch_bytes, 64-byte aligned, shared by the team
};

// Scratch for steps of at most max_rows rows, at most max_seqs sequences and at most max_length cached rows each.
size_t attend_scratch_bytes(const KvPool& pool, const AttendSpec& spec, int max_rows, int max_seqs, int64_t max_length,
                            int threads);

// The three phases of attend; every member of the team calls each of them, with a barrier after each.
void attend_write(KvPool& pool, const AttendSpec& spec, const AttendStep& step, int thread, int threads);
void attend_read(KvPool& pool, const AttendSpec& spec, const AttendStep& step, int thread, int threads);
void attend_merge(KvPool& pool, const AttendSpec& spec, const AttendStep& step, int thread, int threads);

}  // namespace frugal
