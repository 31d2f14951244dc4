// Routing by hand-made scores. The whole op is held against transformers (engine/golden_test.cc, family mixtral) and
// bit for bit against itself over rows, batch-mates and teams (program_test.cc).
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "model/moe.h"
#include "model/pass_harness.h"

namespace frugal {
namespace {

constexpr int kRoutedExperts = 3, kRoutedRows = 4;

struct Routed {
  std::array<int32_t, 2 * kRoutedRows> chosen{}, place{}, row_of{};
  std::array<float, 2 * kRoutedRows> weight{};
  std::array<int32_t, kRoutedExperts + 1> first{};
  std::array<int32_t, kRoutedExperts> first_tile{};

  // scores: kRoutedRows x kRoutedExperts; two experts a row.
  explicit Routed(std::vector<float> scores) {
    Batch batch;
    batch.ids.assign(kRoutedRows, 0);
    StepParams step;
    step.batch = &batch;
    const RouteCall call({scores.data(), kRoutedExperts},
                         {kRoutedExperts, 2, chosen.data(), weight.data(), place.data(), row_of.data(), first.data(),
                          first_tile.data()});
    call.run(step, {1, 2});  // the other members do nothing
    call.run(step, {0, 2});
  }
};

const std::vector<float> kScores = {1, 3, 2, /**/ 5, 5, 5, /**/ 0, -1, 4, /**/ 2, 2, 7};

TEST(Moe, EachRowTakesItsBestAndOfEqualsTheLower) {
  const Routed r(kScores);
  EXPECT_EQ(r.chosen, (std::array<int32_t, 8>{1, 2, 0, 1, 0, 2, 0, 2}));
  EXPECT_FLOAT_EQ(r.weight[0], 1 / (1 + std::exp(-1.0f)));
  EXPECT_FLOAT_EQ(r.weight[1], 1 / (1 + std::exp(1.0f)));
  EXPECT_EQ(r.weight[2], 0.5f);
  EXPECT_FLOAT_EQ(r.weight[7], 1 / (1 + std::exp(-5.0f)));
}

TEST(Moe, PairsLieByExpertThenRow) {
  const Routed r(kScores);
  EXPECT_EQ(r.first, (std::array<int32_t, 4>{0, 3, 5, 8}));
  EXPECT_EQ(r.row_of, (std::array<int32_t, 8>{1, 2, 3, 0, 1, 0, 2, 3}));
  EXPECT_EQ(r.first_tile, (std::array<int32_t, 3>{0, 1, 2}));
  for (size_t i = 0; i < r.place.size(); ++i) {
    EXPECT_EQ(r.row_of[static_cast<size_t>(r.place[i])], static_cast<int32_t>(i / 2));
    EXPECT_GE(r.place[i], r.first[static_cast<size_t>(r.chosen[i])]);
    EXPECT_LT(r.place[i], r.first[static_cast<size_t>(r.chosen[i]) + 1]);
  }
}

TEST(Moe, ScoresThatAreNoNumbersStillRoute) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Routed r({nan, nan, nan, 1, nan, 2, nan, 1, 2, 1, 2, nan});
  EXPECT_EQ(r.first.back(), 8);
  for (int row = 0; row < kRoutedRows; ++row)
    EXPECT_LT(r.chosen[static_cast<size_t>(2 * row)], r.chosen[static_cast<size_t>(2 * row + 1)]);
}

// Experts multiply as bf16 pairs where the machine can; rows of one expert fill several tiles, the last one in part.
TEST(Moe, Bf16ExpertsKeepTheRowContract) {
  const testkit::Bf16Copy copy("mixtral");
  auto model = Model::open(copy.path);
  const auto ids = testkit::random_ids(*model, 75, 6);
  for (const KernelTable* table : kernel_tables()) {
    testkit::Pass one(*model, {Compute::kAuto, "f16", 1, table}), three(*model, {Compute::kAuto, "f16", 3, table});
    const auto whole = one.chunks(ids, ids.size());
    EXPECT_EQ(three.chunks(ids, ids.size()), whole) << table->name;
    for (size_t chunk : {1, 4, 31}) EXPECT_EQ(one.chunks(ids, chunk), whole) << table->name << ", chunks of " << chunk;
  }
}

}  // namespace
}  // namespace frugal
