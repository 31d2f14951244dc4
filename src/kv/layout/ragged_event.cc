#include "kv/layout/ragged_event.h"

#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

namespace frugal {

void RaggedEvent::run() {
  if (due_.count) count_queries();
  if (due_.select && needs_.value_norms) measure_values();
  if (due_.select) select();
  if (!due_.select && !due_.k && !due_.v) return;
  tidy();
  if (due_.k) close_keys();
  if (due_.v) close_values();
}

// Which rows stay: the protected ones, then those of the highest scores.
std::vector<char> RaggedEvent::stays(const PolicySelection& s, const std::vector<float>& scores) const {
  const int64_t n = static_cast<int64_t>(slot_.size()), recent = std::min(s.recent, s.keep),
                first = std::min(s.first, s.keep - recent);
  std::vector<char> stay(slot_.size(), 0);
  std::fill_n(stay.begin(), first, 1);
  std::fill_n(stay.end() - recent, recent, 1);
  std::vector<int64_t> rest(static_cast<size_t>(n - first - recent));
  std::iota(rest.begin(), rest.end(), first);
  const auto worth = [&](int64_t i) {
    const float x = scores[static_cast<size_t>(i)];
    return std::isnan(x) ? -std::numeric_limits<float>::infinity() : x;
  };
  const int64_t chosen = s.keep - first - recent;
  std::nth_element(rest.begin(), rest.begin() + chosen, rest.end(),
                   [&](int64_t a, int64_t b) { return worth(a) != worth(b) ? worth(a) > worth(b) : a > b; });
  for (int64_t i = 0; i < chosen; ++i) stay[static_cast<size_t>(rest[static_cast<size_t>(i)])] = 1;
  return stay;
}

void RaggedEvent::select() {
  const KvSchedule schedule = policy_.schedule();
  const PolicyRoom room{seq_.in_prompt_ ? seq_.length_ : seq_.prompt_, pool_.row_bytes(), schedule.every + kPageRows};
  const PolicySelection s = policy_.select(room);
  slot_ = living_slots(0, h_.pages());
  const size_t n = slot_.size();
  if (static_cast<int64_t>(n) <= s.most || static_cast<int64_t>(n) <= s.keep) return;
  std::vector<int32_t> token(n);
  std::array<std::vector<float>, kRowColumns> columns;
  std::vector<uint16_t> low(needs_.history > 0 ? n : 0);
  for (size_t i = 0; i < n; ++i) token[i] = h_.token[static_cast<size_t>(slot_[i])];
  for (size_t c = 0; c < kRowColumns; ++c)
    for (size_t i = 0; i < n && h_.has_column[c]; ++i)
      columns[c].push_back(h_.columns[c][static_cast<size_t>(slot_[i])]);
  for (size_t i = 0; i < low.size(); ++i) low[i] = low_count(slot_[i]);
  const PolicyRows rows{layer_index_,        head_, seq_.length_,  token, columns[kMass], columns[kDecodeMass],
                        columns[kValueNorm], low,   needs_.history};
  std::vector<float> scores(n, 0.0f);
  policy_.score(rows, scores);
  const std::vector<char> stay = stays(s, scores);
  if (policy_.merge_targets() > 0 && !seq_.in_prompt_ && !prompt_ends_) merge_leaving(rows, stay);
  for (size_t i = 0; i < n; ++i)
    if (!stay[i]) let_go(slot_[i]);
  if (policy_.counts_in_cache()) {
    if (s.first > 0 && h_.far_pages == 0) part_sinks(s.first);
    h_.far_shift += static_cast<int32_t>(static_cast<int64_t>(n) - s.keep);
  }
  drop_dead_pages();
}

// A leaving row's value is shared out among the kept rows that follow it, where the policy says so.
void RaggedEvent::merge_leaving(const PolicyRows& rows, const std::vector<char>& stay) {
  std::vector<float> leaving(static_cast<size_t>(layer_.v_width)), value(leaving.size());
  const auto page = [&](int64_t slot) { return h_.v[static_cast<size_t>(slot / kPageRows)]; };
  const auto index = [](int64_t slot) { return static_cast<int>(slot % kPageRows); };
  std::vector<size_t> targets;
  for (size_t i = 0; i < stay.size(); ++i) {
    if (stay[i]) continue;
    targets.clear();
    for (size_t j = i + 1; j < stay.size() && static_cast<int>(targets.size()) < policy_.merge_targets(); ++j)
      if (stay[j]) targets.push_back(j);
    if (targets.empty() || !policy_.merges(rows, i, targets)) continue;
    layer_.v->v_read(page(slot_[i]), layer_.v_width, index(slot_[i]), leaving.data());
    for (size_t j : targets) {
      if (!make_own(pool_.heap(), h_.v[static_cast<size_t>(slot_[j] / kPageRows)],
                    layer_.v->v_page_bytes(layer_.v_width)))
        continue;
      layer_.v->v_read(page(slot_[j]), layer_.v_width, index(slot_[j]), value.data());
      for (size_t d = 0; d < value.size(); ++d) value[d] += leaving[d] / static_cast<float>(targets.size());
      layer_.v->v_write(value.data(), layer_.v_width, page(slot_[j]), index(slot_[j]));
      if (needs_.value_norms) h_.columns[kValueNorm][static_cast<size_t>(slot_[j])] = value_norm(slot_[j]);
    }
  }
}

// Sinks and window get pages of their own: where both lie in one, it stands twice in the list, each with its rows
// alive.
void RaggedEvent::part_sinks(int64_t sinks) {
  const size_t page = static_cast<size_t>((sinks - 1) / kPageRows);
  h_.far_pages = static_cast<int64_t>(page) + 1;
  if (sinks % kPageRows == 0) return;
  const uint32_t mine = (1u << (sinks % kPageRows)) - 1;
  RaggedHead& h = h_;
  auto twice = [&](auto& list, size_t each) {
    const auto at = list.begin() + static_cast<std::ptrdiff_t>(page * each);
    const std::vector copy(at, at + static_cast<std::ptrdiff_t>(each));
    list.insert(at + static_cast<std::ptrdiff_t>(each), copy.begin(), copy.end());
  };
  pool_.heap().share(h.k[page]), pool_.heap().share(h.v[page]);
  twice(h.k, 1), twice(h.v, 1), twice(h.k_forms, 1), twice(h.v_forms, 1), twice(h.alive, 1);
  twice(h.token, kPageRows);
  for (auto& c : h.columns)
    if (!c.empty()) twice(c, kPageRows);
  if (h.history_bytes > 0) twice(h.history, kPageRows * h.history_bytes);
  h.alive[page] &= mine;
  h.alive[page + 1] &= ~mine;
  h.slots += kPageRows;
  h.normed += kPageRows;
  seq_.shared_ = true;
}

void RaggedEvent::drop_dead_pages() {
  const int64_t full = h_.slots / kPageRows;  // the page that takes new rows stays
  int64_t to = 0;
  for (int64_t p = 0; p < h_.pages(); ++p) {
    if (p < full && h_.living(p) == 0) {
      pool_.heap().release(h_.k[static_cast<size_t>(p)]);
      pool_.heap().release(h_.v[static_cast<size_t>(p)]);
      continue;
    }
    if (to != p) h_.move_page(p, to);
    ++to;
  }
  const int64_t dropped = h_.pages() - to;
  if (dropped == 0) return;
  h_.resize(to);
  h_.slots -= dropped * kPageRows;
  h_.normed = std::min(h_.normed, h_.slots);
}

// Everything that is due between `before` and the committed length now, head by head on the pool's team.
void RaggedSeq::run_events(bool prompt_ends, int64_t before) {
  std::vector<RaggedDue> due(static_cast<size_t>(pool_.layers()));
  bool any = false;
  for (int l = 0; l < pool_.layers(); ++l) {
    const auto is_due = [&](const KvSchedule& s) {
      return (prompt_ends && s.every > 0) || s.due(in_prompt_, before, length_);
    };
    RaggedDue& d = due[static_cast<size_t>(l)];
    d.select = is_due(pool_.policy(l).schedule());
    d.k = pool_.layer(l).k_closing.on() && is_due(pool_.layer(l).k_closing.schedule);
    d.v = pool_.layer(l).v_closing.on() && is_due(pool_.layer(l).v_closing.schedule);
    const KvTape& t = tapes_[static_cast<size_t>(l)];
    d.count = t.rows > 0 && (d.any() || in_prompt_ || t.rows >= kMostCountedRows);
    any = any || d.any();
  }
  if (!any) return;
  std::atomic<size_t> next{0};
  std::vector<std::pair<int, int>> heads;
  each_head([&](int l, int i, RaggedHead&) {
    if (due[static_cast<size_t>(l)].any()) heads.emplace_back(l, i);
  });
  const auto job = [&](int, int) {
    for (size_t i = next.fetch_add(1); i < heads.size(); i = next.fetch_add(1))
      RaggedEvent(*this, heads[i].first, heads[i].second, due[static_cast<size_t>(heads[i].first)], prompt_ends).run();
  };
  if (pool_.team() != nullptr)
    pool_.team()->run(job);
  else
    job(0, 1);
  for (size_t l = 0; l < due.size(); ++l)
    if (due[l].count) tapes_[l].rows = 0;
}

}  // namespace frugal
