// Observations on attention that is known: uniform, on one row, of one direction.
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "measure/observe.h"

namespace frugal {
namespace {

AttendRecord blank(int rows, int heads, int groups, int width) {
  AttendRecord r;
  r.spec.heads = heads;
  r.shape = {groups, width, width};
  r.rows = rows;
  r.q.assign(static_cast<size_t>(rows * heads * width), 0.0f);
  r.k.assign(static_cast<size_t>(rows * groups * width), 0.0f);
  r.v.assign(static_cast<size_t>(rows * groups * width), 1.0f);
  return r;
}

TEST(Observe, UniformAttention) {
  const LayerObservations o = observe(blank(200, 4, 2, 8));
  EXPECT_NEAR(o.rows_for_90, 0.9, 0.01);
  double sinks = 0;
  for (int i = 100; i < 200; ++i) sinks += 4.0 / (i + 1) / 100;
  EXPECT_NEAR(o.sink_share, sinks, 1e-6);
  EXPECT_NEAR(o.sink_value_ratio, 1, 1e-9);
  EXPECT_NEAR(o.energy_values, 1, 1e-9) << "every value is the same";
}

TEST(Observe, AttentionOnOneRow) {
  AttendRecord r = blank(100, 2, 1, 4);
  for (size_t i = 0; i < r.q.size(); i += 4) r.q[i] = 100;
  r.k[3 * 4] = 1;  // the fourth row takes all
  for (int d = 0; d < 4; ++d) r.v[static_cast<size_t>(3 * 4 + d)] = -5;
  const LayerObservations o = observe(r);
  EXPECT_LT(o.rows_for_90, 0.021);
  EXPECT_NEAR(o.sink_share, 1, 1e-6);
  EXPECT_NEAR(o.sink_value_ratio, (1 + 1 + 1 + 5) / 4.0, 1e-9);
  r.spec.window = 10;  // which the second half of the queries no longer sees
  EXPECT_NEAR(observe(r).sink_share, 0, 1e-9);
}

TEST(Observe, ImportanceThatStaysAndThatMovesOn) {
  AttendRecord r = blank(200, 1, 1, 4);
  for (int i = 0; i < 200; ++i) {
    r.q[static_cast<size_t>(i * 4 + (i < 150 ? 0 : 1))] = 50;
    if (i < 20) r.k[static_cast<size_t>(i * 4)] = 1;                 // what the third quarter asks for
    if (i >= 20 && i < 40) r.k[static_cast<size_t>(i * 4 + 1)] = 1;  // and the fourth
  }
  EXPECT_NEAR(observe(r).persistence, 0, 1e-9);
  for (int i = 150; i < 200; ++i) std::swap(r.q[static_cast<size_t>(i * 4)], r.q[static_cast<size_t>(i * 4 + 1)]);
  EXPECT_NEAR(observe(r).persistence, 1, 1e-9);
}

TEST(Observe, SingularValues) {
  // (3 0; 0 2; 0 0) turned by 30 degrees in its columns
  const float c = std::cos(0.5f), s = std::sin(0.5f);
  const auto values = squared_singular_values({3 * c, 3 * s, -2 * s, 2 * c, 0, 0}, 3, 2);
  EXPECT_NEAR(values[0], 9, 1e-5);
  EXPECT_NEAR(values[1], 4, 1e-5);
}

// The tap gives what the cache is given: the last query's attention from the record equals the model's own values, seen
// through the first layer's inputs being the same whatever the chunks.
TEST(Observe, RecordsTheSameInChunksOfAnySize) {
  auto model = Model::open(std::string(FRUGAL_SOURCE_DIR) + "/tests/golden/stories260k/stories260K-f32.gguf");
  std::vector<int32_t> ids;
  for (int i = 0; i < 40; ++i) ids.push_back(5 + i * 7 % 400);
  std::vector<AttendRecord> whole, parts;
  for (auto [rows, to] : {std::pair{512, &whole}, std::pair{7, &parts}}) {
    RunnerOptions o;
    o.threads = 2, o.compute = Compute::kF32, o.kv = "f32", o.max_rows = rows, o.max_wanted = 1;
    Runner runner(*model, o);
    *to = record_attention(runner, ids);
  }
  ASSERT_EQ(whole.size(), static_cast<size_t>(model->config().layers));
  for (size_t l = 0; l < whole.size(); ++l) {
    EXPECT_EQ(whole[l].rows, 40);
    EXPECT_EQ(whole[l].q, parts[l].q);
    EXPECT_EQ(whole[l].k, parts[l].k);
    EXPECT_EQ(whole[l].cos_sin, parts[l].cos_sin);
  }
  const LayerObservations o = observe(whole[1]);
  EXPECT_GT(o.rows_for_90, 0.01);
  EXPECT_LE(o.rows_for_90, 1);
  EXPECT_GE(o.energy_keys, 0.25);
  RunnerOptions o2;
  Runner runner(*model, o2);
  EXPECT_THROW(record_attention(runner, std::span(ids).first(8)), Error);
}

}  // namespace
}  // namespace frugal
