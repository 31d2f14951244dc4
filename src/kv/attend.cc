// The attend op over paged sequences, in three phases that a Program calls with barriers between.
//
//   write   rotates and stores the new keys and values, rotates and prepares the queries, lists the units of work
//   read    runs the units: few rows are split by blocks of cached rows, many rows by groups of queries
//   merge   folds the blocks' partial results in ascending order (nothing to do in the second case)
//
// Both ways fold block by block in the same order, so the bits agree.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>

#include "kv/pool.h"
#include "ops/attention.h"

namespace frugal {
namespace {

constexpr int kGroupQueries = 48;  // queries of a unit, about

// A piece of work: rows [row, row + rows) of sequence seq, one key/value head, blocks [block0, block0 + blocks).
struct Work {
  int seq, row, rows, head;
  int64_t block0, blocks;
  size_t partial;  // index of its first query's partial, by blocks
};

struct Header {
  std::atomic<int> next;
  int units;
  bool by_block;
};

struct Geometry {
  int heads, groups, ratio, k_width, v_width, q_in, v_out;  // widths padded, *_in and *_out as the caller has them
  size_t prep;
  Geometry(const PagedPool::Layer& l, const AttendSpec& spec)
      : heads(spec.heads), groups(l.shape.heads), ratio(spec.heads / l.shape.heads), k_width(l.k_width), v_width(l.v_width),
        q_in(l.shape.k_width), v_out(l.shape.v_width), prep((l.k->prep_bytes(l.k_width) + 63) / 64 * 64) {}
  int group_rows() const { return std::max(1, kGroupQueries / ratio); }
  int most_queries() const { return group_rows() * ratio; }
  size_t partial_floats() const { return 1 + 16 + static_cast<size_t>(v_width); }
};

size_t align(size_t n) { return (n + 63) / 64 * 64; }

// How the shared scratch is laid out for at most so many rows, sequences and cached rows.
struct Layout {
  size_t works, prep, partials, thread0, per_thread, total;
  int64_t most_partials;
  Layout(const Geometry& g, int64_t rows, int64_t seqs, int64_t length, int threads) {
    const int64_t blocks = (length + kAttendRows - 1) / (kAttendRows) + 1;
    // By block only while all of it is small; see by_block().
    most_partials = static_cast<int64_t>(g.heads) * std::min<int64_t>(rows, most_block_rows(g, threads, seqs)) * blocks;
    const int64_t units = (rows + seqs) * g.groups + std::min<int64_t>(rows, most_block_rows(g, threads, seqs)) * g.groups * blocks;
    works = align(sizeof(Header));
    prep = works + align(static_cast<size_t>(units) * sizeof(Work));
    partials = prep + static_cast<size_t>(rows * g.heads) * g.prep;
    thread0 = partials + align(static_cast<size_t>(most_partials) * g.partial_floats() * sizeof(float));
    const size_t n = static_cast<size_t>(g.most_queries()), words = static_cast<size_t>(g.group_rows());
    per_thread = align(n * (2 * g.partial_floats() + kAttendRows) * sizeof(float)) + align(n * (2 * sizeof(int64_t) + 2 * sizeof(float))) +
                 align(attend_page_scratch(std::max(g.k_width, g.v_width))) + align(words * static_cast<size_t>((rows + 63) / 64) * 8 * static_cast<size_t>(g.ratio)) +
                 align(static_cast<size_t>(std::max(g.q_in, g.k_width) + g.v_width) * sizeof(float) * 2);
    total = thread0 + per_thread * static_cast<size_t>(threads);
  }
  // Rows up to which units are blocks: fewer groups than would keep the team busy.
  static int64_t most_block_rows(const Geometry& g, int threads, int64_t seqs) {
    return static_cast<int64_t>(g.group_rows()) * (4 * threads / g.groups + 1) + seqs;
  }
};

// One thread's working memory.
struct Local {
  AttendPartial block, total;
  float *scores, *row;
  int64_t *begin, *end;
  float* slopes;
  int32_t* positions;
  uint8_t* page;
  uint64_t* tree;
};

class Attend {
 public:
  Attend(KvPool& pool, const AttendSpec& spec, const AttendStep& step, int threads)
      : pool_(static_cast<PagedPool&>(pool)), layer_(pool_.layer(spec.layer)), spec_(spec), step_(step), threads_(threads), g_(layer_, spec),
        rows_(total_rows()), layout_(g_, rows_, static_cast<int64_t>(step.seqs.size()), longest(), threads) {}

  void write(int thread) {
    const int64_t units = static_cast<int64_t>(rows_) * g_.groups;
    if (thread == 0) list_work();
    for (int64_t u = units * thread / threads_; u < units * (thread + 1) / threads_; ++u)
      write_row(static_cast<int>(u / g_.groups), static_cast<int>(u % g_.groups), local(thread));
  }

