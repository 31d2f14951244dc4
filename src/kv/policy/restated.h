// For tests: caches that forget, restated from the papers' equations in double precision and nothing else: every row a
// struct, every step a loop over them. No page, no kernel, no shared code with what is tested.
#pragma once

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <numeric>

#include "kv/attend_harness.h"

namespace frugal::testkit {

struct RestatedRow {
  int token = 0;
  std::vector<double> k, v;  // k before rotation
  double mass = 0, decode_mass = 0;
  std::deque<bool> low;  // of the newest queries: below uniform? newest last
};

// What one head's rows are cut to: returns the indices that stay, ascending.
struct RestatedHead {
  int layer = 0, head = 0;
  int seen = 0, prompt = 0;
  std::vector<RestatedRow> rows;
};
using RestatedCut = std::function<std::vector<int>(RestatedHead&)>;

struct Restated {
  LayerSetup setup;
  RestatedCut cut;
  int every = 16;
  bool numbered_in_cache = false;  // positions 0, 1, ... in the cache
  int history = 0;
  std::vector<RestatedHead> heads;
  bool in_prompt = true;
  int length = 0;

  Restated(const LayerSetup& s, RestatedCut c, int n)
      : setup(s), cut(std::move(c)), every(n), heads(static_cast<size_t>(s.shape.heads)) {
    for (int h = 0; h < s.shape.heads; ++h) heads[static_cast<size_t>(h)].head = h;
  }

  std::vector<double> turned(const std::vector<double>& x, int position) const {
    std::vector<double> y = x;
    const int pairs = static_cast<int>(setup.rope.inv_freq.size());
    for (int i = 0; i < pairs; ++i) {
      const double angle = setup.rope.inv_freq[static_cast<size_t>(i)] * position, c = std::cos(angle),
                   s = std::sin(angle);
      const size_t a = static_cast<size_t>(i), b = static_cast<size_t>(i + pairs);
      y[a] = x[a] * c - x[b] * s;
      y[b] = x[a] * s + x[b] * c;
    }
    return y;
  }
  static std::vector<double> slice(const std::vector<float>& x, int64_t first, int n) {
    return {x.begin() + first, x.begin() + first + n};
  }

  // One row through all heads; out: H * v_width.
  std::vector<double> step(const Rows& r, int row) {
    const int ratio = setup.spec.heads / setup.shape.heads, kw = setup.shape.k_width, vw = setup.shape.v_width;
    std::vector<double> out(static_cast<size_t>(setup.out_cols()), 0.0);
    for (RestatedHead& h : heads) {
      RestatedRow fresh;
      fresh.token = length;
      fresh.k = slice(r.k, (static_cast<int64_t>(row) * setup.shape.heads + h.head) * kw, kw);
      fresh.v = slice(r.v, (static_cast<int64_t>(row) * setup.shape.heads + h.head) * vw, vw);
      h.rows.push_back(fresh);
      const int n = static_cast<int>(h.rows.size());
      std::vector<double> mean(h.rows.size(), 0.0);
      for (int i = 0; i < ratio; ++i) {
        const int head = h.head * ratio + i;
        const auto q = turned(slice(r.q, (static_cast<int64_t>(row) * setup.spec.heads + head) * kw, kw),
                              numbered_in_cache ? n - 1 : length);
        std::vector<double> p(h.rows.size());
        for (int j = 0; j < n; ++j) {
          const RestatedRow& x = h.rows[static_cast<size_t>(j)];
          const auto k = turned(x.k, numbered_in_cache ? j : x.token);
          p[static_cast<size_t>(j)] =
              std::exp(static_cast<double>(setup.spec.scale) * std::inner_product(q.begin(), q.end(), k.begin(), 0.0));
        }
        const double total = std::accumulate(p.begin(), p.end(), 0.0);
        for (int j = 0; j < n; ++j) {
          const double a = p[static_cast<size_t>(j)] / total;
          mean[static_cast<size_t>(j)] += a / ratio;
          for (int d = 0; d < vw; ++d)
            out[static_cast<size_t>(head * vw + d)] += a * h.rows[static_cast<size_t>(j)].v[static_cast<size_t>(d)];
        }
      }
      for (int j = 0; j < n; ++j) {
        RestatedRow& x = h.rows[static_cast<size_t>(j)];
        x.mass += mean[static_cast<size_t>(j)];
        if (!in_prompt) x.decode_mass += mean[static_cast<size_t>(j)];
        x.low.push_back(mean[static_cast<size_t>(j)] < 1.0 / n);
        if (static_cast<int>(x.low.size()) > history) x.low.pop_front();
      }
    }
    ++length;
    if (!in_prompt && length % every == 0) event();
    return out;
  }
  void end_prompt() {
    in_prompt = false;
    for (RestatedHead& h : heads) h.prompt = length;
    event();
  }
  void event() {
    for (RestatedHead& h : heads) {
      h.seen = length;
      const std::vector<int> stay = cut(h);
      std::vector<RestatedRow> rows;
      for (int i : stay) rows.push_back(h.rows[static_cast<size_t>(i)]);
      h.rows = std::move(rows);
    }
  }
  std::vector<int> tokens(int head) const {
    std::vector<int> t;
    for (const RestatedRow& r : heads[static_cast<size_t>(head)].rows) t.push_back(r.token);
    return t;
  }
};

// The first, the newest and the best of the rest; of equal ones the newer.
inline std::vector<int> best_rows(int n, int keep, int first, int recent, const std::vector<double>& score) {
  std::vector<int> all(static_cast<size_t>(n)), stay;
  std::iota(all.begin(), all.end(), 0);
  if (n <= keep) return all;
  std::vector<int> middle(all.begin() + first, all.end() - recent);
  std::stable_sort(middle.begin(), middle.end(), [&](int a, int b) {
    const double x = score[static_cast<size_t>(a)], y = score[static_cast<size_t>(b)];
    return x != y ? x > y : a > b;
  });
  middle.resize(static_cast<size_t>(keep - first - recent));
  for (int i = 0; i < first; ++i) stay.push_back(i);
  stay.insert(stay.end(), middle.begin(), middle.end());
  for (int i = n - recent; i < n; ++i) stay.push_back(i);
  std::sort(stay.begin(), stay.end());
  return stay;
}

}  // namespace frugal::testkit
