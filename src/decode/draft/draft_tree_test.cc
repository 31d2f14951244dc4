// Trees, merging, prompt lookup and the cost model, each alone.
#include "decode/draft/draft_tree.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "decode/draft/cost.h"
#include "decode/draft/drafter.h"

namespace frugal {
namespace {

TEST(DraftTree, DuplicatesAreTrialsOfOneChild) {
  DraftTree tree;
  tree.reset(7);
  const int a = tree.add(0, {4}), b = tree.add(0, {5});
  EXPECT_EQ(tree.add(0, {4}), a);
  EXPECT_EQ(tree.node(0).trials.size(), 3u);
  EXPECT_EQ(tree.size(), 3);
  EXPECT_FALSE(tree.is_chain());
  const int c = tree.add(b, {4});
  EXPECT_EQ(tree.child(0, 4), a);
  EXPECT_EQ(tree.child(b, 4), c);
  EXPECT_EQ(tree.child(a, 4), -1);
  EXPECT_EQ(tree.depth(), 2);
  EXPECT_EQ(tree.parents(), (std::vector<int>{-1, 0, 0, 2}));
}

TEST(DraftTree, CuttingKeepsTrials) {
  DraftTree tree;
  tree.reset(7);
  const int a = tree.add(0, {1}), deep = tree.add(tree.add(a, {2}), {3}), b = tree.add(0, {4});
  tree.add(b, {5});
  EXPECT_EQ(tree.node(deep).depth, 3);
  DraftTree shallow = tree;
  shallow.cut(100, 1);
  EXPECT_EQ(shallow.size(), 3);
  EXPECT_EQ(shallow.child(0, 4), 2);
  EXPECT_EQ(shallow.node(1).trials.size(), 1u);  // tested, though no row stands for it
  DraftTree small = tree;
  small.cut(3, 100);
  EXPECT_EQ(small.size(), 3);
  EXPECT_EQ(small.child(0, 4), -1);
  EXPECT_EQ(small.node(0).trials.size(), 2u);
  small.cut(1, 0);
  EXPECT_EQ(small.size(), 1);
  EXPECT_TRUE(small.is_chain());
}

struct DraftersTest : testing::Test {
  std::unique_ptr<Model> model =
      Model::open(std::string(FRUGAL_SOURCE_DIR) + "/tests/golden/stories260k/stories260K-f32.gguf");
  Runner runner{*model, {.threads = 1}};
  Stream random = stream(1, 0, Purpose::kDraft);
  std::unique_ptr<Sampler> sampler = make_sampler("greedy", 0);