  void read(int thread) {
    Local mine = local(thread);
    if (header().by_block) {
      const int64_t units = header().units;
      for (int64_t u = units * thread / threads_; u < units * (thread + 1) / threads_; ++u) run_block(work(u), mine);
      return;
    }
    for (int u = header().next.fetch_add(1, std::memory_order_relaxed); u < header().units; u = header().next.fetch_add(1, std::memory_order_relaxed))
      run_whole(work(u), mine);
  }

  void merge(int thread) {
    if (!header().by_block) return;
    const int64_t units = static_cast<int64_t>(rows_) * g_.groups;
    int64_t u = 0;
    for (int s = 0; s < static_cast<int>(step_.seqs.size()); ++s)
      each_group(s, [&](const Work& w) {
        if (u >= units * thread / threads_ && u < units * (thread + 1) / threads_) merge_group(w);
        u += w.rows;
      });
  }

 private:
  int total_rows() const {
    int n = 0;
    for (const KvRows& s : step_.seqs) n += s.rows;
    return n;
  }
  int64_t longest() const {
    int64_t n = 0;
    for (const KvRows& s : step_.seqs) n = std::max(n, s.seq->length() + s.rows);
    return n;
  }
  std::byte* at(size_t offset) const { return step_.scratch.data() + offset; }
  Header& header() const { return *reinterpret_cast<Header*>(at(0)); }
  Work& work(int64_t i) const { return reinterpret_cast<Work*>(at(layout_.works))[i]; }
  PagedSeq& seq(int s) const { return static_cast<PagedSeq&>(*step_.seqs[static_cast<size_t>(s)].seq); }
  const KvRows& share(int s) const { return step_.seqs[static_cast<size_t>(s)]; }
  // Prepared queries of one head lie row by row, ratio rows of prep bytes each.
  uint8_t* prep(int row, int head) const {
    return reinterpret_cast<uint8_t*>(at(layout_.prep)) + (static_cast<size_t>(head) * static_cast<size_t>(rows_) + static_cast<size_t>(row)) * static_cast<size_t>(g_.ratio) * prep_bytes();
  }
  size_t prep_bytes() const { return layer_.k->prep_bytes(g_.k_width); }

  AttendPartial partial(size_t index, int n) const {
    float* base = reinterpret_cast<float*>(at(layout_.partials)) + index * g_.partial_floats();
    return {base, base + n, base + n * 17};
  }

  Local local(int thread) const {
    std::byte* p = at(layout_.thread0 + layout_.per_thread * static_cast<size_t>(thread));
    const int n = g_.most_queries();
    float* f = reinterpret_cast<float*>(p);
    Local l;
    l.block = {f, f + n, f + n * 17};
    f += static_cast<size_t>(n) * g_.partial_floats();
    l.total = {f, f + n, f + n * 17};
    f += static_cast<size_t>(n) * g_.partial_floats();
    l.scores = f;
    p += align(static_cast<size_t>(n) * (2 * g_.partial_floats() + kAttendRows) * sizeof(float));
    l.begin = reinterpret_cast<int64_t*>(p);
    l.end = l.begin + n;
    l.slopes = reinterpret_cast<float*>(l.end + n);
    l.positions = reinterpret_cast<int32_t*>(l.slopes + n);
    p += align(static_cast<size_t>(n) * (2 * sizeof(int64_t) + 2 * sizeof(float)));
    l.page = reinterpret_cast<uint8_t*>(p);
    p += align(attend_page_scratch(std::max(g_.k_width, g_.v_width)));
    l.row = reinterpret_cast<float*>(p);
    p += align(static_cast<size_t>(std::max(g_.q_in, g_.k_width) + g_.v_width) * sizeof(float) * 2);
    l.tree = reinterpret_cast<uint64_t*>(p);
    return l;
  }

  // --- write ---

  // Copies a head into padded working memory, turned to its position.
  float* turned(const float* head, int row, float* out) const {
    std::memcpy(out, head, static_cast<size_t>(g_.q_in) * sizeof(float));
    std::fill(out + g_.q_in, out + g_.k_width, 0.0f);
    if (spec_.rope != nullptr) rope_rotate(*spec_.rope, step_.cos_sin + static_cast<int64_t>(row) * spec_.rope->dims(), out);
    return out;
  }

