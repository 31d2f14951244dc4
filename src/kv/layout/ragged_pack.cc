// Pages of a head packed after rows have left, and closed when their time has come.
#include <bit>
#include <cstring>

#include "kv/layout/ragged_event.h"

namespace frugal {
namespace {

// Pages of one kind that follow one another: open, or with keys or values (or both) closed.
int kind(const RaggedHead& h, int64_t page) {
  return (h.k_forms[static_cast<size_t>(page)] != 0 ? 1 : 0) + (h.v_forms[static_cast<size_t>(page)] != 0 ? 2 : 0);
}

}  // namespace

bool make_own(PageHeap& heap, uint8_t*& page, size_t bytes) {
  if (!heap.is_shared(page)) return true;
  uint8_t* own = heap.allocate(bytes);
  if (own == nullptr) return false;
  std::memcpy(own, page, bytes);
  heap.release(std::exchange(page, own));
  return true;
}

void copy_open_row(const KvLayer& l, const RaggedHead& from, int64_t slot, RaggedHead& to, int64_t to_slot) {
  const size_t a = static_cast<size_t>(slot / kPageRows), b = static_cast<size_t>(to_slot / kPageRows);
  const int i = static_cast<int>(slot % kPageRows), j = static_cast<int>(to_slot % kPageRows);
  l.k->k_copy(from.k[a], l.k_width, i, to.k[b], j);
  l.v->v_copy(from.v[a], l.v_width, i, to.v[b], j);
}

size_t head_bytes(const RaggedPool& pool, int layer, const RaggedHead& h) {
  const KvLayer& l = pool.layer(layer);
  const size_t k = l.k->k_page_bytes(l.k_width), v = l.v->v_page_bytes(l.v_width);
  const auto padded = [](size_t bytes) { return (bytes + 63) / 64 * 64; };
  size_t bytes = h.alive.size() * kPageRows * pool.columns_bytes(layer);
  for (uint8_t form : h.k_forms) bytes += padded(form == 0 ? k : l.k_closing.form.key_bytes(form));
  for (uint8_t form : h.v_forms) bytes += padded(form == 0 ? v : l.v_closing.form.value_bytes());
  return bytes;
}

void RaggedHead::set_up(const PolicyNeeds& needs) {
  has_column = {needs.mass, needs.decode_mass, needs.value_norms};
  history_bytes = frugal::history_bytes(needs.history);
}

void RaggedHead::move_page(int64_t from, int64_t to) {
  const size_t a = static_cast<size_t>(from), b = static_cast<size_t>(to);
  k[b] = k[a], v[b] = v[a], k_forms[b] = k_forms[a], v_forms[b] = v_forms[a], alive[b] = alive[a];
  for (int64_t r = 0; r < kPageRows; ++r) move_columns(from * kPageRows + r, to * kPageRows + r);
}

// Packs every stretch of pages of one kind that holds too many dead rows: a sixteenth of the living ones where pages
// are open (any where some of them are about to close), a quarter of all where they are closed.
void RaggedEvent::tidy() {
  const bool closes = (due_.k && open_rows(h_.k_forms) >= layer_.k_closing.residual) ||
                      (due_.v && open_rows(h_.v_forms) >= layer_.v_closing.residual + kPageRows);
  for (int64_t first = 0; first < h_.pages();) {
    int64_t last = first + 1, living = std::popcount(h_.living(first)), rows = h_.in_page(first);
    for (; last < h_.pages() && last != h_.far_pages && kind(h_, last) == kind(h_, first); ++last) {
      living += std::popcount(h_.living(last));
      rows += h_.in_page(last);
    }
    const int64_t dead = rows - living, full = (living + kPageRows - 1) / kPageRows,
                  taken = (rows + kPageRows - 1) / kPageRows;
    const bool open = kind(h_, first) == 0;
    const bool too_many = open ? dead * 16 > living || closes : dead * 4 > rows;
    const int64_t before = h_.pages();
    if (dead > 0 && too_many && (full < taken || (open && closes && last == h_.pages())) &&
        (open ? shift(first, last) : pack(first, last)))
      last -= before - h_.pages();
    first = last;
  }
}

std::vector<int64_t> RaggedEvent::living_slots(int64_t first, int64_t last) const {
  std::vector<int64_t> slots;
  for (int64_t p = first; p < last; ++p)
    for (uint32_t bits = h_.living(p); bits != 0; bits &= bits - 1)
      slots.push_back(p * kPageRows + std::countr_zero(bits));
  return slots;
}

// Pages [last, ...) follow [first, first + pages) at once; `rows` living ones are in the latter.
void RaggedEvent::close_up(int64_t first, int64_t last, int64_t pages, int64_t rows, bool takes_more) {
  for (int64_t p = last; p < h_.pages(); ++p) h_.move_page(p, p - (last - first) + pages);
  const int64_t gone = last - first - pages;
  for (int64_t p = 0; p < pages; ++p) {
    const int64_t n = std::min<int64_t>(kPageRows, rows - p * kPageRows);
    h_.alive[static_cast<size_t>(first + p)] = takes_more || n == kPageRows ? ~0u : (1u << n) - 1;
  }
  h_.resize(h_.pages() - gone);
  h_.slots = takes_more ? first * kPageRows + rows : h_.slots - gone * kPageRows;
  h_.normed = std::min(h_.normed, h_.slots);
}

// Living rows of open pages [first, last) move to their front. False when a page is shared and there is no memory.
bool RaggedEvent::shift(int64_t first, int64_t last) {
  while (first < last && h_.living(first) == ~0u) ++first;  // these are as they should be
  const bool tail = last * kPageRows >= h_.slots;
  const std::vector<int64_t> from = living_slots(first, last);
  const int64_t rows = static_cast<int64_t>(from.size()), pages = (rows + kPageRows - 1) / kPageRows;
  for (size_t p = static_cast<size_t>(first); p < static_cast<size_t>(first + pages); ++p)
    if (!make_own(pool_.heap(), h_.k[p], layer_.k->k_page_bytes(layer_.k_width)) ||
        !make_own(pool_.heap(), h_.v[p], layer_.v->v_page_bytes(layer_.v_width)))
      return false;
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t slot = from[static_cast<size_t>(i)], to = first * kPageRows + i;
    if (slot == to) continue;
    copy_open_row(layer_, h_, slot, h_, to);
    h_.move_columns(slot, to);
  }
  for (size_t p = static_cast<size_t>(first + pages); p < static_cast<size_t>(last); ++p)
    pool_.heap().release(h_.k[p]), pool_.heap().release(h_.v[p]);
  close_up(first, last, pages, rows, tail);
  return true;
}

