// Attention over one unit's pages, and the table of cache codecs, of one instruction set. See ops/attention.h.
#include "ops/attention.h"

#include <algorithm>
#include <type_traits>

#include "ops/cpu/attend_tiles.inl.h"
#include "ops/cpu/rows.inl.h"

namespace frugal::FRUGAL_ISA {
namespace {

constexpr float kNone = -std::numeric_limits<float>::infinity();

// Scores of slots that query i must not see become -infinity. False when it sees nothing of the page.
bool mask_page(const AttendUnit& u, int i, int64_t slot0, float* s) {
  const int64_t first = u.begin[i] - slot0, last = u.end[i] - slot0;
  if (first >= kPageRows || last <= 0) return false;
  for (int64_t r = 0; r < first; ++r) s[r] = kNone;
  for (int64_t r = last; r < kPageRows; ++r) s[r] = kNone;
  if (u.tree == nullptr || slot0 + kPageRows <= u.tree_base) return true;
  for (int64_t r = std::max<int64_t>(0, u.tree_base - slot0); r < std::min<int64_t>(last, kPageRows); ++r) {
    const int64_t bit = slot0 + r - u.tree_base;
    if (((u.tree[i * u.tree_words + bit / 64] >> (bit % 64)) & 1) == 0) s[r] = kNone;
  }
  return true;
}

void bias_page(const AttendUnit& u, int i, int64_t slot0, float* s) {
  if (u.softcap > 0) softcap_row(s, u.softcap, kPageRows, s);
  if (u.slopes == nullptr) return;
  const int64_t rows = std::min<int64_t>(kPageRows, u.end[i] - slot0);
  for (int64_t r = 0; r < rows; ++r) s[r] += u.slopes[i] * static_cast<float>(u.key_positions[slot0 + r] - u.query_positions[i]);
}

void clear_scores(float* s) {
  store(s, zero());
  store(s + 16, zero());
}

// Turns 32 scores into e^(score - m), with the running maximum, sums and values rescaled when the maximum grows.
FRUGAL_INLINE void softmax_page(float* s, float& m, float* l, float* acc, int width) {
  const F16 a = load(s), b = load(s + 16);
  const float top = max_of(max(a, b));
  if (top == kNone) return clear_scores(s);
  if (top > m) {
    if (m != kNone) {
      const F16 shrink = exp(set1(m - top));
      store(l, mul(load(l), shrink));
      for (int d = 0; d < width; d += 16) store(acc + d, mul(load(acc + d), shrink));
    }
    m = top;
  }
  const F16 pa = exp(sub(a, set1(m))), pb = exp(sub(b, set1(m)));
  store(s, pa);
  store(s + 16, pb);
  store(l, add(load(l), add(pa, pb)));
}

void prefetch(const uint8_t* p, size_t bytes) {
  for (size_t i = 0; i < bytes; i += 64) __builtin_prefetch(p + i, 0, 3);
}

void attend_page(const AttendUnit& u, int64_t page) {
  const uint8_t* base = u.pages[page];
  u.k->dot(base + u.k_offset, u.k_width, u.prep, u.n, u.scores, u.scratch);
  for (int i = 0; i < u.n; ++i) {
    float* s = u.scores + i * kPageRows;
    bias_page(u, i, page * kPageRows, s);
    if (!mask_page(u, i, page * kPageRows, s)) {
      clear_scores(s);
      continue;
    }
    softmax_page(s, u.state.m[i], u.state.l + i * kLanes, u.state.acc + i * u.v_width, u.v_width);
  }
  u.v->axpy(base + u.v_offset, u.v_width, u.scores, u.n, u.state.acc, u.scratch);
}

// Fills state, which is set to nothing first, over pages [page0, page1).
void attend(const AttendUnit& u, int64_t page0, int64_t page1) {
  std::fill_n(u.state.m, u.n, kNone);
  std::fill_n(u.state.l, u.n * kLanes, 0.0f);
  std::fill_n(u.state.acc, u.n * u.v_width, 0.0f);
  for (int64_t page = page0; page < page1; ++page) {
    if (page + 1 < page1 && u.n <= 16) {  // few queries: the next page comes from memory
      prefetch(u.pages[page + 1] + u.k_offset, u.k->k_page_bytes(u.k_width));
      prefetch(u.pages[page + 1] + u.v_offset, u.v->v_page_bytes(u.v_width));
    }
    attend_page(u, page);
  }
}

void attend_merge(const AttendPartial& from, const AttendPartial& into, int n, int width) {
  for (int i = 0; i < n; ++i) {
    if (from.m[i] == kNone) continue;
    const float top = std::max(from.m[i], into.m[i]);
    const F16 a = exp(set1(into.m[i] - top)), b = exp(set1(from.m[i] - top));
    into.m[i] = top;
    float *l = into.l + i * kLanes, *acc = into.acc + i * width;
    store(l, fma(load(from.l + i * kLanes), b, mul(load(l), a)));
    for (int d = 0; d < width; d += 16) store(acc + d, fma(load(from.acc + i * width + d), b, mul(load(acc + d), a)));
  }
}

void attend_finish(const AttendPartial& state, int n, int width, float* out) {
  for (int i = 0; i < n; ++i) {
    const float total = sum(load(state.l + i * kLanes));
    const F16 inverse = set1(total > 0 ? 1.0f / total : 0.0f);
    for (int d = 0; d < width; d += 16) store(out + i * width + d, mul(load(state.acc + i * width + d), inverse));
  }
}

const KvCodecKernels kExact[] = {make_codec<FloatForm, StoreF32>("f32"), make_codec<FloatForm, StoreF16>("f16"),
                                 make_codec<FloatForm, StoreBF16>("bf16"), make_codec<FloatForm, StoreQ8>("q8")};
#if defined(FRUGAL_ISA_avx512vnni)
const KvCodecKernels kFast[] = {make_codec<FloatForm, StoreF32>("f32"), make_codec<PairForm, StoreF16>("f16"),
                                make_codec<PairForm, StoreBF16>("bf16"), make_codec<PairForm, StoreQ8>("q8")};
#else
const auto& kFast = kExact;
#endif

}  // namespace

void fill_attention(KernelTable& table) {
  table.attend = attend;
  table.attend_merge = attend_merge;
  table.attend_finish = attend_finish;
  table.codecs = kFast;
  table.exact_codecs = kExact;
  table.codec_count = 4;
}

}  // namespace frugal::FRUGAL_ISA
