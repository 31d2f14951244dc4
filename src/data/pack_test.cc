// Every token of every document is in a sequence, once and in order; what is cut, and how full sequences are.
#include "data/pack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/rng.h"

namespace frugal::data {
namespace {

struct Packed {
  std::vector<std::vector<int32_t>> sequences;
  std::vector<std::vector<uint32_t>> pieces;
};

Packed pack_all(Packing packing, size_t length, size_t window, const std::vector<std::vector<int32_t>>& documents) {
  Packed out;
  const auto packer = make_packer(packing, length, window, [&](auto tokens, auto pieces) {
    out.sequences.emplace_back(tokens.begin(), tokens.end());
    out.pieces.emplace_back(pieces.begin(), pieces.end());
  });
  for (const auto& d : documents) packer->add(d);
  packer->end();
  return out;
}

// Documents of ascending numbers that go on from one to the next, so that a token says where it came from.
std::vector<std::vector<int32_t>> numbered(const std::vector<size_t>& sizes) {
  std::vector<std::vector<int32_t>> documents;
  int32_t next = 0;
  for (size_t n : sizes) {
    documents.emplace_back(n);
    std::iota(documents.back().begin(), documents.back().end(), next);
    next += static_cast<int32_t>(n);
  }
  return documents;
}

TEST(Pack, ConcatCutsEveryLength) {
  const Packed p = pack_all(Packing::kConcat, 4, 0, numbered({3, 0, 6, 1}));
  EXPECT_EQ(p.sequences, (std::vector<std::vector<int32_t>>{{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9}}));
  EXPECT_EQ(p.pieces, (std::vector<std::vector<uint32_t>>{{3, 1}, {4}, {1, 1}}));
}

TEST(Pack, BestFitTakesTheLongestFirstToTheTightestPlace) {
  // By hand, length 10: 7 | 6 | 4 goes to the 6 (room 4, not 3) | 3 goes to the 7 | 2 begins a third.
  const Packed p = pack_all(Packing::kBestFit, 10, 1000, numbered({2, 3, 7, 4, 6}));
  EXPECT_EQ(p.pieces, (std::vector<std::vector<uint32_t>>{{7, 3}, {6, 4}, {2}}));
  EXPECT_EQ(p.sequences[0], (std::vector<int32_t>{5, 6, 7, 8, 9, 10, 11, 2, 3, 4}));
}

TEST(Pack, BestFitCutsOnlyWhatIsTooLong) {
  std::vector<size_t> sizes;
  Stream draws(1, 0, Purpose::kTest);
  for (int i = 0; i < 3000; ++i) sizes.push_back(draws.bits() % (i % 10 == 0 ? 3000 : 400));
  const auto documents = numbered(sizes);
  const size_t tokens = std::accumulate(sizes.begin(), sizes.end(), size_t{0});
  const Packed p = pack_all(Packing::kBestFit, 512, 1 << 17, documents);
  std::vector<int> begins(tokens + 1, 0), seen(tokens, 0);
  for (const auto& d : documents)
    for (size_t i = 0; i < d.size(); i += 512) begins[static_cast<size_t>(d[i])] = 1;
  for (size_t s = 0; s < p.sequences.size(); ++s) {
    ASSERT_LE(p.sequences[s].size(), 512u);
    size_t at = 0;
    for (uint32_t n : p.pieces[s]) {
      EXPECT_TRUE(begins[static_cast<size_t>(p.sequences[s][at])]);  // a document's front, or 512 tokens further
      for (uint32_t i = 0; i < n; ++i, ++at) {
        ++seen[static_cast<size_t>(p.sequences[s][at])];
        ASSERT_EQ(p.sequences[s][at], p.sequences[s][at - i] + static_cast<int32_t>(i));
      }
    }
    EXPECT_EQ(at, p.sequences[s].size());
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), static_cast<std::ptrdiff_t>(tokens));
  EXPECT_LT(static_cast<double>(p.sequences.size()) * 512, static_cast<double>(tokens) * 1.02);
}

}  // namespace
}  // namespace frugal::data
