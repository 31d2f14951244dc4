// The attend op over the rows of sequences, in three phases that a Program calls with barriers between.
//
//   write   rotates and stores the new keys and values, rotates and prepares the queries, lists the work
//   read    runs the units of work (see attend_plan.h)
//   merge   folds the blocks' partial results in ascending order, where groups were split by block
#include <cmath>
#include <cstring>

#include "kv/attend_plan.h"

namespace frugal {
namespace {

// One thread's working memory.
struct Local {
  AttendPartial state;
  int64_t *begin, *end;
  float* slopes;
  int32_t* positions;
  uint8_t* unit;
  float* row;
  int* owner;
  AttendChain chain;
};

class Attend {
 public:
  Attend(KvPool& pool, const AttendSpec& spec, const AttendStep& step, int threads)
      : pool_(static_cast<RowPool&>(pool)),
        layer_(pool_.layer(spec.layer)),
        spec_(spec),
        step_(step),
        threads_(threads),
        g_(layer_, spec),
        rows_(total_rows()),
        layout_(g_, rows_, static_cast<int64_t>(step.seqs.size()), longest(), threads, pool_.moves_positions()) {}

  void write(int thread) {
    const Local l = local(thread);
    if (thread == 0) list_work(l);
    for (int s = 0; s < static_cast<int>(step_.seqs.size()); ++s)
      for (int r = 0; r < share(s).rows; ++r)
        if (const int row = share(s).first + r; mine(row, rows_, thread)) write_row(s, r, row, l);
  }

  void read(int thread) {
    const Local l = local(thread);
    const Header& h = header();
    if (h.by_block) {
      for (int u = first(h.blocks, thread); u < first(h.blocks, thread + 1); ++u)
        run_block(u, first(h.blocks, thread + 1), l);
      return;
    }
    for (int u = take(); u < h.groups; u = take()) run_whole(group(u), l);
  }

  void merge(int thread) {
    if (!header().by_block) return;
    int64_t query = 0;
    const int64_t queries = static_cast<int64_t>(rows_) * g_.heads;
    for (int i = 0; i < header().groups; ++i)
      for (int q = 0; q < group(i).rows * g_.ratio; ++q)
        if (mine(query++, queries, thread)) merge_query(group(i), q, local(thread).row);
  }

 private:
  using Header = AttendLayout::Header;

  int total_rows() const {
    int n = 0;
    for (const KvRows& s : step_.seqs) n += s.rows;
    return n;
  }
  int64_t longest() const {
    int64_t n = 0;
    for (int s = 0; s < static_cast<int>(step_.seqs.size()); ++s)
      for (int h = 0; h < g_.groups; ++h) n = std::max(n, seq(s).head(spec_.layer, h).slots + share(s).rows);
    return n;
  }
  int first(int n, int thread) const { return static_cast<int>(static_cast<int64_t>(n) * thread / threads_); }
  bool mine(int64_t i, int64_t n, int thread) const {
    return i >= n * thread / threads_ && i < n * (thread + 1) / threads_;
  }
  int take() const { return header().next.fetch_add(1, std::memory_order_relaxed); }

  std::byte* at(size_t offset) const { return step_.scratch.data() + offset; }
  Header& header() const { return *reinterpret_cast<Header*>(at(0)); }
  AttendGroup& group(int i) const { return reinterpret_cast<AttendGroup*>(at(layout_.groups_at))[i]; }
  AttendBlock& block(int i) const { return reinterpret_cast<AttendBlock*>(at(layout_.blocks_at))[i]; }
  RowSeq& seq(int s) const { return static_cast<RowSeq&>(*step_.seqs[static_cast<size_t>(s)].seq); }
  const KvRows& share(int s) const { return step_.seqs[static_cast<size_t>(s)]; }

  // Prepared queries of one key/value head lie row by row, ratio queries each.
  uint8_t* prep(int row, int head, bool far = false) const {
    const size_t place = static_cast<size_t>(head) * static_cast<size_t>(rows_) + static_cast<size_t>(row);
    return reinterpret_cast<uint8_t*>(at(far ? layout_.far_at : layout_.prep_at)) +
           place * static_cast<size_t>(g_.ratio) * g_.prep;
  }
  // The result of a group in its b-th block.
  AttendPartial partial(const AttendGroup& w, int64_t b) const {
    const size_t n = static_cast<size_t>(w.rows * g_.ratio);
    float* base = reinterpret_cast<float*>(
        at(layout_.partials_at + (w.partial + static_cast<size_t>(b) * n) * g_.partial_bytes()));
    return {base, base + n, base + n * 17};
  }

