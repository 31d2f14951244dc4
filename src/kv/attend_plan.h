// How one attend step is cut into work, and where everything lies in its scratch memory.
//
// A group is the rows of one sequence that meet one key/value head together. With many groups each is one unit of
// work, done whole. With few, as when one sequence decodes, a unit is one group over one block of cached rows, and
// partial results are folded afterwards. Both ways fold block by block in the same order, so the bits agree.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "kv/rows.h"

namespace frugal {

struct AttendGeometry {
  int heads, groups, ratio, k_width, v_width, q_in, v_out;  // widths padded; q_in, v_out as the caller has them
  size_t prep;                                              // bytes of a prepared query
  AttendGeometry(const KvLayer& l, const AttendSpec& spec)
      : heads(spec.heads), groups(l.shape.heads), ratio(spec.heads / l.shape.heads), k_width(l.k_width), v_width(l.v_width),
        q_in(l.shape.k_width), v_out(l.shape.v_width), prep(l.k->prep_bytes(l.k_width)) {}
  size_t partial_bytes() const { return (17 + static_cast<size_t>(v_width)) * sizeof(float); }
};

// Rows [row, row + rows) of sequence seq, one key/value head, over blocks [block0, block0 + blocks). base: the slot of
// the step's first row.
struct AttendGroup {
  int seq, row, rows, head;
  int64_t base, block0, blocks;
  size_t partial;  // number of its first query in its first block, among all partial results
};
struct AttendBlock {
  int group;
  int64_t block;
};

struct AttendLayout {
  struct Header {
    std::atomic<int> next;
    int groups, blocks;
    bool by_block;
  };
  static constexpr size_t kMostPartialBytes = size_t{16} << 20;
  static constexpr int kFewestQueries = 48, kMostQueries = 192;  // of a group, about

  int most_rows, words;  // rows of a group; words of a tree mask
  bool may_split;        // would the partial results of all blocks be small?
  size_t groups_at, blocks_at, prep_at, far_at, partials_at, thread0, per_thread, unit_at, row_at, tree_at, total;

  // far: are there pages whose rows are met from another position?
  AttendLayout(const AttendGeometry& g, int64_t rows, int64_t seqs, int64_t length, int threads, bool far) {
    const int64_t blocks = length / kAttendRows + 2, wanted = rows * g.groups / (8 * threads);
    const int64_t fewest = std::max(1, kFewestQueries / g.ratio), most = std::max<int64_t>(fewest, kMostQueries / g.ratio);
    most_rows = static_cast<int>(std::clamp<int64_t>(wanted, fewest, most));
    words = static_cast<int>((rows + 63) / 64);
    const size_t whole = static_cast<size_t>((rows / fewest + seqs) * g.groups);
    const size_t partials = static_cast<size_t>(g.heads * rows * blocks) * g.partial_bytes();
    may_split = partials <= kMostPartialBytes;
    const size_t split = std::min(partials, kMostPartialBytes);
    groups_at = align(sizeof(Header));
    blocks_at = groups_at + align(whole * sizeof(AttendGroup));
    prep_at = blocks_at + align(split / g.partial_bytes() * sizeof(AttendBlock));
    far_at = prep_at + align(static_cast<size_t>(rows * g.heads) * g.prep);
    partials_at = far_at + (far ? far_at - prep_at : 0);
    thread0 = partials_at + align(split);
    const size_t n = static_cast<size_t>(most) * static_cast<size_t>(g.ratio);
    unit_at = align(n * g.partial_bytes()) + align(n * (2 * sizeof(int64_t) + 2 * sizeof(float)));
    row_at = unit_at + align(attend_unit_scratch(g.k_width, g.v_width));
    tree_at = row_at + align(static_cast<size_t>(std::max(g.k_width, g.v_width)) * sizeof(float));
    per_thread = tree_at + align(n * static_cast<size_t>(words) * sizeof(uint64_t));
    total = thread0 + per_thread * static_cast<size_t>(threads);
  }
  static size_t align(size_t n) { return (n + 63) / 64 * 64; }
};

}  // namespace frugal