  void write_row(int row, int head, const Local& l) const {
    for (int i = 0; i < g_.ratio; ++i) {
      float* q = turned(step_.q + row * step_.q_stride + (head * g_.ratio + i) * g_.q_in, row, l.row);
      pool_.table().scale(q, spec_.scale, g_.k_width, q);
      layer_.k->prepare(q, g_.k_width, prep(row, head) + static_cast<size_t>(i) * prep_bytes());
    }
    if (!spec_.write) return;
    const int s = seq_of(row);
    const int64_t slot = seq(s).length() + row - share(s).first;
    uint8_t* page = seq(s).page_of(slot) + layer_.page(head);
    const int index = static_cast<int>(slot % kPageRows);
    layer_.k->k_write(turned(step_.k + row * step_.k_stride + head * g_.q_in, row, l.row), g_.k_width, page, index);
    const float* v = step_.v + row * step_.v_stride + head * g_.v_out;
    std::memcpy(l.row, v, static_cast<size_t>(g_.v_out) * sizeof(float));
    std::fill(l.row + g_.v_out, l.row + g_.v_width, 0.0f);
    layer_.v->v_write(l.row, g_.v_width, page + layer_.v_offset, index);
    if (head == 0) seq(s).positions()[slot] = step_.positions[row];
  }

  int seq_of(int row) const {
    int s = 0;
    while (row >= share(s).first + share(s).rows) ++s;
    return s;
  }

  // --- units of work ---

  template <typename F>
  void each_group(int s, F f) const {
    for (int head = 0; head < g_.groups; ++head)
      for (int row = 0; row < share(s).rows; row += g_.group_rows()) {
        Work w{s, row, std::min(g_.group_rows(), share(s).rows - row), head, 0, 0, 0};
        const int64_t first = first_slot(s, row, w.rows), last = last_slot(s, row + w.rows - 1);
        w.block0 = first / (kAttendRows);
        w.blocks = (last + kAttendRows - 1) / (kAttendRows) - w.block0;
        f(w);
      }
  }

  // Slots that row r of sequence s may see: [first_slot, last_slot); of a tree's own rows only the ancestors.
  int64_t last_slot(int s, int r) const { return seq(s).length() + r + 1; }
  int64_t first_slot(int s, int r) const {
    if (spec_.window == 0) return 0;
    const std::span<const int> parents = share(s).parents;
    int64_t seen = last_slot(s, r);  // a tree row is as far from the committed rows as it has ancestors
    if (!parents.empty()) {
      seen = seq(s).length();
      for (int a = r; a >= 0; a = parents[static_cast<size_t>(a)]) ++seen;
    }
    const int64_t first = std::max<int64_t>(0, seen - spec_.window);
    return parents.empty() ? first : std::min(first, seq(s).length());
  }
  // ... of all rows in [row, row + n).
  int64_t first_slot(int s, int row, int n) const {
    int64_t first = first_slot(s, row);
    if (!share(s).parents.empty() && spec_.window > 0)
      for (int r = row + 1; r < row + n; ++r) first = std::min(first, first_slot(s, r));
    return first;
  }

  void list_work() const {
    const int64_t groups = static_cast<int64_t>(step_.seqs.size());
    Header& h = header();
    h.by_block = rows_ <= Layout::most_block_rows(g_, threads_, groups);
    int units = 0;
    size_t partials = 0;
    for (int s = 0; s < static_cast<int>(step_.seqs.size()); ++s)
      each_group(s, [&](Work w) {
        const int64_t blocks = w.blocks;
        for (int64_t b = 0; b < (h.by_block ? blocks : 1); ++b) {
          if (h.by_block) {
            w.blocks = 1;
            w.partial = partials;
            partials += static_cast<size_t>(w.rows * g_.ratio);
          }
          work(units++) = w;
          ++w.block0;
        }
      });
    if (!h.by_block) std::sort(&work(0), &work(units), [](const Work& a, const Work& b) { return a.blocks * a.rows > b.blocks * b.rows; });
    h.units = units;
    h.next.store(0, std::memory_order_relaxed);
  }

  // --- read ---

  AttendUnit unit(const Work& w, const Local& l) const {
    AttendUnit u;
    u.k = layer_.k, u.v = layer_.v;
    u.pages = seq(w.seq).pages();
    u.k_offset = layer_.page(w.head);
    u.v_offset = u.k_offset + layer_.v_offset;
    u.k_width = g_.k_width, u.v_width = g_.v_width;
    u.n = w.rows * g_.ratio;
    u.prep = prep(share(w.seq).first + w.row, w.head);
    for (int i = 0; i < u.n; ++i) {
      const int r = w.row + i / g_.ratio;
      l.begin[i] = first_slot(w.seq, r);
      l.end[i] = last_slot(w.seq, r);
      if (spec_.alibi_slopes != nullptr) l.slopes[i] = spec_.alibi_slopes[w.head * g_.ratio + i % g_.ratio];
      l.positions[i] = step_.positions[share(w.seq).first + r];
    }
    u.begin = l.begin, u.end = l.end;
    if (!share(w.seq).parents.empty()) ancestors(w, l, u);
    u.softcap = spec_.softcap;
    u.slopes = spec_.alibi_slopes != nullptr ? l.slopes : nullptr;
    u.query_positions = l.positions;
    u.key_positions = seq(w.seq).positions();
    u.state = l.block;
    u.scores = l.scores;
    u.scratch = l.page;
    return u;
  }

