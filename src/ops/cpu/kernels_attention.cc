// Attention over one unit's pages, and the table of cache codecs, of one instruction set. See ops/attention.h.
//
// For each block of pages: open keys and values once, then for each few queries (their scores stay in the first-level
// cache) scores, one softmax, weighted values, and the fold into what earlier blocks gave.
#include "ops/attention.h"

#include <algorithm>

#include "ops/cpu/attend_tiles.inl.h"
#include "ops/cpu/exp2.inl.h"
#include "ops/cpu/rope.inl.h"
#include "ops/cpu/rows.inl.h"

namespace frugal::FRUGAL_ISA {
namespace {

constexpr float kHidden = kAttendNothing;  // score of a slot that must not be seen: 2^(kHidden - m) is exactly 0

// A piece of a unit: the queries [first, first + n) over the slots [slot0, slot0 + count) of one block.
struct Piece {
  int first, n;
  int64_t slot0;
  int count;
};

void hide_dead(const AttendUnit& u, const Piece& x, float* s) {
  for (int r0 = 0; r0 < x.count; r0 += kPageRows) {
    const uint32_t alive = u.alive[(x.slot0 + r0) / kPageRows];
    for (int r = 0; alive != ~0u && r < kPageRows; ++r)
      if ((alive >> r & 1) == 0) s[r0 + r] = kHidden;
  }
}

// Hides what query i must not see. False when it sees nothing.
bool mask_row(const AttendUnit& u, const Piece& x, int i, float* s) {
  const int64_t first = u.begin[i] - x.slot0, last = u.end[i] - x.slot0;
  if (first >= x.count || last <= 0) return false;
  for (int64_t r = 0; r < first; ++r) s[r] = kHidden;
  for (int64_t r = last; r < x.count; ++r) s[r] = kHidden;
  if (u.alive != nullptr) hide_dead(u, x, s);
  return true;
}

void bias_row(const AttendUnit& u, const Piece& x, int i, float* s) {
  if (u.softcap > 0) softcap_row(s, u.softcap, x.count, s);
  if (u.slopes == nullptr) return;
  const int64_t rows = std::min<int64_t>(x.count, u.end[i] - x.slot0);
  const int64_t far = std::min(u.far_pages * kPageRows - x.slot0, rows);
  for (int64_t r = 0; r < rows; ++r) {
    const int32_t key = u.key_positions[x.slot0 + r] + (r < far ? u.far_shift : 0);
    s[r] += u.slopes[i] * static_cast<float>(key - u.query_positions[i]);
  }
}

FRUGAL_INLINE void put_weights(float* s, int r, [[maybe_unused]] bool pairs, F16 a, F16 b) {
#if defined(FRUGAL_ISA_avx512vnni)
  if (pairs) return store_pairs(s + r / 2, join(a, b));
#endif
  store(s + r, a);
  store(s + r + 16, b);
}

// Turns count scores (a multiple of 32) into weights 2^(score - m), m being the largest; l: their sums by lane.
FRUGAL_INLINE void softmax_row(float* s, int count, bool pairs, float& m, float* l) {
  F16 top = max(load(s), load(s + 16));
  for (int r = kPageRows; r < count; r += kPageRows) top = max(top, max(load(s + r), load(s + r + 16)));
  const float largest = max_of(top);
  const F16 shift = set1(largest);
  F16 total = zero();
  for (int r = 0; r < count; r += kPageRows) {
    const F16 a = exp2_negative(sub(load(s + r), shift)), b = exp2_negative(sub(load(s + r + 16), shift));
    put_weights(s, r, pairs, a, b);
    total = add(total, add(a, b));
  }
  m = largest;
  store(l, total);
}

void see_nothing(float* s, int count, float& m, float* l) {
  std::fill_n(s, count, 0.0f);
  m = kHidden;
  store(l, zero());
}

// Asks memory for the pages that the next unit wants, a few lines at a time between pieces of work: the processor's own
// prefetching stops at the end of a page.
class Ahead {
 public:
  explicit Ahead(const AttendUnit& u)
      : u_(u),
        k_lines_((u.ahead_bytes + 63) / 64),
        v_lines_((u.ahead_v_bytes + 63) / 64),
        left_(u.ahead != nullptr ? u.ahead_pages * (k_lines_ + v_lines_) : 0),
        step_(left_ / (4 * kAttendPages + u.n) + 1) {}
  FRUGAL_INLINE void some() {
    for (int i = 0; i < step_ && left_ > 0; ++i, --left_) {
      if (line_ == end_) next_run();
      __builtin_prefetch(line_, 0, 0);
      line_ += 64;
    }
  }

