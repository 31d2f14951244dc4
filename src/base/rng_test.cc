#include "base/rng.h"

#include <gtest/gtest.h>

#include <set>

namespace frugal {
namespace {

using Words = std::array<uint32_t, 4>;

// The known answers that the Random123 library publishes for philox4x32 with ten rounds.
TEST(Rng, PhiloxKnownAnswers) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32_10({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Rng, StreamIsAFunctionOfItsPosition) {
  Stream a = stream(42, 7, Purpose::kSample);
  std::vector<uint32_t> first;
  for (int i = 0; i < 11; ++i) first.push_back(a.bits());
  Stream b = stream(42, 7, Purpose::kSample);
  for (uint64_t i : {9u, 2u, 10u, 0u}) {
    b.seek(i);
    EXPECT_EQ(b.bits(), first[i]);
    EXPECT_EQ(b.position(), i + 1);
  }
  const Words expected = philox4x32_10({1, 1, 7, 0}, {42, 0});
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(first[4 + i], expected[i]);
}

TEST(Rng, StreamsDiffer) {
  std::set<uint32_t> seen;
  for (uint64_t seed : {0ull, 1ull, 1ull << 32})
    for (uint64_t request : {0ull, 1ull, 1ull << 32})
      for (Purpose p : {Purpose::kTest, Purpose::kSample, Purpose::kVerify})
        seen.insert(stream(seed, request, p).bits());
  EXPECT_EQ(seen.size(), 27u);
}

TEST(Rng, UniformFillsTheUnitInterval) {
  Stream s = stream(1, 0, Purpose::kTest);
  double sum = 0, square = 0, sum53 = 0;
  constexpr int n = 100000;
  for (int i = 0; i < n; ++i) {
    const double u = static_cast<double>(s.uniform()), w = s.uniform53();
    ASSERT_TRUE(u >= 0 && u < 1 && w >= 0 && w < 1);
    sum += u, square += u * u, sum53 += w;
  }
  EXPECT_NEAR(sum / n, 0.5, 0.004);  // four standard errors
  EXPECT_NEAR(square / n, 1.0 / 3, 0.004);
  EXPECT_NEAR(sum53 / n, 0.5, 0.004);
}

}  // namespace
}  // namespace frugal