  DraftTree tree_of(Drafter& drafter, const std::vector<int32_t>& tokens, int depth = 64, int nodes = 64) {
    DraftSequence s;
    s.tokens = tokens;
    s.sampler = sampler.get();
    s.random = &random;
    s.most_depth = depth;
    s.most_nodes = nodes;
    s.tree.reset(tokens.back());
    DraftSequence* one[] = {&s};
    drafter.propose(one);
    return std::move(s.tree);
  }
  std::vector<int32_t> chain_of(const std::string& spec, const std::vector<int32_t>& tokens, int depth = 64,
                                int nodes = 64) {
    const auto drafter = make_drafter(spec, {runner, nullptr});
    const DraftTree tree = tree_of(*drafter, tokens, depth, nodes);
    EXPECT_TRUE(tree.is_chain());
    std::vector<int32_t> ids;
    for (int i = 1; i < tree.size(); ++i) ids.push_back(tree.node(i).token);
    return ids;
  }
};

using Ids32 = std::vector<int32_t>;

TEST_F(DraftersTest, NgramCopiesWhatFollowed) {
  const Ids32 text = {1, 2, 3, 4, 5, 9, 2, 3, 6, 7, 8, 2, 3};
  EXPECT_EQ(chain_of("ngram(n=2,k=3)", text), (Ids32{6, 7, 8}));             // the newest match
  EXPECT_EQ(chain_of("ngram(n=2,k=3,pick=first)", text), (Ids32{4, 5, 9}));  // the paper's
  EXPECT_EQ(chain_of("ngram(n=3,k=2)", text), (Ids32{6, 7}));                // no match of three: of two
  EXPECT_EQ(chain_of("ngram(n=2,k=6)", text), (Ids32{6, 7, 8, 2, 3, 6}));    // runs on into its own copy
  EXPECT_EQ(chain_of("ngram(n=2,k=12,pick=first)", text), Ids32());          // no full continuation
  EXPECT_EQ(chain_of("ngram(n=2,k=8)", text, 2), (Ids32{6, 7}));             // the step's limits
  EXPECT_EQ(chain_of("ngram(n=2,k=8)", text, 5, 1), (Ids32{6}));
  EXPECT_EQ(chain_of("ngram(n=2,k=8)", text, 0), Ids32());
  EXPECT_EQ(chain_of("ngram(n=3,k=3,least=3)", text), Ids32());
  EXPECT_EQ(chain_of("ngram(n=3,k=4)", {5, 5}), (Ids32{5, 5, 5, 5}));
  EXPECT_EQ(chain_of("ngram(n=3,k=4)", {5}), Ids32());
  EXPECT_EQ(chain_of("ngram(n=3,k=4)", {5, 6}), Ids32());
}

// Against a search written as the definition reads.
TEST_F(DraftersTest, NgramAgainstPlainSearch) {
  for (int run = 0; run < 300; ++run) {
    Ids32 text;
    for (uint32_t n = 2 + random.bits() % 40; n > 0; --n) text.push_back(static_cast<int32_t>(random.bits() % 3));
    Ids32 expected;
    for (size_t n = std::min<size_t>(3, text.size() - 1); n >= 1 && expected.empty(); --n)
      for (size_t at = 0; at + n < text.size(); ++at)  // the last one found stays
        if (std::equal(text.end() - static_cast<int64_t>(n), text.end(), text.begin() + static_cast<int64_t>(at))) {
          Ids32 copy = text;
          expected.clear();
          for (size_t i = 0; i < 5; ++i) {
            copy.push_back(copy[at + n + i]);
            expected.push_back(copy.back());
          }
        }
    ASSERT_EQ(chain_of("ngram(n=3,k=5)", text), expected);
  }
}

TEST_F(DraftersTest, MergedTreesKeepEveryTrial) {
  sampler = make_sampler("temp(2)", 0);
  const auto drafter =
      make_drafter("tree(of=[model(layers=2),model(layers=4),ngram(n=1,k=3)],widths=[3,2])", {runner, nullptr});
  const DraftTree tree = tree_of(*drafter, {1, 20, 30, 20}, 64, 90);
  EXPECT_EQ(tree.node(0).trials.size(), 7u);  // three of each model, one copied
  std::set<const Distribution*> laws;
  int copied = 0;
  for (const Trial& t : tree.node(0).trials)
    t.q == nullptr ? ++copied : static_cast<int>(laws.insert(t.q.get()).second);
  EXPECT_EQ(copied, 1);
  EXPECT_EQ(laws.size(), 2u);
  EXPECT_GE(tree.child(0, 30), 1);
  for (int i = 1; i < tree.size(); ++i) {
    EXPECT_LT(tree.node(i).parent, i);
    EXPECT_EQ(tree.child(tree.node(i).parent, tree.node(i).token), i);  // once each
    EXPECT_EQ(tree.node(i).depth, tree.node(tree.node(i).parent).depth + 1);
  }
  EXPECT_EQ(tree.depth(), 3);  // the copied chain's
}

TEST_F(DraftersTest, DrawsWithoutReplacementDiffer) {
  sampler = make_sampler("temp(1) | top_k(5)", 0);
  const auto drafter = make_drafter("tree(of=[model(layers=2)],widths=[8],replace=false)", {runner, nullptr});
  for (int run = 0; run < 20; ++run) {
    const DraftTree tree = tree_of(*drafter, {1, 20, 30});
    EXPECT_EQ(tree.size(), 6);  // the five there are, and no more
    EXPECT_EQ(tree.node(0).trials.size(), 5u);
  }
  const DraftTree cut = tree_of(*drafter, {1, 20, 30}, 64, 2);
  EXPECT_EQ(cut.size(), 3);
  EXPECT_EQ(cut.node(0).trials.size(), 5u);  // those without a row are tried all the same
}

TEST_F(DraftersTest, SpecsAreCanonical) {
  EXPECT_EQ(canonical_draft_spec("ngram(4, k=2)"), "ngram(n=4,k=2)");
  EXPECT_EQ(canonical_draft_spec("self(kv=q8)"), "self(kv=(q8))");
  EXPECT_THROW(canonical_draft_spec("ngram(k=soon)"), Error);
  EXPECT_THROW(canonical_draft_spec("self"), Error);
}

TEST(DraftCost, ExpectedTokens) {
  EXPECT_DOUBLE_EQ(expected_tokens(0.8, 5), (1 - std::pow(0.8, 6)) / 0.2);  // the page's 3.69
  EXPECT_DOUBLE_EQ(expected_tokens(1, 5), 6);
  EXPECT_DOUBLE_EQ(expected_tokens(0.5, 0), 1);
  EXPECT_DOUBLE_EQ(expected_tokens(0, 3), 1);
}

// A machine whose pass costs base + slope * rows; drafting costs `token` a token.
int settled_depth(double alpha, double base, double slope, double token) {
  DraftCost cost;
  Acceptance acceptance;
  Stream coin = stream(3, 0, Purpose::kTest);
  int depth = 0;
  for (int step = 0; step < 600; ++step) {
    depth = cost.best_depth(acceptance, 16, 1);
    if (depth > 0) cost.drafted(depth, token * depth);
    cost.verified(1 + depth, base + slope * (1 + depth));
    for (int i = 0; i < depth; ++i) {
      const bool accepted = coin.uniform53() < alpha;
      acceptance.observe(accepted);
      if (!accepted) break;
    }
  }
  return depth;
}

TEST(DraftCost, LengthFollowsCostAndAcceptance) {
  EXPECT_EQ(settled_depth(1, 1, 0.001, 0), 16);    // all accepted, rows free: as long as may be
  EXPECT_LE(settled_depth(0.02, 1, 0.5, 0.2), 1);  // nothing accepted, rows dear: none, or a probe
  const int middle = settled_depth(0.7, 1, 0.1, 0.05);
  EXPECT_GE(middle, 1);
  EXPECT_LE(middle, 8);
  EXPECT_LE(settled_depth(0.7, 1, 0.1, 0.5), middle);  // dearer drafts are shorter
}

TEST(DraftCost, FindsItsWayBack) {  // after a stretch without acceptance
  DraftCost cost;
  Acceptance acceptance;
  for (int i = 0; i < 300; ++i) acceptance.observe(false);
  int drafted = 0;
  for (int step = 0; step < 400; ++step) {
    const int depth = cost.best_depth(acceptance, 8, 1);
    cost.verified(1 + depth, 1 + 0.2 * depth);
    for (int i = 0; i < depth; ++i) acceptance.observe(true);
    drafted += depth;
  }
  EXPECT_GT(drafted, 800);
}

}  // namespace
}  // namespace frugal