 private:
  void next_run() {
    line_ = run_ % 2 == 0 ? u_.ahead[run_ / 2] + u_.ahead_offset : u_.ahead_v[run_ / 2] + u_.ahead_v_offset;
    end_ = line_ + 64 * static_cast<size_t>(run_ % 2 == 0 ? k_lines_ : v_lines_);
    ++run_;
  }
  const AttendUnit& u_;
  int k_lines_, v_lines_, left_, step_, run_ = 0;
  const uint8_t *line_ = nullptr, *end_ = nullptr;
};

void softmax(const AttendUnit& u, const Piece& x, float* scores, const AttendPartial& out, Ahead& ahead) {
  for (int j = 0; j < x.n; ++j) {
    ahead.some();
    float* s = scores + j * kAttendRows;
    bias_row(u, x, x.first + j, s);
    if (mask_row(u, x, x.first + j, s))
      softmax_row(s, x.count, u.v->pairs, out.m[j], out.l + j * kLanes);
    else
      see_nothing(s, x.count, out.m[j], out.l + j * kLanes);
  }
}

AttendPartial part_of(const AttendPartial& p, int i, int width) {
  return {p.m + i, p.l + i * kLanes, p.acc + i * width};
}

// What an earlier and a later result keep under the largest score of both.
struct Shrink {
  float earlier[kLanes], later[kLanes];
  FRUGAL_INLINE void set(F16 m, F16 next, F16 top) {
    store(earlier, exp2_negative(sub(m, top)));
    store(later, exp2_negative(sub(next, top)));
  }
};
// from * b + into * a, of one query.
FRUGAL_INLINE void fold_row(const float* from, float* into, float a, float b, int width) {
  const F16 earlier = set1(a), later = set1(b);
  for (int d = 0; d < width; d += 16) store(into + d, fma(load(from + d), later, mul(load(into + d), earlier)));
}

// A later result of n queries into an earlier one, the powers of 16 queries at a time.
void fold_block(const AttendPartial& from, const AttendPartial& into, int n, int width) {
  for (int first = 0; first < n; first += kLanes) {
    const int count = std::min(kLanes, n - first);
    const F16 m = load_some(into.m + first, count), next = load_some(from.m + first, count), top = max(m, next);
    Shrink s;
    s.set(m, next, top);
    store_some(into.m + first, top, count);
    for (int j = 0, i = first; j < count; ++j, ++i) {
      fold_row(from.l + i * kLanes, into.l + i * kLanes, s.earlier[j], s.later[j], kLanes);
      fold_row(from.acc + i * width, into.acc + i * width, s.earlier[j], s.later[j], width);
    }
  }
}

// Later results of one query, each step floats after the one before, into the first; the powers of 16 results at a
// time.
void attend_fold(const AttendPartial& first, size_t step, int64_t count, int width) {
  float m = *first.m;
  for (int64_t b0 = 1; b0 < count; b0 += kLanes) {
    const int n = static_cast<int>(std::min<int64_t>(kLanes, count - b0));
    float before[kLanes], next[kLanes], top[kLanes];
    for (int j = 0; j < kLanes; ++j) {
      before[j] = m;
      next[j] = j < n ? first.m[static_cast<size_t>(b0 + j) * step] : m;
      top[j] = m = std::max(m, next[j]);
    }
    Shrink s;
    s.set(load(before), load(next), load(top));
    for (int j = 0; j < n; ++j)
      fold_row(first.l + static_cast<size_t>(b0 + j) * step, first.l, s.earlier[j], s.later[j], kLanes);
    for (int d = 0; d < width; d += 64) {
      const int part = std::min(64, width - d);
      for (int j = 0; j < n; ++j)
        fold_row(first.acc + static_cast<size_t>(b0 + j) * step + d, first.acc + d, s.earlier[j], s.later[j], part);
    }
  }
  *first.m = m;
}

void attend_finish(const AttendPartial& state, int i, int width, float* out) {
  const float total = sum(load(state.l + i * kLanes));
  const F16 inverse = set1(total > 0 ? 1.0f / total : 0.0f);
  for (int d = 0; d < width; d += 16) store(out + d, mul(load(state.acc + i * width + d), inverse));
}

// The memory that a unit works in, and its pages of the block at hand.
struct Block {
  const AttendUnit& u;
  Ahead ahead;
  float *scores, *sums, *stretch;
  uint8_t *keys_at, *values_at;
  int64_t page0 = 0;
  int count = 0;
  const uint8_t *keys[kAttendPages], *values[kAttendPages];

