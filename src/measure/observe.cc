#include "measure/observe.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace frugal {
namespace {

// One head's columns of rows x heads * width, turned to their positions if asked.
std::vector<float> head_of(const AttendRecord& r, const std::vector<float>& all, int heads, int width, int head,
                           bool rotated) {
  std::vector<float> out(static_cast<size_t>(r.rows * width));
  for (int i = 0; i < r.rows; ++i) {
    float* row = out.data() + i * width;
    std::copy_n(all.data() + static_cast<int64_t>(i) * heads * width + head * width, width, row);
    if (rotated && r.spec.rope != nullptr)
      rope_rotate(*r.spec.rope, r.cos_sin.data() + static_cast<int64_t>(i) * r.spec.rope->dims(), row);
  }
  return out;
}

float dot(const float* a, const float* b, int n) {
  float lanes[16] = {};
  int i = 0;
  for (; i + 16 <= n; i += 16)
    for (int j = 0; j < 16; ++j) lanes[j] += a[i + j] * b[i + j];
  float sum = 0;
  for (float l : lanes) sum += l;
  for (; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// Probabilities of query i over the rows it sees, those before its window zero.
void attention_row(const AttendRecord& r, const float* q, const std::vector<float>& k, int i, std::vector<float>& p) {
  const int width = r.shape.k_width,
            first = r.spec.window > 0 ? static_cast<int>(std::max<int64_t>(0, i + 1 - r.spec.window)) : 0;
  p.assign(static_cast<size_t>(i) + 1, 0.0f);
  float top = -std::numeric_limits<float>::infinity(), sum = 0;
  for (int j = first; j <= i; ++j) {
    float& s = p[static_cast<size_t>(j)];
    s = r.spec.scale * dot(q, k.data() + j * width, width);
    if (r.spec.softcap > 0) s = r.spec.softcap * std::tanh(s / r.spec.softcap);
    top = std::max(top, s);
  }
  for (int j = first; j <= i; ++j) sum += p[static_cast<size_t>(j)] = std::exp(p[static_cast<size_t>(j)] - top);
  for (float& x : p) x /= sum;
}

// The fewest rows that hold 0.9, as a share of all.
double rows_for_90(std::vector<float> p) {
  std::sort(p.begin(), p.end(), std::greater<>());
  double sum = 0;
  for (size_t n = 0; n < p.size(); ++n)
    if ((sum += static_cast<double>(p[n])) >= 0.9) return static_cast<double>(n + 1) / static_cast<double>(p.size());
  return 1;
}

// Of the largest fifth of a, the share that is in the largest fifth of b.
double common_fifth(const std::vector<double>& a, const std::vector<double>& b) {
  const size_t n = std::max<size_t>(1, a.size() / 5);
  const auto largest = [&](const std::vector<double>& x) {
    std::vector<size_t> at(x.size());
    std::iota(at.begin(), at.end(), size_t{0});
    std::partial_sort(at.begin(), at.begin() + static_cast<std::ptrdiff_t>(n), at.end(),
                      [&](size_t i, size_t j) { return x[i] > x[j]; });
    at.resize(n);
    std::sort(at.begin(), at.end());
    return at;
  };
  std::vector<size_t> both;
  const auto x = largest(a), y = largest(b);
  std::set_intersection(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(both));
  return static_cast<double>(both.size()) / static_cast<double>(n);
}

// Attention of the second half of the queries of one key/value head's group.
void observe_head(const AttendRecord& r, int group, LayerObservations& o) {
  const int ratio = r.spec.heads / r.shape.heads, half = r.rows / 2;
  const std::vector<float> k = head_of(r, r.k, r.shape.heads, r.shape.k_width, group, true);
  std::vector<double> early(static_cast<size_t>(half)), late(early);
  std::vector<float> p;
  for (int h = group * ratio; h < (group + 1) * ratio; ++h) {
    const std::vector<float> q = head_of(r, r.q, r.spec.heads, r.shape.k_width, h, true);
    for (int i = half; i < r.rows; ++i) {
      attention_row(r, q.data() + i * r.shape.k_width, k, i, p);
      for (int j = 0; j < kSinks; ++j) o.sink_share += static_cast<double>(p[static_cast<size_t>(j)]);
      std::vector<double>& mass = i < half + (r.rows - half) / 2 ? early : late;
      for (int j = 0; j < half; ++j) mass[static_cast<size_t>(j)] += static_cast<double>(p[static_cast<size_t>(j)]);
      o.rows_for_90 += rows_for_90(p);
    }
  }
  o.persistence += common_fifth(early, late);
}

double cosine(const float* a, const float* b, int n) {
  return static_cast<double>(dot(a, b, n)) /
         std::sqrt(std::max(1e-30, static_cast<double>(dot(a, a, n)) * static_cast<double>(dot(b, b, n))));
}

void observe_keys(const AttendRecord& r, int group, LayerObservations& o) {
  const int width = r.shape.k_width;
  const std::vector<float> k = head_of(r, r.k, r.shape.heads, width, group, true);
  uint64_t x = 1;
  double near = 0, far = 0;
  for (int i = 0; i + 1 < r.rows; ++i) {
    x = x * 6364136223846793005ull + 1442695040888963407ull;
    near += cosine(k.data() + i * width, k.data() + (i + 1) * width, width);
    far += cosine(k.data() + i * width, k.data() + static_cast<int>((x >> 33) % static_cast<uint64_t>(r.rows)) * width,
                  width);
  }
  o.neighbour_cosine += near / (r.rows - 1);
  o.random_cosine += far / (r.rows - 1);
}

double l1(const float* v, int n) {
  return std::accumulate(v, v + n, 0.0, [](double s, float x) { return s + std::fabs(static_cast<double>(x)); });
}

double energy(const std::vector<float>& a, int rows, int cols) {
  const std::vector<double> s = squared_singular_values(a, rows, cols);
  const double all = std::accumulate(s.begin(), s.end(), 0.0);
  return all > 0 ? std::accumulate(s.begin(), s.begin() + std::max(1, cols / 4), 0.0) / all : 1;
}

void observe_values(const AttendRecord& r, int group, LayerObservations& o) {
  const std::vector<float> v = head_of(r, r.v, r.shape.heads, r.shape.v_width, group, false);
  double sinks = 0, others = 0;
  for (int i = 0; i < r.rows; ++i) (i < kSinks ? sinks : others) += l1(v.data() + i * r.shape.v_width, r.shape.v_width);
  o.sink_value_ratio += (sinks / kSinks) / std::max(1e-30, others / (r.rows - kSinks));
  o.energy_values += energy(v, r.rows, r.shape.v_width);
  o.energy_keys += energy(head_of(r, r.k, r.shape.heads, r.shape.k_width, group, false), r.rows, r.shape.k_width);
  o.energy_rotated_keys +=
      energy(head_of(r, r.k, r.shape.heads, r.shape.k_width, group, true), r.rows, r.shape.k_width);
}

}  // namespace

std::vector<double> squared_singular_values(const std::vector<float>& a, int rows, int cols) {
  const size_t n = static_cast<size_t>(cols);
  std::vector<double> g(n * n);
  for (int i = 0; i < rows; ++i)
    for (size_t x = 0; x < n; ++x)
      for (size_t y = 0; y < n; ++y)
        g[x * n + y] += static_cast<double>(a[static_cast<size_t>(i) * n + x]) *
                        static_cast<double>(a[static_cast<size_t>(i) * n + y]);
  for (int sweep = 0; sweep < 30; ++sweep) {
    double off = 0, on = 0;
    for (size_t x = 0; x < n; ++x)
      for (size_t y = 0; y < n; ++y) (x == y ? on : off) += g[x * n + y] * g[x * n + y];
    if (off <= 1e-20 * on) break;
    for (size_t x = 0; x < n; ++x)
      for (size_t y = x + 1; y < n; ++y) {
        if (g[x * n + y] == 0) continue;
        const double theta = (g[y * n + y] - g[x * n + x]) / (2 * g[x * n + y]);
        const double t = (theta >= 0 ? 1 : -1) / (std::fabs(theta) + std::sqrt(theta * theta + 1)),
                     c = 1 / std::sqrt(t * t + 1), s = t * c;
        for (size_t i = 0; i < n; ++i) {
          const double u = g[i * n + x], w = g[i * n + y];
          g[i * n + x] = c * u - s * w, g[i * n + y] = s * u + c * w;
        }
        for (size_t i = 0; i < n; ++i) {
          const double u = g[x * n + i], w = g[y * n + i];
          g[x * n + i] = c * u - s * w, g[y * n + i] = s * u + c * w;
        }
      }
  }
  std::vector<double> values(n);
  for (size_t x = 0; x < n; ++x) values[x] = std::max(0.0, g[x * n + x]);
  std::sort(values.begin(), values.end(), std::greater<>());
  return values;
}

std::vector<AttendRecord> record_attention(Runner& runner, std::span<const int32_t> ids) {
  if (ids.size() < 16)
    fail(ErrorCode::kBadInput, "observations", "found a text of {} tokens, expected at least 16", ids.size());
  const std::vector<KvShape> shapes = runner.model().kv_shapes();
  std::vector<AttendRecord> records(shapes.size());
  const AttendTap tap = [&](const AttendSpec& spec, const AttendStep& step, int rows) {
    AttendRecord& r = records[static_cast<size_t>(spec.layer)];
    if (!spec.write) return;
    r.spec = spec, r.shape = shapes[static_cast<size_t>(spec.layer)];
    const auto copy = [rows](std::vector<float>& to, const float* from, int64_t stride, int64_t n) {
      for (int i = 0; i < rows; ++i) to.insert(to.end(), from + i * stride, from + i * stride + n);
    };
    copy(r.q, step.q, step.q_stride, int64_t{spec.heads} * r.shape.k_width);
    copy(r.k, step.k, step.k_stride, int64_t{r.shape.heads} * r.shape.k_width);
    copy(r.v, step.v, step.v_stride, int64_t{r.shape.heads} * r.shape.v_width);
    if (spec.rope != nullptr) copy(r.cos_sin, step.cos_sin, spec.rope->dims(), spec.rope->dims());
    r.rows += rows;
  };
  auto seq = runner.sequence();
  for (size_t at = 0; at < ids.size();) {
    const size_t n = std::min(ids.size() - at, static_cast<size_t>(runner.options().max_rows));
    if (!seq->reserve(static_cast<int64_t>(n)))
      fail(ErrorCode::kUsage, "observations", "the cache is full after {} tokens", at);
    runner.forward(chain(*seq, ids.subspan(at, n), 0), &tap);
    seq->commit(static_cast<int64_t>(n));
    at += n;
  }
  return records;
}

LayerObservations observe(const AttendRecord& r) {
  LayerObservations o;
  o.layer = r.spec.layer;
  for (int g = 0; g < r.shape.heads; ++g) {
    observe_head(r, g, o);
    observe_keys(r, g, o);
    observe_values(r, g, o);
  }
  const double heads = r.shape.heads, queries = static_cast<double>(r.spec.heads) * (r.rows - r.rows / 2);
  for (double* x : {&o.persistence, &o.sink_value_ratio, &o.neighbour_cosine, &o.random_cosine, &o.energy_keys,
                    &o.energy_rotated_keys, &o.energy_values})
    *x /= heads;
  for (double* x : {&o.rows_for_90, &o.sink_share}) *x /= queries;
  return o;
}

}  // namespace frugal