  Local local(int thread) const {
    std::byte* p = at(layout_.thread0 + layout_.per_thread * static_cast<size_t>(thread));
    const size_t n = static_cast<size_t>(layout_.most_rows) * static_cast<size_t>(g_.ratio);
    float* f = reinterpret_cast<float*>(p);
    Local l = {.chain = AttendChain(p + layout_.chain_at, layout_, g_, n)};
    l.state = {f, f + n, f + n * 17};
    l.begin = reinterpret_cast<int64_t*>(p + AttendLayout::align(n * g_.partial_bytes()));
    l.end = l.begin + n;
    l.slopes = reinterpret_cast<float*>(l.end + n);
    l.positions = reinterpret_cast<int32_t*>(l.slopes + n);
    l.unit = reinterpret_cast<uint8_t*>(p + layout_.unit_at);
    l.row = reinterpret_cast<float*>(p + layout_.row_at);
    l.owner = reinterpret_cast<int*>(p + layout_.owner_at);
    return l;
  }

  // --- write ---

  // Copies a head into padded working memory, turned to its position.
  float* turned(const float* head, int row, float* out) const {
    std::memcpy(out, head, static_cast<size_t>(g_.q_in) * sizeof(float));
    std::fill(out + g_.q_in, out + g_.k_width, 0.0f);
    if (spec_.rope != nullptr)
      pool_.table().rotate(*spec_.rope, step_.cos_sin + static_cast<int64_t>(row) * spec_.rope->dims(), out);
    return out;
  }

  void write_row(int s, int r, int row, const Local& l) const {
    const HeadView first = view(s, 0);
    const bool far = first.far_pages > 0;
    float back[kWidestKvHead];
    if (far && spec_.rope != nullptr) angles_back(first.far_shift, back);
    for (int h = 0; h < g_.heads; ++h) {
      float* q = turned(step_.q + row * step_.q_stride + h * g_.q_in, row, l.row);
      pool_.table().scale(q, spec_.scale * kLog2E, g_.k_width, q);
      layer_.k->prepare(q, g_.k_width, prep(row, h / g_.ratio) + static_cast<size_t>(h % g_.ratio) * g_.prep);
      if (far) {
        if (spec_.rope != nullptr) pool_.table().rotate(*spec_.rope, back, q);
        layer_.k->prepare(q, g_.k_width, prep(row, h / g_.ratio, true) + static_cast<size_t>(h % g_.ratio) * g_.prep);
      }
    }
    if (!spec_.write) return;
    for (int h = 0; h < g_.groups; ++h) {
      const HeadView w = view(s, h);
      const int64_t slot = w.slots + r;
      const int index = static_cast<int>(slot % kPageRows);
      uint8_t *k = w.k_pages[slot / kPageRows] + w.k_offset, *v = w.v_pages[slot / kPageRows] + w.v_offset;
      layer_.k->k_write(turned(step_.k + row * step_.k_stride + h * g_.q_in, row, l.row), g_.k_width, k, index);
      std::memcpy(l.row, step_.v + row * step_.v_stride + h * g_.v_out, static_cast<size_t>(g_.v_out) * sizeof(float));
      std::fill(l.row + g_.v_out, l.row + g_.v_width, 0.0f);
      layer_.v->v_write(l.row, g_.v_width, v, index);
      w.positions[slot] = step_.positions[row];
    }
  }

  // The angles that turn a query so many positions back; its length was scaled when it was turned forth.
  void angles_back(int32_t shift, float* angles) const {
    const int32_t back = -shift;
    rope_angles(*spec_.rope, &back, 1, angles);
    for (int i = 0; i < spec_.rope->dims(); ++i) angles[i] /= spec_.rope->attention_factor;
  }

  // --- the list of work ---

  HeadView view(int s, int head) const { return seq(s).head(spec_.layer, head); }

  // Slots that row r of a group may see: [first_slot, last_slot).
  int64_t last_slot(const AttendGroup& w, int r) const { return w.base + r + 1; }
  int64_t first_slot(const AttendGroup& w, int r) const {
    return spec_.window == 0 ? 0 : std::max<int64_t>(0, last_slot(w, r) - spec_.window);
  }
  // The row of the share that stands at place r of a group's chain.
  int row_at(const AttendGroup& w, int r) const {
    if (w.leaf < 0) return r;
    int row = w.leaf;
    for (int up = w.path - 1 - r; up > 0; --up) row = share(w.seq).parents[static_cast<size_t>(row)];
    return row;
  }