  explicit Block(const AttendUnit& unit) : u(unit), ahead(unit), scores(reinterpret_cast<float*>(unit.scratch)) {
    sums = scores + kAttendTogether * kAttendRows;
    stretch = sums + kAttendTogether * (32 + u.v_width);
    keys_at = reinterpret_cast<uint8_t*>(stretch + kAttendTogether * u.v_width);
    values_at = keys_at + static_cast<size_t>(u.k_width) * kAttendRows * sizeof(float);
  }
  AttendPartial partial() const { return {sums, sums + kAttendTogether, sums + kAttendTogether * 17}; }

  // Pages are opened when the first queries meet them.
  void begin(int64_t first, int64_t last) {
    page0 = first;
    count = static_cast<int>(last - first);
    std::fill_n(keys, kAttendPages, nullptr);
    std::fill_n(values, kAttendPages, nullptr);
  }
  static uint8_t* page_of(uint8_t* scratch, int j, int width) {
    return scratch + static_cast<size_t>(j) * static_cast<size_t>(width) * kPageRows * sizeof(float);
  }
  const uint8_t* key(int j) {
    const int place = u.n <= kAttendTogether ? 0 : j;  // met once: the next page may take its place
    if (keys[j] == nullptr) keys[j] = open_key_page(u, page0 + j, page_of(keys_at, place, u.k_width));
    return keys[j];
  }
  void open_value(int j) {
    if (values[j] == nullptr) values[j] = open_value_page(u, page0 + j, page_of(values_at, j, u.v_width));
  }

  // The queries [first, first + n) over the pages of the block that one of them sees; false when none of them sees any.
  bool run(int first, int n, const AttendPartial& out) {
    const int64_t from = *std::min_element(u.begin + first, u.begin + first + n),
                  to = *std::max_element(u.end + first, u.end + first + n);
    const int a = static_cast<int>(std::clamp<int64_t>(from / kPageRows - page0, 0, count));
    const int b = static_cast<int>(std::clamp<int64_t>((to + kPageRows - 1) / kPageRows - page0, a, count));
    if (a == b) return false;
    const Piece x{first, n, (page0 + a) * kPageRows, (b - a) * kPageRows};
    const size_t skip = static_cast<size_t>(first) * u.k->prep_bytes(u.k_width);
    for (int j = a; j < b; ++j) {
      ahead.some();
      meet_keys(j, (page0 + j < u.far_pages ? u.far_prep : u.prep) + skip, n, scores + (j - a) * kPageRows);
    }
    softmax(u, x, scores, out, ahead);
    weigh_values(a, b, n, out.acc);
    return true;
  }

  void meet_keys(int j, const uint8_t* prep, int n, float* to) {
    if (!meets_closed_keys(u, page0 + j, prep, n, to)) u.k->dot(key(j), u.k_width, prep, n, to);
    ahead.some();
  }

