#include "kv/layout/ragged.h"

#include <bit>
#include <cassert>
#include <cstring>

#include "base/error.h"
#include "kv/layout/ragged_event.h"

namespace frugal {
namespace {

constexpr int64_t kDefaultRows = 1 << 20;
constexpr size_t kMostReserved = size_t{1} << 42;  // bytes of address space, of one size of page

size_t open_bytes(const KvLayer& l) { return l.k->k_page_bytes(l.k_width) + l.v->v_page_bytes(l.v_width); }

int64_t open_rows(const KvPoolOptions& options) { return options.max_rows > 0 ? options.max_rows : kDefaultRows; }

size_t capacity(const KvPoolOptions& options, const RowPool& pool) {
  const int64_t rows = open_rows(options);
  size_t bytes = 0;
  for (int l = 0; l < pool.layers(); ++l)
    bytes += open_bytes(pool.layer(l)) * static_cast<size_t>(pool.layer(l).shape.heads);
  const size_t pages = static_cast<size_t>((rows + kPageRows - 1) / kPageRows);
  return bytes > 0 && pages > kMostReserved / bytes ? kMostReserved : pages * bytes;
}

KvClosing closing_of(const CodecChoice& c, const KernelTable& table, bool exact, int width, int used) {
  KvClosing closing;
  if (c.bits == 0) return closing;
  closing.form = {c.bits, c.group, width, used};
  closing.residual = c.residual;
  closing.schedule = c.schedule;
  closing.kernels = table.find_closed(c.bits, exact);
  closing.floats = table.find_codec(c.rows, true);
  return closing;
}

// Of a closed page's row, so that budgets in bytes can be kept.
double closed_row_bytes(const KvClosing& c, bool key, size_t open_page) {
  const size_t page = !c.on() ? open_page : key ? c.form.key_bytes(c.form.key_form()) : c.form.value_bytes();
  return static_cast<double>(page) / kPageRows;
}

}  // namespace

RaggedPool::RaggedPool(const KvPoolOptions& options, const std::vector<LayerSpec>& specs)
    : RowPool(options), heap_(capacity(options, *this)), most_rows_(8 * open_rows(options)), team_(options.team) {
  for (size_t l = 0; l < specs.size(); ++l) {
    KvLayer& layer = layers_[l];
    layer.k_closing = closing_of(make_method<MakeCodec>("kv", specs[l].k_codec), *table_, options.exact, layer.k_width,
                                 layer.shape.k_width);
    layer.v_closing = closing_of(make_method<MakeCodec>("kv", specs[l].v_codec), *table_, options.exact, layer.v_width,
                                 layer.shape.v_width);
    const bool own_window = layer.shape.window > 0;
    policies_.push_back(make_method<MakePolicy>("kv", own_window ? Unit{"full", {}} : specs[l].policy));
    needs_.push_back(policies_.back()->needs());
    moves_positions_ = moves_positions_ || policies_.back()->counts_in_cache();
  }
}

std::unique_ptr<KvSeq> RaggedPool::create() { return std::make_unique<RaggedSeq>(*this); }

size_t RaggedPool::columns_bytes(int l) const {
  const PolicyNeeds& n = needs(l);
  const size_t floats =
      static_cast<size_t>(n.mass) + static_cast<size_t>(n.decode_mass) + static_cast<size_t>(n.value_norms);
  return sizeof(int32_t) + sizeof(float) * floats + history_bytes(n.history);
}

double RaggedPool::row_bytes() const {
  double bytes = 0;
  for (int l = 0; l < layers(); ++l) {
    const KvLayer& x = layer(l);
    const double row = closed_row_bytes(x.k_closing, true, x.k->k_page_bytes(x.k_width)) +
                       closed_row_bytes(x.v_closing, false, x.v->v_page_bytes(x.v_width));
    bytes += (row + static_cast<double>(columns_bytes(l))) * x.shape.heads;
  }
  return bytes;
}

uint32_t RaggedHead::living(int64_t page) const {
  const int n = in_page(page);
  return alive[static_cast<size_t>(page)] & (n >= kPageRows ? ~0u : (1u << n) - 1);
}

int64_t RaggedHead::rows() const {
  int64_t n = 0;
  for (int64_t p = 0; p < pages(); ++p) n += std::popcount(living(p));
  return n;
}

RaggedSeq::RaggedSeq(RaggedPool& pool) : pool_(pool), tapes_(static_cast<size_t>(pool.layers())) {
  size_t heads = 0;
  for (int l = 0; l < pool.layers(); ++l) {
    first_.push_back(heads);
    heads += static_cast<size_t>(pool.layer(l).shape.heads);
  }
  heads_.resize(heads);
}

RaggedSeq::~RaggedSeq() { clear(); }

void RaggedSeq::clear() {
  each_head([&](int, int, RaggedHead& h) {
    while (h.pages() > 0) drop_last_page(h);
    h = RaggedHead();
  });
  for (KvTape& t : tapes_) t.rows = 0;
  length_ = prompt_ = reserved_ = 0;
  in_prompt_ = true;
  shared_ = false;
}

void RaggedSeq::drop_last_page(RaggedHead& h) {
  pool_.heap().release(h.k.back());
  pool_.heap().release(h.v.back());
  h.resize(h.pages() - 1);
}

void RaggedHead::resize(int64_t n) {
  const size_t pages = static_cast<size_t>(n), rows = pages * kPageRows;
  k.resize(pages), v.resize(pages), k_forms.resize(pages), v_forms.resize(pages);
  alive.resize(pages, ~0u);
  token.resize(rows);
  for (int c = 0; c < kRowColumns; ++c)
    if (has_column[static_cast<size_t>(c)]) columns[static_cast<size_t>(c)].resize(rows);
  history.resize(rows * history_bytes);
}

void RaggedHead::move_columns(int64_t from, int64_t to) {
  token[static_cast<size_t>(to)] = token[static_cast<size_t>(from)];
  for (auto& c : columns)
    if (!c.empty()) c[static_cast<size_t>(to)] = c[static_cast<size_t>(from)];
  if (history_bytes > 0)
    std::memmove(&history[static_cast<size_t>(to) * history_bytes], &history[static_cast<size_t>(from) * history_bytes],
                 history_bytes);
}

void RaggedHead::begin_row(int64_t slot, int32_t number) {
  token[static_cast<size_t>(slot)] = number;
  for (auto& c : columns)
    if (!c.empty()) c[static_cast<size_t>(slot)] = 0;
  if (history_bytes > 0) std::memset(&history[static_cast<size_t>(slot) * history_bytes], 0, history_bytes);
}

// Open pages for the rows to come; the page that they begin in becomes the sequence's own.
bool RaggedSeq::reserve(int layer, RaggedHead& h, int64_t rows) {
  const KvLayer& l = pool_.layer(layer);
  const size_t k_bytes = l.k->k_page_bytes(l.k_width), v_bytes = l.v->v_page_bytes(l.v_width);
  while (h.pages() * kPageRows < h.slots + rows) {
    uint8_t *k = pool_.heap().allocate(k_bytes), *v = pool_.heap().allocate(v_bytes);
    if (k == nullptr || v == nullptr) {
      if (k != nullptr) pool_.heap().release(k);
      if (v != nullptr) pool_.heap().release(v);
      return false;
    }
    if (h.pages() == 0) h.set_up(pool_.needs(layer));
    h.resize(h.pages() + 1);
    h.k.back() = k, h.v.back() = v;
  }
  if (!shared_ || h.slots % kPageRows == 0 || rows == 0) return true;
  const size_t tail = static_cast<size_t>(h.slots / kPageRows);
  return make_own(pool_.heap(), h.k[tail], k_bytes) && make_own(pool_.heap(), h.v[tail], v_bytes);
}

bool RaggedSeq::reserve(int64_t rows) {
  forget_uncommitted(std::exchange(reserved_, 0));
  bool good = true;
  each_head([&](int l, int, RaggedHead& h) {
    good = good && h.slots + rows <= pool_.most_slots(length_ + rows) && reserve(l, h, rows);
  });
  if (!good)  // others may use what is not enough
    each_head([&](int, int, RaggedHead& h) {
      while ((h.pages() - 1) * kPageRows >= h.slots && h.pages() > 0) drop_last_page(h);
    });
  reserved_ = good ? rows : 0;
  return good;
}

HeadView RaggedSeq::head(int layer, int head) {
  RaggedHead& h = at(layer, head);
  HeadView view;
  view.k_pages = h.k.data(), view.v_pages = h.v.data();
  if (pool_.layer(layer).k_closing.on()) view.k_forms = h.k_forms.data();
  if (pool_.layer(layer).v_closing.on()) view.v_forms = h.v_forms.data();
  view.alive = h.alive.data();
  view.positions = h.token.data();
  view.slots = h.slots;
  view.far_pages = h.far_pages, view.far_shift = h.far_shift;
  return view;
}

// Rows of the step that did not stay: nothing of them may be seen, infinities least of all.
void RaggedSeq::forget_uncommitted(int64_t written) {
  if (written <= 0) return;
  each_head([&](int l, int, RaggedHead& h) {
    const KvLayer& layer = pool_.layer(l);
    if (!holds_infinities(*layer.k) && !holds_infinities(*layer.v)) return;
    for (int64_t slot = h.slots; slot < h.slots + written; ++slot)
      erase_row(layer, h.k[static_cast<size_t>(slot / kPageRows)], h.v[static_cast<size_t>(slot / kPageRows)],
                static_cast<int>(slot % kPageRows));
  });
}

// The step's first rows are the sequence's now.
void RaggedSeq::take_in(int64_t rows) {
  const int64_t before = length_;
  each_head([&](int, int, RaggedHead& h) {
    for (int64_t i = 0; i < rows; ++i) h.begin_row(h.slots + i, static_cast<int32_t>(before + i));
    h.slots += rows;
  });
  for (KvTape& t : tapes_) t.rows += static_cast<int>(t.heads > 0 ? rows : 0);
  length_ += rows;
  forget_uncommitted(std::exchange(reserved_, 0) - rows);
  run_events(false, before);
}

void RaggedSeq::commit(int64_t rows) { take_in(rows); }

void RaggedSeq::keep_path(std::span<const int> rows) {
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i] == static_cast<int>(i)) continue;
    const int64_t step = static_cast<int64_t>(i);
    each_head(
        [&](int l, int, RaggedHead& h) { copy_open_row(pool_.layer(l), h, h.slots + rows[i], h, h.slots + step); });
    for (KvTape& t : tapes_)
      if (t.heads > 0) t.keep(t.rows + static_cast<int>(i), t.rows + rows[i]);
  }
  take_in(static_cast<int64_t>(rows.size()));
}

