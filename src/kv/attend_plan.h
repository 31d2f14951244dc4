// How one attend step is cut into work, and where everything lies in its scratch memory.
//
// A group is the rows of one sequence that meet one key/value head together. With many groups each is one unit of
// work, done whole. With few, as when one sequence decodes, a unit is one group over one block of cached rows, and
// partial results are folded afterwards. Both ways fold block by block in the same order, so the bits agree.
//
// A draft tree is met as chains, one for each leaf: the rows from the root to it, as if they stood one behind the other
// in the cache. Each row belongs to the first leaf that it leads to. So a row of a tree has the very bits that it will
// have when its path was fed in sequence, which hiding the rows between by a mask would not give: sums are grouped by
// slot.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "kv/rows.h"

namespace frugal {

struct AttendGeometry {
  int heads, groups, ratio, k_width, v_width, q_in, v_out;  // widths padded; q_in, v_out as the caller has them
  size_t prep, k_page, v_page;                              // bytes of a prepared query, of a page's keys and values
  AttendGeometry(const KvLayer& l, const AttendSpec& spec)
      : heads(spec.heads),
        groups(l.shape.heads),
        ratio(spec.heads / l.shape.heads),
        k_width(l.k_width),
        v_width(l.v_width),
        q_in(l.shape.k_width),
        v_out(l.shape.v_width),
        prep(l.k->prep_bytes(l.k_width)),
        k_page(AttendGeometry::round_up(l.k->k_page_bytes(l.k_width))),
        v_page(AttendGeometry::round_up(l.v->v_page_bytes(l.v_width))) {}
  static size_t round_up(size_t n) { return (n + 63) / 64 * 64; }
  size_t partial_bytes() const { return (17 + static_cast<size_t>(v_width)) * sizeof(float); }
};

// Rows [row, row + rows) of sequence seq, one key/value head, over blocks [block0, block0 + blocks). base: the slot of
// the step's first row. With a leaf (else -1) rows are counted along the path to it, which has `path` of them.
struct AttendGroup {
  int seq, row, rows, head, leaf, path;
  int64_t base, block0, blocks;
  size_t partial;  // number of its first query in its first block, among all partial results
};
struct AttendBlock {
  int group;
  int64_t block;
};

struct AttendLayout;

// What one thread needs to meet a chain of a tree: the queries one behind the other, and pages as they will be.
struct AttendChain {
  uint8_t *prep, *far_prep;      // of n queries
  uint8_t *k_tail, *v_tail;      // copies of the pages from the step's first row on
  uint8_t **k_pages, **v_pages;  // all pages, those among them
  int32_t* positions;            // by slot
  static size_t bytes(const AttendLayout& l, const AttendGeometry& g, size_t n);
  AttendChain(std::byte* at, const AttendLayout& l, const AttendGeometry& g, size_t n);
};

struct AttendLayout {
  struct Header {
    std::atomic<int> next;
    int groups, blocks;
    bool by_block;
  };
  static constexpr size_t kMostPartialBytes = size_t{16} << 20;
  static constexpr int kFewestQueries = 48, kMostQueries = 192;  // of a group, about

  int most_rows;   // of a group
  int tail_pages;  // at most, of a tree's chain
  int64_t pages;   // of a sequence, at most
  bool may_split;  // would the partial results of all blocks be small?
  size_t groups_at, blocks_at, prep_at, far_at, partials_at, thread0, per_thread, unit_at, row_at, owner_at, chain_at,
      total;

  // far: are there pages whose rows are met from another position?
  AttendLayout(const AttendGeometry& g, int64_t rows, int64_t seqs, int64_t length, int threads, bool far) {
    const int64_t blocks = length / kAttendRows + 2, wanted = rows * g.groups / (8 * threads);
    const int64_t fewest = std::max(1, kFewestQueries / g.ratio),
                  most = std::max<int64_t>(fewest, kMostQueries / g.ratio);
    most_rows = static_cast<int>(std::clamp<int64_t>(wanted, fewest, most));
    tail_pages = static_cast<int>(rows / kPageRows + 2);
    pages = length / kPageRows + tail_pages;
    const size_t whole = static_cast<size_t>((rows + seqs) * g.groups);  // a tree may have as many leaves as rows
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
    owner_at = row_at + align(static_cast<size_t>(std::max(g.k_width, g.v_width)) * sizeof(float));
    chain_at = owner_at + align(static_cast<size_t>(rows) * sizeof(int));
    per_thread = chain_at + AttendChain::bytes(*this, g, n);
    total = thread0 + per_thread * static_cast<size_t>(threads);
  }
  static size_t align(size_t n) { return (n + 63) / 64 * 64; }
};

// The pieces of a chain's memory, in order.
inline std::array<size_t, 7> chain_pieces(const AttendLayout& l, const AttendGeometry& g, size_t n) {
  const size_t tail = static_cast<size_t>(l.tail_pages), pages = static_cast<size_t>(l.pages);
  return {n * g.prep,
          n * g.prep,
          tail * g.k_page,
          tail * g.v_page,
          pages * sizeof(uint8_t*),
          pages * sizeof(uint8_t*),
          pages * kPageRows * sizeof(int32_t)};
}

inline size_t AttendChain::bytes(const AttendLayout& l, const AttendGeometry& g, size_t n) {
  size_t total = 0;
  for (size_t piece : chain_pieces(l, g, n)) total += AttendLayout::align(piece);
  return total;
}

inline AttendChain::AttendChain(std::byte* at, const AttendLayout& l, const AttendGeometry& g, size_t n) {
  std::array<std::byte*, 7> begin;
  const auto pieces = chain_pieces(l, g, n);
  for (size_t i = 0; i < pieces.size(); ++i) begin[i] = std::exchange(at, at + AttendLayout::align(pieces[i]));
  prep = reinterpret_cast<uint8_t*>(begin[0]), far_prep = reinterpret_cast<uint8_t*>(begin[1]);
  k_tail = reinterpret_cast<uint8_t*>(begin[2]), v_tail = reinterpret_cast<uint8_t*>(begin[3]);
  k_pages = reinterpret_cast<uint8_t**>(begin[4]), v_pages = reinterpret_cast<uint8_t**>(begin[5]);
  positions = reinterpret_cast<int32_t*>(begin[6]);
}

}  // namespace frugal