  bool closed_value(int j) const {
    return u.v_forms != nullptr && u.v_forms[page0 + j] != 0 && u.v_closed->v_axpy != nullptr;
  }
  // acc = weights times the values of pages [a, b): stretches of opened pages at once, closed ones as they are.
  void weigh_values(int a, int b, int n, float* acc) {
    bool first = true;
    for (int j = a; j < b;) {
      int end = j;
      for (; end < b && !closed_value(end); ++end) {
        ahead.some();
        open_value(end);
        ahead.some();
      }
      const float* p = weights_of(j - a);
      if (end > j) {
        float* to = first ? acc : stretch;
        u.v->axpy(values + j, end - j, u.v_width, p, n, to);
        for (int d = 0; !first && d < n * u.v_width; d += 16) store(acc + d, add(load(acc + d), load(stretch + d)));
        j = end;
      } else {
        if (first) std::fill_n(acc, n * u.v_width, 0.0f);
        ahead.some();
        u.v_closed->v_axpy(u.v_pages[page0 + j] + u.v_offset, u.v_width, u.v_forms[page0 + j], u.v_group, p, n, acc);
        ahead.some();
        ++j;
      }
      first = false;
    }
  }
  // Weights of the block's page: half as wide where they are bf16.
  const float* weights_of(int page) const { return scores + page * (u.v->pairs ? kPageRows / 2 : kPageRows); }
};

void clear(const AttendPartial& p, int n, int width) {
  std::fill_n(p.m, n, kHidden);
  std::fill_n(p.l, n * kLanes, 0.0f);
  std::fill_n(p.acc, n * width, 0.0f);
}

void attend(const AttendUnit& u, int64_t page0, int64_t page1) {
  Block block(u);
  for (int64_t first = page0; first < page1;) {
    const int64_t last = std::min(page1, (first / kAttendPages + 1) * kAttendPages);
    block.begin(first, last);
    for (int i = 0; i < u.n; i += kAttendTogether) {
      const int n = std::min(kAttendTogether, u.n - i);
      const AttendPartial state = part_of(u.state, i, u.v_width);
      if (first == page0) {
        if (!block.run(i, n, state)) clear(state, n, u.v_width);
        continue;
      }
      const AttendPartial later = block.partial();
      if (!block.run(i, n, later)) continue;
      fold_block(later, state, n, u.v_width);
    }
    first = last;
  }
}

template <class Form, class S>
constexpr KvCodecKernels float_codec(const char* name) {
  return {name,      false,     S::bytes,    S::bytes,    S::k_write,       S::v_write,    S::k_read, S::v_read,
          S::k_copy, S::v_copy, S::k_floats, S::v_floats, Form::prep_bytes, Form::prepare, dot<Form>, axpy<Form>};
}
const KvCodecKernels kExact[] = {float_codec<FloatForm, StoreF32>("f32"), float_codec<FloatForm, StoreF16>("f16"),
                                 float_codec<FloatForm, StoreBF16>("bf16"), float_codec<FloatForm, StoreQ8>("q8")};

#if defined(FRUGAL_ISA_avx512vnni)
template <class S>
constexpr KvCodecKernels pair_codec(const char* name, decltype(KvCodecKernels::k_open) open) {
  return {name,          true,          S::bytes,  S::bytes, S::k_write, S::v_write,           S::k_read,
          S::v_read,     S::k_copy,     S::v_copy, open,     open,       PairForm::prep_bytes, PairForm::prepare,
          dot<PairForm>, axpy<PairForm>};
}
constexpr KvCodecKernels byte_codec(KvCodecKernels c) {
  c.pairs = true;
  c.k_open = ByteKeys::open;
  c.v_open = pairs_of_q8;
  c.prep_bytes = ByteKeys::prep_bytes;
  c.prepare = ByteKeys::prepare;
  c.dot = ByteKeys::dot;
  c.axpy = axpy<PairForm>;
  return c;
}
const KvCodecKernels kFast[] = {float_codec<FloatForm, StoreF32>("f32"), pair_codec<StoreF16>("f16", pairs_of_f16),
                                pair_codec<StoreBF16>("bf16", pairs_of_bf16),
                                byte_codec(float_codec<FloatForm, StoreQ8>("q8"))};
#else
const auto& kFast = kExact;
#endif

}  // namespace

void fill_attention(KernelTable& table) {
  table.rotate = rotate;
  table.attend = attend;
  table.attend_fold = attend_fold;
  table.attend_finish = attend_finish;
  table.codecs = kFast;
  table.exact_codecs = kExact;
  table.codec_count = 4;
}

}  // namespace frugal::FRUGAL_ISA
