// The attention that given queries paid to the rows of a page, once their final normalisers are known: the second sweep
// by which policies learn what rows are worth. Scores are computed as attention computes them, tile by tile, and summed
// up at once, query by query in their order; so however queries are cut into calls, the sums are the same bits.
#include <algorithm>

#include "ops/attention.h"
#include "ops/cpu/attend_tiles.inl.h"
#include "ops/cpu/exp2.inl.h"
#include "ops/cpu/rows.inl.h"

namespace frugal::FRUGAL_ISA {
namespace {

// Soft cap, slopes and hidden rows of query i in a page, as attention has them.
void finish_scores(const AttendUnit& u, int i, int64_t page, float* s) {
  if (u.softcap > 0) softcap_row(s, u.softcap, kPageRows, s);
  const int64_t slot0 = page * kPageRows, first = u.begin[i] - slot0, last = u.end[i] - slot0;
  const uint32_t alive = u.alive != nullptr ? u.alive[page] : ~0u;
  for (int64_t r = 0; u.slopes != nullptr && r < std::min<int64_t>(last, kPageRows); ++r)
    s[r] += u.slopes[i] * static_cast<float>(u.key_positions[slot0 + r] - u.query_positions[i]);
  if (alive == ~0u && first <= 0 && last >= kPageRows) return;
  for (int r = 0; r < kPageRows; ++r)
    if (r < first || r >= last || (alive >> r & 1) == 0) s[r] = kAttendNothing;
}

void attend_mass(const AttendUnit& u, const float* lse, int ratio, int64_t page, float* mass, float* each) {
  float* scores = reinterpret_cast<float*>(u.scratch);
  uint8_t* opened = reinterpret_cast<uint8_t*>(scores + kAttendTogether * kAttendRows);
  const uint8_t* keys = nullptr;
  const size_t prep_bytes = u.k->prep_bytes(u.k_width);
  const F16 share = set1(1.0f / static_cast<float>(ratio));
  F16 low = load(mass), high = load(mass + 16), row_low = zero(), row_high = zero();
  for (int i0 = 0; i0 < u.n; i0 += kAttendTogether) {
    const int n = std::min(kAttendTogether, u.n - i0);
    const uint8_t* prep = u.prep + static_cast<size_t>(i0) * prep_bytes;
    if (!meets_closed_keys(u, page, prep, n, scores)) {
      if (keys == nullptr) keys = open_key_page(u, page, opened);
      u.k->dot(keys, u.k_width, prep, n, scores);
    }
    for (int i = i0; i < i0 + n; ++i) {
      float* s = scores + (i - i0) * kAttendRows;
      finish_scores(u, i, page, s);
      const F16 shift = set1(lse[i]);
      row_low = add(row_low, exp2_negative(sub(load(s), shift)));
      row_high = add(row_high, exp2_negative(sub(load(s + 16), shift)));
      if ((i + 1) % ratio != 0) continue;
      row_low = mul(row_low, share), row_high = mul(row_high, share);
      low = add(low, row_low), high = add(high, row_high);
      if (each != nullptr) store(each, row_low), store(each + 16, row_high), each += kPageRows;
      row_low = row_high = zero();
    }
  }
  store(mass, low), store(mass + 16, high);
}

}  // namespace

void fill_mass(KernelTable& table) { table.attend_mass = attend_mass; }

}  // namespace frugal::FRUGAL_ISA