// Living rows of closed pages [first, last), all of one kind, into as few pages of that kind. False when there is no
// memory.
bool RaggedEvent::pack(int64_t first, int64_t last) {
  while (first < last && h_.living(first) == ~0u) ++first;  // these are as they should be
  const bool k_closed = h_.k_forms[static_cast<size_t>(first)] != 0,
             v_closed = h_.v_forms[static_cast<size_t>(first)] != 0;
  const std::vector<int64_t> from = living_slots(first, last);
  RaggedHead packed;
  packed.set_up(needs_);
  for (size_t i = 0; i < from.size(); i += kPageRows)
    if (!fill_page(from, i, std::min<size_t>(kPageRows, from.size() - i), k_closed, v_closed, packed)) {
      for (uint8_t* p : packed.k) pool_.heap().release(p);
      for (uint8_t* p : packed.v) pool_.heap().release(p);
      return false;
    }
  // Columns move left in place, which copies no column over one that is still wanted.
  for (size_t i = 0; i < from.size(); ++i) h_.move_columns(from[i], first * kPageRows + static_cast<int64_t>(i));
  for (int64_t p = first; p < last; ++p)
    pool_.heap().release(h_.k[static_cast<size_t>(p)]), pool_.heap().release(h_.v[static_cast<size_t>(p)]);
  const int64_t pages = packed.pages();
  for (int64_t p = 0; p < pages; ++p) {
    const size_t to = static_cast<size_t>(first + p), at = static_cast<size_t>(p);
    h_.k[to] = packed.k[at], h_.v[to] = packed.v[at], h_.k_forms[to] = packed.k_forms[at],
    h_.v_forms[to] = packed.v_forms[at];
  }
  close_up(first, last, pages, static_cast<int64_t>(from.size()), false);
  return true;
}