// Rows of tokens from `length` on leave. Below the cut of a closed page no new row can stand: they go behind it.
void RaggedSeq::cut(int layer, RaggedHead& h, int64_t length) {
  const int64_t had = h.slots;
  while (h.slots > 0 && h.token[static_cast<size_t>(h.slots - 1)] >= length) --h.slots;
  while (h.pages() > 0 && (h.pages() - 1) * kPageRows >= h.slots) drop_last_page(h);
  h.normed = std::min(h.normed, h.slots);
  if (h.slots % kPageRows == 0) return;
  const int64_t page = h.slots / kPageRows;
  const uint32_t kept = (1u << (h.slots % kPageRows)) - 1;
  uint32_t& alive = h.alive[static_cast<size_t>(page)];
  if (!h.open(page)) {
    alive &= kept;
    h.slots = (page + 1) * kPageRows;
    return;
  }
  alive |= ~kept;
  const KvLayer& l = pool_.layer(layer);
  if (pool_.heap().is_shared(h.k[static_cast<size_t>(page)]) || pool_.heap().is_shared(h.v[static_cast<size_t>(page)]))
    return;
  for (int64_t slot = h.slots; slot < std::min(had, (page + 1) * kPageRows); ++slot)
    erase_row(l, h.k[static_cast<size_t>(page)], h.v[static_cast<size_t>(page)], static_cast<int>(slot % kPageRows));
}

