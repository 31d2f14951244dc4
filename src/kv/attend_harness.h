// For tests: one layer's attention over random sequences, fed in any chunks, company and team, and what the plain
// reference says about each row.
#pragma once

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/rng.h"
#include "base/threads.h"
#include "kv/pool.h"
#include "ops/attention.h"

namespace frugal::testkit {

// Queries, keys and values of one sequence, before rotation; row r is at position positions[r].
struct Rows {
  int rows;
  std::vector<float> q, k, v;
  std::vector<int32_t> positions;
  Rows(const KvShape& shape, int heads, int n, uint64_t seed) : rows(n) {
    Stream random = stream(seed, 4, Purpose::kTest);
    auto fill = [&](int cols) {
      std::vector<float> x(static_cast<size_t>(n) * static_cast<size_t>(cols));
      for (float& value : x) value = 3 * random.uniform() - 1.5f;
      return x;
    };
    q = fill(heads * shape.k_width);
    k = fill(shape.heads * shape.k_width);
    v = fill(shape.heads * shape.v_width);
    for (int i = 0; i < n; ++i) positions.push_back(i);
  }
};

// Rows [first, first + n) of a sequence, to be appended to seq.
struct Piece {
  KvSeq* seq;
  const Rows* from;
  int first, n;
  std::vector<int> parents = {};
};

// What does not change from step to step.
struct LayerSetup {
  KvShape shape;
  AttendSpec spec;
  RopeTable rope;
  std::vector<float> slopes;
  int q_cols() const { return spec.heads * shape.k_width; }
  int out_cols() const { return spec.heads * shape.v_width; }
  KvPoolOptions pool(const std::string& kv, bool exact = true, const KernelTable* table = nullptr) const {
    KvPoolOptions o;
    o.layers = {shape};
    o.spec = kv;
    o.exact = exact;
    o.table = table;
    o.max_rows = 4096;
    return o;
  }
};

inline LayerSetup make_setup(int kv_heads, int ratio, int k_width, int v_width, bool rope = true) {
  LayerSetup s;
  s.shape = {kv_heads, k_width, v_width};
  s.spec.heads = kv_heads * ratio;
  s.spec.scale = 1.0f / std::sqrt(static_cast<float>(k_width));
  for (int i = 0; rope && i < k_width / 2; ++i) s.rope.inv_freq.push_back(std::pow(100.0, -2.0 * i / k_width));
  for (int h = 0; h < s.spec.heads; ++h) s.slopes.push_back(std::exp2(-static_cast<float>(h + 1)));
  return s;
}

// One step of several pieces in one packed batch: reserves, attends, and leaves committing to the caller.
inline std::vector<float> attend_step(KvPool& pool, const LayerSetup& setup, const std::vector<Piece>& pieces,
                                      ThreadTeam& team) {
  std::vector<float> q, k, v;
  std::vector<int32_t> positions;
  std::vector<KvRows> seqs;
  auto append = [](std::vector<float>& to, const std::vector<float>& from, int first, int n, int cols) {
    to.insert(to.end(), from.begin() + static_cast<int64_t>(first) * cols,
              from.begin() + static_cast<int64_t>(first + n) * cols);
  };
  int64_t longest = 0;
  for (const Piece& p : pieces) {
    if (!p.seq->reserve(p.n)) fail(ErrorCode::kIo, "attend harness", "no room for {} rows", p.n);
    seqs.push_back({p.seq, static_cast<int>(positions.size()), p.n, p.parents});
    append(q, p.from->q, p.first, p.n, setup.q_cols());
    append(k, p.from->k, p.first, p.n, setup.shape.heads * setup.shape.k_width);
    append(v, p.from->v, p.first, p.n, setup.shape.heads * setup.shape.v_width);
    positions.insert(positions.end(), p.from->positions.begin() + p.first, p.from->positions.begin() + p.first + p.n);
    longest = std::max(longest, p.seq->length() + p.n);
  }
  const int rows = static_cast<int>(positions.size());
  AttendSpec spec = setup.spec;
  if (setup.rope.dims() > 0) spec.rope = &setup.rope;
  std::vector<float> angles(static_cast<size_t>(rows * setup.rope.dims())),
      out(static_cast<size_t>(rows * setup.out_cols()));
  rope_angles(setup.rope, positions.data(), rows, angles.data());
  const size_t bytes = attend_scratch_bytes(pool, spec, rows, static_cast<int>(seqs.size()), longest, team.size());
  std::unique_ptr<std::byte, void (*)(void*)> scratch(
      static_cast<std::byte*>(std::aligned_alloc(64, (bytes + 63) / 64 * 64)), std::free);
  AttendStep step;
  step.seqs = seqs;
  step.positions = positions.data();
  step.cos_sin = angles.data();
  step.q = q.data(), step.k = k.data(), step.v = v.data(), step.out = out.data();
  step.q_stride = setup.q_cols(), step.out_stride = setup.out_cols();
  step.k_stride = setup.shape.heads * setup.shape.k_width, step.v_stride = setup.shape.heads * setup.shape.v_width;
  step.scratch = {scratch.get(), bytes};
  team.run([&](int thread, int threads) {
    attend_write(pool, spec, step, thread, threads);
    team.barrier();
    attend_read(pool, spec, step, thread, threads);
    team.barrier();
    attend_merge(pool, spec, step, thread, threads);
  });
  return out;
}

// A whole sequence in chunks of so many rows, alone.
inline std::vector<float> attend_chunks(KvPool& pool, const LayerSetup& setup, KvSeq& seq, const Rows& rows, int chunk,
                                        ThreadTeam& team) {
  std::vector<float> all;
  for (int at = 0; at < rows.rows; at += chunk) {
    const int n = std::min(chunk, rows.rows - at);
    const auto out = attend_step(pool, setup, {{&seq, &rows, at, n}}, team);
    seq.commit(n);
    all.insert(all.end(), out.begin(), out.end());
  }
  return all;
}

// What a codec keeps of a row.
inline std::vector<float> through_codec(const KvCodecKernels& c, bool key, std::vector<float> row) {
  const size_t width = row.size();
  row.resize((width + 15) / 16 * 16, 0.0f);
  const int padded = static_cast<int>(row.size());
  std::vector<uint8_t> page(key ? c.k_page_bytes(padded) : c.v_page_bytes(padded));
  (key ? c.k_write : c.v_write)(row.data(), padded, page.data(), 5);
  (key ? c.k_read : c.v_read)(page.data(), padded, 5, row.data());
  row.resize(width);
  return row;
}

// Head h of a row, turned to the row's position.
inline std::vector<float> turned_head(const LayerSetup& s, const std::vector<float>& x, int row, int heads, int h,
                                      int width, int32_t position) {
  const auto at = x.begin() + (static_cast<int64_t>(row) * heads + h) * width;
  std::vector<float> head(at, at + width), angles(static_cast<size_t>(s.rope.dims()));
  rope_angles(s.rope, &position, 1, angles.data());
  if (s.rope.dims() > 0) rope_rotate(s.rope, angles.data(), head.data());
  return head;
}

// The plain reference for one row that sees the rows `visible`: H * v_width floats.
inline std::vector<float> attend_reference(const RowPool& pool, const LayerSetup& s, const Rows& rows, int row,
                                           const std::vector<int>& visible) {
  const KvLayer& layer = pool.layer(0);
  const int ratio = s.spec.heads / s.shape.heads;
  std::vector<float> out(static_cast<size_t>(s.out_cols()));
  for (int h = 0; h < s.spec.heads; ++h) {
    std::vector<float> keys, values, bias;
    for (int r : visible) {
      const auto k = through_codec(
          *layer.k, true,
          turned_head(s, rows.k, r, s.shape.heads, h / ratio, s.shape.k_width, rows.positions[static_cast<size_t>(r)]));
      const auto at = rows.v.begin() + (static_cast<int64_t>(r) * s.shape.heads + h / ratio) * s.shape.v_width;
      const auto v = through_codec(*layer.v, false, {at, at + s.shape.v_width});
      keys.insert(keys.end(), k.begin(), k.end());
      values.insert(values.end(), v.begin(), v.end());
      const int32_t distance = rows.positions[static_cast<size_t>(r)] - rows.positions[static_cast<size_t>(row)];
      bias.push_back(s.spec.alibi_slopes != nullptr ? s.slopes[static_cast<size_t>(h)] * static_cast<float>(distance)
                                                    : 0.0f);
    }
    auto q = turned_head(s, rows.q, row, s.spec.heads, h, s.shape.k_width, rows.positions[static_cast<size_t>(row)]);
    for (float& x : q) x *= s.spec.scale;
    attention_reference(q.data(), keys.data(), values.data(), static_cast<int64_t>(visible.size()), s.shape.k_width,
                        s.shape.v_width, s.spec.softcap, bias.data(), &out[static_cast<size_t>(h * s.shape.v_width)]);
  }
  return out;
}

// The rows that row r of a chain sees.
inline std::vector<int> chain_visible(int row, int64_t window) {
  std::vector<int> visible;
  for (int r = window > 0 ? std::max<int>(0, row + 1 - static_cast<int>(window)) : 0; r <= row; ++r)
    visible.push_back(r);
  return visible;
}

}  // namespace frugal::testkit