  void list_work(const Local& l) const {
    Header& h = header();
    h.groups = h.blocks = 0;
    h.next.store(0, std::memory_order_relaxed);
    for (int s = 0; s < static_cast<int>(step_.seqs.size()) && spec_.write; ++s)
      if (KvTape* t = seq(s).tape(spec_.layer)) t->make_room(share(s).rows, g_.heads, g_.prep, spec_);
    for (int s = 0; s < static_cast<int>(step_.seqs.size()); ++s) {
      if (share(s).parents.empty())
        add_groups({.seq = s, .leaf = -1}, 0, share(s).rows);
      else
        add_tree(s, l.owner);
    }
    h.by_block = layout_.may_split && h.groups < 4 * threads_;
    AttendGroup *begin = &group(0), *end = begin + h.groups;
    if (!h.by_block)
      return std::sort(
          begin, end, [](const AttendGroup& a, const AttendGroup& b) { return a.blocks * a.rows > b.blocks * b.rows; });
    size_t partials = 0;
    for (AttendGroup* w = begin; w != end; ++w) {
      w->partial = partials;
      partials += static_cast<size_t>(w->rows * g_.ratio * w->blocks);
    }
    for (int i = 0; i < h.groups; i += g_.groups) {  // heads of a block lie side by side in memory
      int64_t most = 0;
      for (int head = 0; head < g_.groups; ++head) most = std::max(most, group(i + head).blocks);
      for (int64_t b = 0; b < most; ++b)
        for (int head = 0; head < g_.groups; ++head)
          if (b < group(i + head).blocks) block(h.blocks++) = {i + head, b};
    }
  }

  // A chain for each leaf, of the rows that lead to no leaf before it. Parents stand before their children.
  void add_tree(int s, int* owner) const {
    const std::span<const int> parents = share(s).parents;
    const int rows = share(s).rows;
    std::fill_n(owner, rows, rows);
    for (int r = rows - 1; r >= 0; --r) {
      if (owner[r] == rows) owner[r] = r;  // a leaf
      if (const int p = parents[static_cast<size_t>(r)]; p >= 0) owner[p] = std::min(owner[p], owner[r]);
    }
    for (int leaf = 0; leaf < rows; ++leaf) {
      if (owner[leaf] != leaf) continue;
      int path = 0, own = 0;
      for (int r = leaf; r >= 0; r = parents[static_cast<size_t>(r)], ++path) own += owner[r] == leaf;
      add_groups({.seq = s, .leaf = leaf, .path = path}, path - own, path);
    }
  }

  // Rows [first, last) of w's chain.
  void add_groups(AttendGroup w, int first, int last) const {
    for (w.row = first; w.row < last; w.row += layout_.most_rows)
      for (w.head = 0; w.head < g_.groups; ++w.head) {
        w.rows = std::min(layout_.most_rows, last - w.row);
        w.base = view(w.seq, w.head).slots;
        w.block0 = first_slot(w, w.row) / kAttendRows;
        w.blocks = (last_slot(w, w.row + w.rows - 1) + kAttendRows - 1) / kAttendRows - w.block0;
        group(header().groups++) = w;
      }
  }

  // --- read ---

  AttendUnit unit(const AttendGroup& w, const Local& l) const {
    AttendUnit u;
    u.k = layer_.k, u.v = layer_.v;
    const HeadView rows = view(w.seq, w.head);
    u.pages = rows.k_pages, u.v_pages = rows.v_pages;
    u.k_offset = rows.k_offset, u.v_offset = rows.v_offset;
    u.k_forms = rows.k_forms, u.v_forms = rows.v_forms;
    u.k_closed = layer_.k_closing.kernels, u.v_closed = layer_.v_closing.kernels;
    u.v_group = layer_.v_closing.form.group;
    u.alive = rows.alive;
    u.far_pages = rows.far_pages, u.far_shift = rows.far_shift;
    u.far_prep = prep(share(w.seq).first + w.row, w.head, rows.far_pages > 0);
    u.k_width = g_.k_width, u.v_width = g_.v_width;
    u.n = w.rows * g_.ratio;
    u.prep = prep(share(w.seq).first + w.row, w.head);
    u.softcap = spec_.softcap * kLog2E;
    u.slopes = spec_.alibi_slopes != nullptr ? l.slopes : nullptr;
    u.begin = l.begin, u.end = l.end;
    u.query_positions = l.positions;
    u.key_positions = rows.positions;
    u.state = l.state;
    u.scratch = l.unit;
    for (int i = 0; i < u.n; ++i) see(w, i, l);
    if (w.leaf >= 0) as_chain(w, rows, l.chain, u);
    return u;
  }