// A page of n rows, from[first ...], behind those that `to` holds.
bool RaggedEvent::fill_page(const std::vector<int64_t>& from, size_t first, size_t n, bool k_closed, bool v_closed,
                            RaggedHead& to) {
  const auto page_of = [&](size_t i) { return static_cast<size_t>(from[first + i] / kPageRows); };
  const auto index_of = [&](size_t i) { return static_cast<int>(from[first + i] % kPageRows); };
  int sets = 0;
  for (size_t i = 0; i < n && k_closed; ++i) {
    const size_t p = page_of(i);
    const auto set = [&](size_t j) { return layer_.k_closing.form.key_set(h_.k_forms[p], h_.k[p], index_of(j)); };
    if (i == 0 || p != page_of(i - 1) || set(i) != set(i - 1)) ++sets;
  }
  const uint8_t k_form = static_cast<uint8_t>(k_closed ? sets | kKiviPacked : 0);
  const size_t k_bytes = k_closed ? layer_.k_closing.form.key_bytes(k_form) : layer_.k->k_page_bytes(layer_.k_width);
  const size_t v_bytes = v_closed ? layer_.v_closing.form.value_bytes() : layer_.v->v_page_bytes(layer_.v_width);
  uint8_t *k = pool_.heap().allocate(k_bytes), *v = pool_.heap().allocate(v_bytes);
  if (k != nullptr) to.k.push_back(k);
  if (v != nullptr) to.v.push_back(v);
  if (k == nullptr || v == nullptr) return false;
  to.k_forms.push_back(k_form);
  to.v_forms.push_back(static_cast<uint8_t>(v_closed ? layer_.v_closing.form.groups() : 0));
  to.alive.push_back(~0u);
  KiviPacker packer(layer_.k_closing.form, k, sets);
  for (size_t i = 0; i < n; ++i) {
    const uint8_t *k_from = h_.k[page_of(i)], *v_from = h_.v[page_of(i)];
    const int at = index_of(i), slot = static_cast<int>(i);
    if (k_closed) {
      packer.add(k_from, h_.k_forms[page_of(i)], at, slot);
    } else {
      layer_.k->k_copy(k_from, layer_.k_width, at, k, slot);
    }
    if (v_closed) {
      kivi_move_value(layer_.v_closing.form, v_from, at, v, slot);
    } else {
      layer_.v->v_copy(v_from, layer_.v_width, at, v, slot);
    }
  }
  return true;
}

int64_t RaggedEvent::open_rows(const std::vector<uint8_t>& forms) const {
  int64_t n = 0;
  for (int64_t p = 0; p < h_.pages(); ++p)
    if (forms[static_cast<size_t>(p)] == 0) n += std::popcount(h_.living(p));
  return n;
}

// Dead rows of a page about to close must not widen its groups: they become copies of a living one.
void RaggedEvent::fill_dead(int64_t page, float* rows, int step, int channel_step, int width) const {
  const uint32_t living = h_.living(page);
  if (living == ~0u || living == 0) return;
  const int model = std::countr_zero(living);
  for (int r = 0; r < kPageRows; ++r)
    for (int d = 0; d < width && (living >> r & 1) == 0; ++d)
      rows[r * step + d * channel_step] = rows[model * step + d * channel_step];
}

// Keys close a residual's worth of rows at a time, as soon as there are so many: 0 to residual - 1 stay open.
void RaggedEvent::close_keys() {
  const KvClosing& c = layer_.k_closing;
  const int width = layer_.k_width;
  std::vector<float> scratch(static_cast<size_t>(width * kPageRows) + 16);
  int64_t left = open_rows(h_.k_forms) / c.residual * c.residual;
  for (int64_t p = 0; p < h_.pages() && left > 0; ++p) {
    const size_t page = static_cast<size_t>(p);
    if (h_.k_forms[page] != 0 || h_.in_page(p) < kPageRows) continue;
    left -= std::popcount(h_.living(p));
    uint8_t* closed = pool_.heap().allocate(c.form.key_bytes(c.form.key_form()));
    if (closed == nullptr) return;
    std::vector<float> rows(static_cast<size_t>(width * kPageRows));
    const float* opened =
        reinterpret_cast<const float*>(c.floats->k_open(h_.k[page], width, reinterpret_cast<uint8_t*>(scratch.data())));
    std::copy_n(opened, rows.size(), rows.begin());
    fill_dead(p, rows.data(), 1, kPageRows, width);
    kivi_close_keys(c.form, rows.data(), closed);
    pool_.heap().release(std::exchange(h_.k[page], closed));
    h_.k_forms[page] = c.form.key_form();
  }
}

// Values close page by page as soon as all of its rows are older than the residual.
void RaggedEvent::close_values() {
  const KvClosing& c = layer_.v_closing;
  const int width = layer_.v_width;
  std::vector<float> scratch(static_cast<size_t>(width * kPageRows) + 16);
  int64_t open = open_rows(h_.v_forms);
  for (int64_t p = 0; p < h_.pages(); ++p) {
    const size_t page = static_cast<size_t>(p);
    if (h_.v_forms[page] != 0 || h_.in_page(p) < kPageRows) continue;
    const int rows = std::popcount(h_.living(p));
    if (open - rows < c.residual) return;
    open -= rows;
    uint8_t* closed = pool_.heap().allocate(c.form.value_bytes());
    if (closed == nullptr) return;
    kivi_close_values(
        c.form,
        reinterpret_cast<const float*>(c.floats->v_open(h_.v[page], width, reinterpret_cast<uint8_t*>(scratch.data()))),
        closed);
    pool_.heap().release(std::exchange(h_.v[page], closed));
    h_.v_forms[page] = static_cast<uint8_t>(c.form.groups());
  }
}

}  // namespace frugal
