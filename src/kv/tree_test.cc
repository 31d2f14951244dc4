// Draft trees: a row sees the committed rows, its ancestors and itself; keeping a path leaves the cache as if the path
// had been fed in sequence.
#include <gtest/gtest.h>

#include <cstring>

#include "kv/attend_harness.h"

namespace frugal {
namespace {

//  rows of the step and their parents:  0 - 1 - 3 - 6        depth of a row: number of its ancestors
//                                         \ 2 - 4
//                                       5 (a second root)
const std::vector<int> kParents = {-1, 0, 0, 1, 2, -1, 3};

std::vector<int> path_to(int row) {
  std::vector<int> path;
  for (int r = row; r >= 0; r = kParents[static_cast<size_t>(r)]) path.insert(path.begin(), r);
  return path;
}

// A prompt of `committed` rows, then the tree's rows at their depths.
testkit::Rows prompt_and_tree(const testkit::LayerSetup& s, int committed) {
  testkit::Rows rows(s.shape, s.spec.heads, committed + static_cast<int>(kParents.size()), 21);
  for (size_t i = 0; i < kParents.size(); ++i)
    rows.positions[static_cast<size_t>(committed) + i] =
        committed + static_cast<int>(path_to(static_cast<int>(i)).size()) - 1;
  return rows;
}

class DraftTree : public testing::TestWithParam<int64_t> {};  // the layer's window

TEST_P(DraftTree, RowsSeeTheirAncestors) {
  testkit::LayerSetup s = testkit::make_setup(2, 3, 64, 64);
  s.spec.window = GetParam();
  for (int committed : {0, 5, 31, 32, 126, 200})
    for (int threads : {1, 2}) {
      SCOPED_TRACE(std::to_string(committed) + " committed rows");
      ThreadTeam team(threads, false);
      PagedPool pool(s.pool("f16"));
      auto seq = pool.create();
      const auto rows = prompt_and_tree(s, committed);
      const int n = static_cast<int>(kParents.size());
      if (committed > 0) {
        testkit::attend_step(pool, s, {{seq.get(), &rows, 0, committed}}, team);
        seq->commit(committed);
      }
      const auto out = testkit::attend_step(pool, s, {{seq.get(), &rows, committed, n, kParents}}, team);
      for (int r = 0; r < n; ++r) {
        std::vector<int> visible = testkit::chain_visible(committed - 1, 0);
        for (int a : path_to(r)) visible.push_back(committed + a);
        if (s.spec.window > 0 && static_cast<int64_t>(visible.size()) > s.spec.window)
          visible.erase(visible.begin(), visible.end() - s.spec.window);
        const auto expected = testkit::attend_reference(pool, s, rows, committed + r, visible);
        for (size_t i = 0; i < expected.size(); ++i)
          ASSERT_NEAR(out[static_cast<size_t>(r * s.out_cols()) + i], expected[i], 1e-5)
              << "tree row " << r << " value " << i;
      }
    }
}

// The rows of a path as a sequence of their own, after the same prompt.
testkit::Rows in_sequence(const testkit::LayerSetup& s, const testkit::Rows& rows, int committed,
                          const std::vector<int>& path) {
  testkit::Rows chain(s.shape, s.spec.heads, committed + static_cast<int>(path.size()), 0);
  auto copy = [](std::vector<float>& to, const std::vector<float>& from, int to_row, int from_row, int cols) {
    std::copy_n(from.begin() + static_cast<int64_t>(from_row) * cols, cols,
                to.begin() + static_cast<int64_t>(to_row) * cols);
  };
  for (int r = 0; r < chain.rows; ++r) {
    const int from = r < committed ? r : committed + path[static_cast<size_t>(r - committed)];
    copy(chain.q, rows.q, r, from, s.q_cols());
    copy(chain.k, rows.k, r, from, s.shape.heads * s.shape.k_width);
    copy(chain.v, rows.v, r, from, s.shape.heads * s.shape.v_width);
  }
  return chain;
}

TEST_P(DraftTree, KeptPathEqualsSequence) {
  testkit::LayerSetup s = testkit::make_setup(2, 3, 80, 48);
  s.spec.window = GetParam();
  ThreadTeam team(1, false);
  for (const char* codec : {"f32", "f16", "bf16", "q8"})
    for (int committed : {0, 29, 62, 130})
      for (int leaf : {0, 4, 5, 6}) {
        SCOPED_TRACE(std::string(codec) + ", " + std::to_string(committed) + " committed, leaf " +
                     std::to_string(leaf));
        auto pool = make_kv_pool(s.pool(codec, false));
        auto tree = pool->create(), sequence = pool->create();
        const auto rows = prompt_and_tree(s, committed);
        const auto path = path_to(leaf);
        const auto chain = in_sequence(s, rows, committed, path);
        if (committed > 0) {
          testkit::attend_step(*pool, s, {{tree.get(), &rows, 0, committed}}, team);
          tree->commit(committed);
        }
        testkit::attend_step(*pool, s, {{tree.get(), &rows, committed, static_cast<int>(kParents.size()), kParents}},
                             team);
        tree->keep_path(path);
        testkit::attend_chunks(*pool, s, *sequence, chain, chain.rows, team);
        ASSERT_EQ(tree->length(), sequence->length());
        testkit::Rows next(s.shape, s.spec.heads, 9, 77);
        for (int32_t& p : next.positions) p += static_cast<int32_t>(tree->length());
        const auto a = testkit::attend_step(*pool, s, {{tree.get(), &next, 0, 9}}, team);
        const auto b = testkit::attend_step(*pool, s, {{sequence.get(), &next, 0, 9}}, team);
        ASSERT_EQ(std::memcmp(a.data(), b.data(), a.size() * 4), 0);
      }
}

// Row by row the bits of the path fed in sequence, whatever rows lie between: what makes drafts in trees leave no
// trace.
TEST_P(DraftTree, RowsHaveTheBitsOfTheirPath) {
  testkit::LayerSetup s = testkit::make_setup(2, 3, 64, 64);
  s.spec.window = GetParam();
  for (const char* codec : {"f32", "f16", "bf16", "q8"})
    for (const bool exact : {false, true})
      for (int committed : {0, 29, 31, 62, 254, 300})
        for (int threads : {1, 2}) {
          SCOPED_TRACE(std::string(codec) + (exact ? " exact, " : ", ") + std::to_string(committed) + " committed");
          ThreadTeam team(threads, false);
          auto pool = make_kv_pool(s.pool(codec, exact));
          auto tree = pool->create();
          const auto rows = prompt_and_tree(s, committed);
          const int n = static_cast<int>(kParents.size());
          if (committed > 0) {
            testkit::attend_step(*pool, s, {{tree.get(), &rows, 0, committed}}, team);
            tree->commit(committed);
          }
          const auto out = testkit::attend_step(*pool, s, {{tree.get(), &rows, committed, n, kParents}}, team);
          for (int r = 0; r < n; ++r) {
            const auto chain = in_sequence(s, rows, committed, path_to(r));
            auto sequence = pool->create();
            const auto all = testkit::attend_step(*pool, s, {{sequence.get(), &chain, 0, chain.rows}}, team);
            const size_t row = static_cast<size_t>(s.out_cols());
            ASSERT_EQ(std::memcmp(all.data() + row * static_cast<size_t>(chain.rows - 1),
                                  out.data() + row * static_cast<size_t>(r), row * 4),
                      0)
                << "row " << r;
          }
        }
}

// A chain given as a tree takes the same path through the arithmetic.
TEST_P(DraftTree, ChainAsTreeGivesTheSameBits) {
  testkit::LayerSetup s = testkit::make_setup(1, 4, 64, 64);
  s.spec.window = GetParam();
  ThreadTeam team(2, false);
  auto pool = make_kv_pool(s.pool("f16", false));
  auto a = pool->create(), b = pool->create();
  const testkit::Rows rows(s.shape, s.spec.heads, 150, 5);
  std::vector<int> parents(100);
  for (int i = 0; i < 100; ++i) parents[static_cast<size_t>(i)] = i - 1;
  for (KvSeq* seq : {a.get(), b.get()}) {
    testkit::attend_step(*pool, s, {{seq, &rows, 0, 50}}, team);
    seq->commit(50);
  }
  const auto chain = testkit::attend_step(*pool, s, {{a.get(), &rows, 50, 100}}, team);
  const auto tree = testkit::attend_step(*pool, s, {{b.get(), &rows, 50, 100, parents}}, team);
  EXPECT_EQ(std::memcmp(chain.data(), tree.data(), chain.size() * 4), 0);
}

INSTANTIATE_TEST_SUITE_P(Windows, DraftTree, testing::Values(0, 3, 20, 140));

}  // namespace
}  // namespace frugal
