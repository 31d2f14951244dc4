// What policies want to know of rows: the attention that queries paid to them, the size of their values.
#include <cmath>
#include <cstdlib>

#include "kv/layout/ragged_event.h"

namespace frugal {
namespace {

constexpr int kCountedAtOnce = 64;  // rows whose queries meet a page together

struct AlignedScratch {
  explicit AlignedScratch(size_t bytes)
      : p(static_cast<uint8_t*>(std::aligned_alloc(64, (bytes + 63) / 64 * 64)), std::free) {}
  std::unique_ptr<uint8_t, void (*)(void*)> p;
};

}  // namespace

void RaggedEvent::count_queries() {
  for (int first = 0; first < tape_.rows; first += kCountedAtOnce)
    count_some(first, std::min(kCountedAtOnce, tape_.rows - first));
}

// Rows [first, first + n) of the tape, whose own slots are the last ones, against every page that they see.
void RaggedEvent::count_some(int first, int n) {
  const int ratio = tape_.heads / layer_.shape.heads, queries = n * ratio;
  const size_t count = static_cast<size_t>(queries);
  std::vector<uint8_t> prep(count * tape_.prep);
  std::vector<float> lse(count), slopes(count), each(static_cast<size_t>(n * kPageRows)), unused(kPageRows);
  std::vector<int64_t> begin(count, 0), end(count);
  std::vector<int32_t> positions(count);
  const int64_t slot0 = h_.slots - tape_.rows + first;
  for (int i = 0; i < queries; ++i) {
    const int row = first + i / ratio, q = head_ * ratio + i % ratio;
    const size_t at = static_cast<size_t>(i);
    std::copy_n(tape_.query(row, q), tape_.prep, prep.data() + at * tape_.prep);
    lse[at] = tape_.lse_of(row, q);
    end[at] = slot0 + i / ratio + 1;
    positions[at] = h_.token[static_cast<size_t>(end[at] - 1)];
    if (tape_.slopes != nullptr) slopes[at] = tape_.slopes[q] * kLog2E;
  }
  const AlignedScratch scratch(attend_unit_scratch(layer_.k_width, layer_.v_width));
  AttendUnit u;
  u.k = layer_.k, u.k_width = layer_.k_width, u.v_width = layer_.v_width;
  u.pages = h_.k.data(), u.k_forms = h_.k_forms.data(), u.k_closed = layer_.k_closing.kernels;
  u.n = queries, u.prep = prep.data(), u.begin = begin.data(), u.end = end.data();
  u.alive = h_.alive.data();
  u.softcap = tape_.softcap * kLog2E;
  u.slopes = tape_.slopes != nullptr ? slopes.data() : nullptr;
  u.query_positions = positions.data(), u.key_positions = h_.token.data();
  u.scratch = scratch.p.get();
  const bool decodes = needs_.decode_mass && !seq_.in_prompt_ && !prompt_ends_,
             one_by_one = needs_.history > 0 || decodes;
  for (int64_t page = h_.far_pages; page * kPageRows < end.back(); ++page) {
    float* mass = needs_.mass ? &h_.columns[kMass][static_cast<size_t>(page * kPageRows)] : unused.data();
    pool_.table().attend_mass(u, lse.data(), ratio, page, mass, one_by_one ? each.data() : nullptr);
    if (needs_.history > 0) note_history(each.data(), first, n, page);
    if (!decodes) continue;
    float* sums = &h_.columns[kDecodeMass][static_cast<size_t>(page * kPageRows)];
    for (int i = 0; i < n; ++i)
      for (int r = 0; r < kPageRows; ++r) sums[r] += each[static_cast<size_t>(i * kPageRows + r)];
  }
}

// One bit for each row and query: did it get less than an equal share of what the query saw?
void RaggedEvent::note_history(const float* each, int first, int n, int64_t page) {
  const int64_t rows = h_.rows(), slot0 = h_.slots - tape_.rows + first;
  for (int i = 0; i < n; ++i) {
    const int64_t own = slot0 + i, seen = rows - (tape_.rows - 1 - (first + i));
    const int bit = static_cast<int>(h_.token[static_cast<size_t>(own)] % needs_.history);
    const float share = 1.0f / static_cast<float>(seen);
    for (int64_t r = 0; r < kPageRows && page * kPageRows + r <= own; ++r) {
      uint8_t& byte =
          h_.history[static_cast<size_t>(page * kPageRows + r) * h_.history_bytes + static_cast<size_t>(bit / 8)];
      const uint8_t mask = static_cast<uint8_t>(1u << (bit % 8));
      byte = static_cast<uint8_t>(each[i * kPageRows + r] < share ? byte | mask : byte & ~mask);
    }
  }
}

uint16_t RaggedEvent::low_count(int64_t slot) const {
  int n = 0;
  for (size_t i = 0; i < h_.history_bytes; ++i)
    n += __builtin_popcount(h_.history[static_cast<size_t>(slot) * h_.history_bytes + i]);
  return static_cast<uint16_t>(n);
}

float RaggedEvent::value_norm(int64_t slot) const {
  std::vector<float> row(static_cast<size_t>(layer_.v_width));
  const size_t page = static_cast<size_t>(slot / kPageRows);
  const int index = static_cast<int>(slot % kPageRows);
  if (h_.v_forms[page] != 0)
    kivi_read_value(layer_.v_closing.form, h_.v[page], index, row.data());
  else
    layer_.v->v_read(h_.v[page], layer_.v_width, index, row.data());
  float sum = 0;
  for (int d = 0; d < layer_.shape.v_width; ++d) sum += std::abs(row[static_cast<size_t>(d)]);
  return sum;
}

void RaggedEvent::measure_values() {
  for (; h_.normed < h_.slots; ++h_.normed)
    h_.columns[kValueNorm][static_cast<size_t>(h_.normed)] = value_norm(h_.normed);
}

}  // namespace frugal