  // A tree row sees the committed rows, itself and its ancestors, as far as the window reaches: a bit for each.
  void ancestors(const Work& w, const Local& l, AttendUnit& u) const {
    u.tree_words = (share(w.seq).rows + 63) / 64;
    u.tree_base = seq(w.seq).length();
    std::fill_n(l.tree, u.n * u.tree_words, uint64_t{0});
    for (int i = 0; i < u.n; ++i) {
      int64_t left = spec_.window > 0 ? spec_.window : share(w.seq).rows;
      for (int r = w.row + i / g_.ratio; r >= 0 && left-- > 0; r = share(w.seq).parents[static_cast<size_t>(r)])
        l.tree[i * u.tree_words + r / 64] |= uint64_t{1} << (r % 64);
    }
    u.tree = l.tree;
  }

  int64_t page_end(const Work& w, int64_t block) const {
    const int64_t last = (last_slot(w.seq, w.row + w.rows - 1) + kPageRows - 1) / kPageRows;
    return std::min((block + 1) * kAttendPages, last);
  }

  void run_block(const Work& w, const Local& l) const {
    AttendUnit u = unit(w, l);
    u.state = partial(w.partial, u.n);
    pool_.table().attend(u, w.block0 * kAttendPages, page_end(w, w.block0));
  }

  void run_whole(const Work& w, const Local& l) const {
    AttendUnit u = unit(w, l);
    u.state = l.total;
    pool_.table().attend(u, w.block0 * kAttendPages, page_end(w, w.block0));
    u.state = l.block;
    for (int64_t b = w.block0 + 1; b < w.block0 + w.blocks; ++b) {
      pool_.table().attend(u, b * kAttendPages, page_end(w, b));
      pool_.table().attend_merge(l.block, l.total, u.n, g_.v_width);
    }
    put(w, l.total, l.total.acc);
  }

  void merge_group(const Work& w) const {
    const int n = w.rows * g_.ratio;
    size_t index = first_partial(w);
    const AttendPartial total = partial(index, n);
    for (int64_t b = 1; b < w.blocks; ++b) {
      index += static_cast<size_t>(n);
      pool_.table().attend_merge(partial(index, n), total, n, g_.v_width);
    }
    put(w, total, total.acc);
  }

  size_t first_partial(const Work& w) const {
    for (int u = 0; u < header().units; ++u) {
      const Work& x = work(u);
      if (x.seq == w.seq && x.row == w.row && x.head == w.head) return x.partial;
    }
    return 0;
  }

  // Divides by the sums and stores the group's heads; finished may be state's own memory.
  void put(const Work& w, const AttendPartial& state, float* finished) const {
    const int n = w.rows * g_.ratio;
    pool_.table().attend_finish(state, n, g_.v_width, finished);
    for (int i = 0; i < n; ++i) {
      const int row = share(w.seq).first + w.row + i / g_.ratio, head = w.head * g_.ratio + i % g_.ratio;
      std::memcpy(step_.out + row * step_.out_stride + head * g_.v_out, finished + i * g_.v_width, static_cast<size_t>(g_.v_out) * sizeof(float));
    }
  }

  PagedPool& pool_;
  const PagedPool::Layer& layer_;
  const AttendSpec& spec_;
  const AttendStep& step_;
  int threads_;
  Geometry g_;
  int rows_;
  Layout layout_;
};

}  // namespace

size_t attend_scratch_bytes(const KvPool& pool, const AttendSpec& spec, int max_rows, int max_seqs, int64_t max_length, int threads) {
  const auto& paged = static_cast<const PagedPool&>(pool);
  size_t most = 0;
  for (int l = 0; l < paged.layers(); ++l)
    most = std::max(most, Layout(Geometry(paged.layer(l), spec), max_rows, max_seqs, max_length, threads).total);
  return most;
}

void attend_write(KvPool& pool, const AttendSpec& spec, const AttendStep& step, int thread, int threads) {
  Attend(pool, spec, step, threads).write(thread);
}
void attend_read(KvPool& pool, const AttendSpec& spec, const AttendStep& step, int thread, int threads) {
  Attend(pool, spec, step, threads).read(thread);
}
void attend_merge(KvPool& pool, const AttendSpec& spec, const AttendStep& step, int thread, int threads) {
  Attend(pool, spec, step, threads).merge(thread);
}

}  // namespace frugal