  // What query i of a group may see, and where it stands.
  void see(const AttendGroup& w, int i, const Local& l) const {
    const int r = w.row + i / g_.ratio;
    l.begin[i] = first_slot(w, r);
    l.end[i] = last_slot(w, r);
    if (spec_.alibi_slopes != nullptr) l.slopes[i] = spec_.alibi_slopes[w.head * g_.ratio + i % g_.ratio] * kLog2E;
    l.positions[i] = step_.positions[share(w.seq).first + row_at(w, r)];
  }

  // Lets a unit meet the path to a leaf as if it were a sequence: its queries one behind the other, and copies of the
  // pages from the step's first row on with the path's rows in the places where they would stand.
  void as_chain(const AttendGroup& w, const HeadView& rows, const AttendChain& c, AttendUnit& u) const {
    const size_t queries = static_cast<size_t>(g_.ratio) * g_.prep;
    for (int i = 0; i < w.rows; ++i) {
      const int row = share(w.seq).first + row_at(w, w.row + i);
      std::memcpy(c.prep + static_cast<size_t>(i) * queries, prep(row, w.head), queries);
      if (rows.far_pages > 0)
        std::memcpy(c.far_prep + static_cast<size_t>(i) * queries, prep(row, w.head, true), queries);
    }
    u.prep = c.prep, u.far_prep = c.far_prep;
    const int64_t last = last_slot(w, w.row + w.rows - 1), tail = w.base / kPageRows,
                  pages = (last + kPageRows - 1) / kPageRows;
    std::copy_n(rows.k_pages, tail, c.k_pages);
    std::copy_n(rows.v_pages, tail, c.v_pages);
    for (int64_t p = tail; p < pages; ++p) {
      c.k_pages[p] = c.k_tail + static_cast<size_t>(p - tail) * g_.k_page - rows.k_offset;
      c.v_pages[p] = c.v_tail + static_cast<size_t>(p - tail) * g_.v_page - rows.v_offset;
      std::memcpy(c.k_pages[p] + rows.k_offset, rows.k_pages[p] + rows.k_offset, layer_.k->k_page_bytes(g_.k_width));
      std::memcpy(c.v_pages[p] + rows.v_offset, rows.v_pages[p] + rows.v_offset, layer_.v->v_page_bytes(g_.v_width));
    }
    u.pages = c.k_pages, u.v_pages = c.v_pages;
    if (u.slopes != nullptr)
      u.key_positions = static_cast<const int32_t*>(
          std::memcpy(c.positions, rows.positions, static_cast<size_t>(last) * sizeof(int32_t)));
    for (int r = 0; r < w.row + w.rows; ++r)
      if (const int row = row_at(w, r); row != r) move_row(w.base + row, w.base + r, rows, c, u.slopes != nullptr);
  }

  void move_row(int64_t from, int64_t to, const HeadView& rows, const AttendChain& c, bool with_position) const {
    float row[kWidestKvHead];
    const int source = static_cast<int>(from % kPageRows), target = static_cast<int>(to % kPageRows);
    layer_.k->k_read(rows.k_pages[from / kPageRows] + rows.k_offset, g_.k_width, source, row);
    layer_.k->k_write(row, g_.k_width, c.k_pages[to / kPageRows] + rows.k_offset, target);
    layer_.v->v_read(rows.v_pages[from / kPageRows] + rows.v_offset, g_.v_width, source, row);
    layer_.v->v_write(row, g_.v_width, c.v_pages[to / kPageRows] + rows.v_offset, target);
    if (with_position) c.positions[to] = rows.positions[from];
  }

  int64_t page_end(const AttendGroup& w, int64_t blocks) const {
    const int64_t last = (last_slot(w, w.row + w.rows - 1) + kPageRows - 1) / kPageRows;
    return std::min((w.block0 + blocks) * kAttendPages, last);
  }

