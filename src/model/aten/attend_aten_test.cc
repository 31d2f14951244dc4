// AtenOps' attention against loops in double, for what no golden model has: slopes, softcap, partial rotation
// in both layouts, a layer that reads another one's rows.
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "model/aten/aten_test_model.h"
#include "model/pass_harness.h"

namespace frugal {
namespace {

constexpr int kHeads = 4, kGroups = 2, kWidth = 8, kVWidth = 6;

using Grid = std::vector<std::vector<double>>;

Grid random_grid(int rows, int cols, uint64_t seed) {
  Stream random(seed, 1, Purpose::kTest);
  Grid g(static_cast<size_t>(rows), std::vector<double>(static_cast<size_t>(cols)));
  for (auto& row : g)
    for (double& x : row) x = 2 * random.uniform53() - 1;
  return g;
}

// Turns one head to a position, pair by pair, as the paper's equation 34 says.
void turn(const RopeTable* rope, int position, double* head) {
  if (rope == nullptr) return;
  const int pairs = rope->dims() / 2;
  for (int i = 0; i < pairs; ++i) {
    const double angle = rope->inv_freq[static_cast<size_t>(i)] * position, f = rope->attention_factor;
    double &x = head[rope->interleaved ? 2 * i : i], &y = head[rope->interleaved ? 2 * i + 1 : i + pairs];
    const double a = x, b = y;
    x = f * (a * std::cos(angle) - b * std::sin(angle));
    y = f * (b * std::cos(angle) + a * std::sin(angle));
  }
}

Grid attend_by_loops(const Batch& batch, const AttendSpec& spec, Grid q, Grid k, const Grid& v) {
  Grid out(q.size(), std::vector<double>(kHeads * kVWidth));
  for (size_t r = 0; r < q.size(); ++r) {
    for (int h = 0; h < kHeads; ++h) turn(spec.rope, batch.positions[r], &q[r][static_cast<size_t>(h * kWidth)]);
    for (int g = 0; g < kGroups; ++g) turn(spec.rope, batch.positions[r], &k[r][static_cast<size_t>(g * kWidth)]);
  }
  for (const KvRows& s : batch.seqs)
    for (int i = s.first; i < s.first + s.rows; ++i)
      for (int h = 0; h < kHeads; ++h) {
        const int g = h / (kHeads / kGroups);
        double sum = 0;
        std::vector<double> total(kVWidth);
        for (int j = s.first; j <= i; ++j) {
          if (spec.window > 0 && i - j >= spec.window) continue;
          double score = 0;
          for (int d = 0; d < kWidth; ++d)
            score += q[static_cast<size_t>(i)][static_cast<size_t>(h * kWidth + d)] *
                     k[static_cast<size_t>(j)][static_cast<size_t>(g * kWidth + d)];
          score *= spec.scale;
          if (spec.softcap > 0) score = spec.softcap * std::tanh(score / spec.softcap);
          if (spec.alibi_slopes != nullptr)
            score += spec.alibi_slopes[h] *
                     (batch.positions[static_cast<size_t>(j)] - batch.positions[static_cast<size_t>(i)]);
          sum += std::exp(score);
          for (int d = 0; d < kVWidth; ++d)
            total[static_cast<size_t>(d)] +=
                std::exp(score) * v[static_cast<size_t>(j)][static_cast<size_t>(g * kVWidth + d)];
        }
        for (int d = 0; d < kVWidth; ++d)
          out[static_cast<size_t>(i)][static_cast<size_t>(h * kVWidth + d)] = total[static_cast<size_t>(d)] / sum;
      }
  return out;
}

// Two sequences of 9 and 4 rows, the second from position 100 on.
Batch two_sequences() {
  Batch b = whole_batch({std::vector<int32_t>(9, 0), std::vector<int32_t>(4, 0)});
  for (int r = 9; r < 13; ++r) b.positions[static_cast<size_t>(r)] += 100;
  return b;
}

// Ops has no way in for q, k and v: an embedding table whose row r is row r of the grid, looked up by ids 0,
// 1, ...
struct Source {
  Source(const Grid& grid) : cols(static_cast<int64_t>(grid[0].size())) {
    for (const auto& row : grid) values.insert(values.end(), row.begin(), row.end());
    table = std::make_unique<Weight>(TensorView{"rows",
                                                DType::kF64,
                                                {static_cast<int64_t>(grid.size()), cols},
                                                reinterpret_cast<const std::byte*>(values.data()),
                                                values.size() * sizeof(double)});
  }
  int64_t cols;
  std::vector<double> values;
  std::unique_ptr<Weight> table;
};

void expect_attention(const AttendSpec& spec, bool shared = false) {
  Batch batch = two_sequences();
  std::iota(batch.ids.begin(), batch.ids.end(), 0);
  const Grid q = random_grid(13, kHeads * kWidth, 1), k = random_grid(13, kGroups * kWidth, 2),
             v = random_grid(13, kGroups * kVWidth, 3);
  const Source qs(q), ks(k), vs(v);
  AtenWeights weights({at::kDouble, false});
  AtenOps ops(weights, batch);
  AttendArgs args{spec, ops.embed(*qs.table, 1), ops.embed(*ks.table, 1), ops.embed(*vs.table, 1), kHeads * kVWidth};
  Val out = ops.attend(args);
  if (shared) {
    args.k = args.v = -1;
    args.spec.write = false;
    out = ops.attend(args);
  }
  const Grid expected = attend_by_loops(batch, spec, q, k, v);
  for (size_t r = 0; r < expected.size(); ++r)
    for (size_t c = 0; c < expected[r].size(); ++c)
      ASSERT_NEAR(ops.tensor(out)[static_cast<int64_t>(r)][static_cast<int64_t>(c)].item<double>(), expected[r][c],
                  1e-12)
          << r << " " << c;
}

AttendSpec plain_spec() {
  AttendSpec spec;
  spec.heads = kHeads;
  spec.scale = 0.75f;
  return spec;
}

TEST(AtenAttend, Plain) { expect_attention(plain_spec()); }
TEST(AtenAttend, ReadsAnotherLayersRows) { expect_attention(plain_spec(), true); }
TEST(AtenAttend, SlopesSoftcapAndWindow) {
  const float slopes[kHeads] = {0.5f, 0.25f, 0.125f, 0.0625f};
  AttendSpec spec = plain_spec();
  spec.alibi_slopes = slopes;
  expect_attention(spec);
  spec.softcap = 0.5f;
  expect_attention(spec);
  spec.window = 3;
  expect_attention(spec);
}
TEST(AtenAttend, PartialRotationInBothLayouts) {
  RopeTable rope{{1.0, 0.3, 0.01}, false, 1.25f};  // 6 of 8 dimensions
  AttendSpec spec = plain_spec();
  spec.rope = &rope;
  expect_attention(spec);
  rope.interleaved = true;
  expect_attention(spec);
  rope.inv_freq.push_back(0.001);  // all of them
  expect_attention(spec, true);
}

TEST(AtenAttend, RefusesTreesAndRowsThatNobodyWrote) {
  Batch batch = two_sequences();
  const Source rows(random_grid(1, kHeads * kWidth, 1));
  AttendArgs args{plain_spec(), -1, -1, -1, kHeads * kVWidth};
  AtenWeights weights({at::kDouble, false});
  AtenOps ops(weights, batch);
  args.q = ops.embed(*rows.table, 1);
  EXPECT_THROW(ops.attend(args), Error);
  const std::vector<int> parents(9, -1);
  batch.seqs[0].parents = parents;
  EXPECT_THROW(AtenOps(weights, batch), Error);
}

}  // namespace
}  // namespace frugal