// What has left the cache does not come back.
void RaggedSeq::truncate(int64_t length) {
  if (length >= length_) return;
  if (length <= 0) return clear();
  each_head([&](int l, int, RaggedHead& h) { cut(l, h, length); });
  for (KvTape& t : tapes_) t.rows = static_cast<int>(std::max<int64_t>(0, t.rows - (length_ - length)));
  length_ = length;
  reserved_ = 0;
}

std::unique_ptr<KvSeq> RaggedSeq::fork() {
  auto copy = std::make_unique<RaggedSeq>(pool_);
  each_head([&](int l, int i, RaggedHead& h) {
    while (h.pages() > 0 && (h.pages() - 1) * kPageRows >= h.slots) drop_last_page(h);
    copy->at(l, i) = h;
    for (uint8_t* p : h.k) pool_.heap().share(p);
    for (uint8_t* p : h.v) pool_.heap().share(p);
  });
  copy->tapes_ = tapes_;
  copy->length_ = length_, copy->prompt_ = prompt_, copy->in_prompt_ = in_prompt_;
  copy->shared_ = shared_ = true;
  return copy;
}

size_t RaggedSeq::bytes() const {
  size_t bytes = 0;
  for (int l = 0; l < pool_.layers(); ++l)
    for (int i = 0; i < pool_.layer(l).shape.heads; ++i) bytes += head_bytes(pool_, l, rows_of(l, i));
  return bytes;
}

int64_t RaggedSeq::rows_until_event() const {
  int64_t rows = int64_t{1} << 40;
  auto offer = [&](const KvSchedule& s) {
    const int64_t step = in_prompt_ ? s.chunk : s.every;
    if (step > 0) rows = std::min(rows, step - length_ % step);
  };
  for (int l = 0; l < pool_.layers(); ++l) {
    offer(pool_.policy(l).schedule());
    if (pool_.layer(l).k_closing.on()) offer(pool_.layer(l).k_closing.schedule);
    if (pool_.layer(l).v_closing.on()) offer(pool_.layer(l).v_closing.schedule);
  }
  return rows;
}

void RaggedSeq::end_prompt() {
  if (!in_prompt_) return;
  in_prompt_ = false;
  prompt_ = length_;
  run_events(true, length_);
}

}  // namespace frugal