  // The i-th block; those before end come next on this thread.
  void run_block(int i, int end, const Local& l) const {
    const AttendGroup& w = group(block(i).group);
    const int64_t b = block(i).block;
    AttendUnit u = unit(w, l);
    u.state = partial(w, b);
    if (i + 1 < end) look_ahead(group(block(i + 1).group), block(i + 1).block, u);
    pool_.table().attend(u, (w.block0 + b) * kAttendPages, page_end(w, b + 1));
  }

  // Block b of the group that comes next.
  void look_ahead(const AttendGroup& next, int64_t b, AttendUnit& u) const {
    const HeadView rows = view(next.seq, next.head);
    const int64_t page = (next.block0 + b) * kAttendPages;
    u.ahead = rows.k_pages + page, u.ahead_v = rows.v_pages + page;
    u.ahead_offset = rows.k_offset, u.ahead_v_offset = rows.v_offset;
    u.ahead_pages = static_cast<int>(page_end(next, b + 1) - page);
    const bool k_closed = rows.k_forms != nullptr && rows.k_forms[page] != 0,
               v_closed = rows.v_forms != nullptr && rows.v_forms[page] != 0;
    u.ahead_bytes =
        static_cast<int>(k_closed ? layer_.k_closing.form.key_bytes(1) : layer_.k->k_page_bytes(g_.k_width));
    u.ahead_v_bytes =
        static_cast<int>(v_closed ? layer_.v_closing.form.value_bytes() : layer_.v->v_page_bytes(g_.v_width));
  }

  void run_whole(const AttendGroup& w, const Local& l) const {
    const AttendUnit u = unit(w, l);
    pool_.table().attend(u, w.block0 * kAttendPages, page_end(w, w.blocks));
    for (int i = 0; i < u.n; ++i) put(w, i, u.state, l.row);
  }

  // --- merge ---

  void merge_query(const AttendGroup& w, int i, float* row) const {
    const AttendPartial all = partial(w, 0), query = {all.m + i, all.l + i * 16, all.acc + i * g_.v_width};
    const size_t step = static_cast<size_t>(w.rows * g_.ratio) * g_.partial_bytes() / sizeof(float);
    pool_.table().attend_fold(query, step, w.blocks, g_.v_width);
    put(w, i, all, row);
  }

  // Divides query i by its sums and stores the head.
  void put(const AttendGroup& w, int i, const AttendPartial& state, float* finished) const {
    pool_.table().attend_finish(state, i, g_.v_width, finished);
    const int row = share(w.seq).first + row_at(w, w.row + i / g_.ratio), head = w.head * g_.ratio + i % g_.ratio;
    if (KvTape* t = spec_.write ? seq(w.seq).tape(spec_.layer) : nullptr) record(*t, w, i, state);
    std::memcpy(step_.out + row * step_.out_stride + head * g_.v_out, finished,
                static_cast<size_t>(g_.v_out) * sizeof(float));
  }

  // Keeps query i with its final log-sum-exp, for the policy.
  void record(KvTape& t, const AttendGroup& w, int i, const AttendPartial& state) const {
    const int r = row_at(w, w.row + i / g_.ratio), head = w.head * g_.ratio + i % g_.ratio;
    float total = 0;
    for (int lane = 0; lane < 16; ++lane) total += state.l[i * 16 + lane];
    t.lse_of(t.rows + r, head) = state.m[i] + std::log2(total);
    std::memcpy(t.query(t.rows + r, head),
                prep(share(w.seq).first + r, w.head) + static_cast<size_t>(i % g_.ratio) * g_.prep, g_.prep);
  }

  RowPool& pool_;
  const KvLayer& layer_;
  const AttendSpec& spec_;
  const AttendStep& step_;
  int threads_;
  AttendGeometry g_;
  int rows_;
  AttendLayout layout_;
};

}  // namespace

size_t attend_scratch_bytes(const KvPool& pool, const AttendSpec& spec, int max_rows, int max_seqs, int64_t max_length,
                            int threads) {
  const auto& rows = static_cast<const RowPool&>(pool);
  size_t most = 0;
  for (int l = 0; l < rows.layers(); ++l)
    most = std::max(most, AttendLayout(AttendGeometry(rows.layer(l), spec), max_rows, max_seqs,
                                       rows.most_slots(max_length), threads, rows.moves_positions())
                              .total);
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
