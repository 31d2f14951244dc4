// Attention over one unit's pages, and the table of cache codecs, of one instruction set. See ops/attention.h.
#include "ops/attention.h"

#include <algorithm>
#include <type_traits>

#include "ops/cpu/attend_tiles.inl.h"
#include "ops/cpu/rows.inl.h"

namespace frugal::FRUGAL_ISA {
namespace {

constexpr float kNone = -std::numeric_limits<float>::infinity();

// Scores of slots that query i must not see become -infinity. False when it sees nothing of the slots.
bool mask_slots(const AttendUnit& u, int i, int64_t slot0, int64_t count, float* s) {
  const int64_t first = u.begin[i] - slot0, last = u.end[i] - slot0;
  if (first >= count || last <= 0) return false;
  for (int64_t r = 0; r < first; ++r) s[r] = kNone;
  for (int64_t r = last; r < count; ++r) s[r] = kNone;
  if (u.tree == nullptr || slot0 + count <= u.tree_base) return true;
  for (int64_t r = std::max<int64_t>(0, u.tree_base - slot0); r < std::min<int64_t>(last, count); ++r) {
    const int64_t bit = slot0 + r - u.tree_base;
    if (((u.tree[i * u.tree_words + bit / 64] >> (bit % 64)) & 1) == 0) s[r] = kNone;
  }
  return true;
}

void bias_slots(const AttendUnit& u, int i, int64_t slot0, int64_t count, float* s) {
  if (u.softcap > 0) softcap_row(s, u.softcap, count, s);
  if (u.slopes == nullptr) return;
  const int64_t rows = std::min<int64_t>(count, u.end[i] - slot0);
  for (int64_t r = 0; r < rows; ++r) s[r] += u.slopes[i] * static_cast<float>(u.key_positions[slot0 + r] - u.query_positions[i]);
}

// Turns count scores (a multiple of 32) into e^(score - m), m being the largest; l: their sums by lane.
FRUGAL_INLINE void softmax_slots(float* s, int64_t count, float& m, float* l) {
  F16 top = max(load(s), load(s + 16));
  for (int64_t r = kPageRows; r < count; r += kPageRows) top = max(top, max(load(s + r), load(s + r + 16)));
  m = max_of(top);
  F16 total = zero();
  const F16 shift = set1(m == kNone ? 0.0f : m);
  for (int64_t r = 0; r < count; r += kPageRows) {
    const F16 a = exp(sub(load(s + r), shift)), b = exp(sub(load(s + r + 16), shift));
    store(s + r, a);
    store(s + r + 16, b);
    total = add(total, add(a, b));
  }
  store(l, total);
}

// Fills u.state over pages [page0, page1), which lie in one block.
void attend(const AttendUnit& u, int64_t page0, int64_t page1) {
  const int64_t slot0 = page0 * kPageRows, count = (page1 - page0) * kPageRows;
  std::fill_n(u.state.acc, u.n * u.v_width, 0.0f);
  for (int64_t page = page0; page < page1; ++page)
    u.k->dot(u.pages[page] + u.k_offset, u.k_width, u.prep, u.n, u.scores + (page - page0) * kPageRows, kAttendRows, u.scratch);
  for (int i = 0; i < u.n; ++i) {
    float* s = u.scores + i * kAttendRows;
    bias_slots(u, i, slot0, count, s);
    if (!mask_slots(u, i, slot0, count, s)) std::fill_n(s, count, kNone);
    softmax_slots(s, count, u.state.m[i], u.state.l + i * kLanes);
  }
  for (int64_t page = page0; page < page1; ++page)
    u.v->axpy(u.pages[page] + u.v_offset, u.v_width, u.scores + (page - page0) * kPageRows, kAttendRows, u.n, u.state.acc, u.scratch);
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
