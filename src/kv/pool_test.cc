// Sequences in a paged pool: what reserve, commit, truncate, fork and keep_path leave behind, honest byte counts, and a
// full pool as a value. The rows themselves are compared bit for bit.
#include "kv/pool.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "kv/attend_harness.h"

namespace frugal {
namespace {

struct PoolTest : testing::Test {
  testkit::LayerSetup setup = testkit::make_setup(2, 2, 48, 32);
  testkit::Rows rows{setup.shape, setup.spec.heads, 200, 31};
  ThreadTeam team{1, false};

  std::unique_ptr<PagedPool> pool(int64_t max_rows = 4096, const char* spec = "f16") {
    KvPoolOptions o = setup.pool(spec, false);
    o.max_rows = max_rows;
    return std::make_unique<PagedPool>(o);
  }
  // Feeds rows [first, first + n) and commits them.
  std::vector<float> feed(KvPool& p, KvSeq& seq, int first, int n) {
    auto out = testkit::attend_step(p, setup, {{&seq, &rows, first, n}}, team);
    seq.commit(n);
    return out;
  }
};

TEST_F(PoolTest, BytesAreThePagesMapped) {
  auto p = pool();
  EXPECT_EQ(p->bytes_mapped(), 0u);
  auto seq = p->create();
  EXPECT_EQ(seq->bytes(), 0u);
  ASSERT_TRUE(seq->reserve(1));
  EXPECT_EQ(seq->bytes(), p->extent_bytes());
  EXPECT_GE(p->extent_bytes(), 32u * 2 * (48 + 32) * 2);  // half floats of 32 rows and two heads
  EXPECT_LT(p->extent_bytes(), 32u * 2 * (48 + 32) * 2 + 4 * 64 + 1);
  seq->commit(1);
  ASSERT_TRUE(seq->reserve(31));
  EXPECT_EQ(seq->bytes(), p->extent_bytes());
  ASSERT_TRUE(seq->reserve(32));
  EXPECT_EQ(seq->bytes(), 2 * p->extent_bytes());
  EXPECT_EQ(p->bytes_mapped(), 2 * p->extent_bytes());
  seq->truncate(0);
  EXPECT_EQ(p->bytes_mapped(), 0u);
  ASSERT_TRUE(seq->reserve(100));
  seq.reset();
  EXPECT_EQ(p->bytes_mapped(), 0u);
}

TEST_F(PoolTest, FullPoolSaysFalseAndKeepsNothing) {
  auto p = pool(64);
  auto a = p->create(), b = p->create();
  ASSERT_TRUE(a->reserve(20));
  a->commit(20);
  EXPECT_FALSE(b->reserve(33));  // one page group is left, two are wanted
  EXPECT_EQ(b->bytes(), 0u);     // what could not be used is not held from others
  EXPECT_TRUE(a->reserve(44));
  EXPECT_FALSE(a->reserve(45));
  EXPECT_EQ(a->length(), 20);
  EXPECT_FALSE(b->reserve(1));
  a.reset();
  EXPECT_TRUE(b->reserve(64));
}

TEST_F(PoolTest, TruncatedSequenceContinuesAsIfNothingHadBeen) {
  auto p = pool();
  auto plain = p->create(), cut = p->create();
  feed(*p, *plain, 0, 70);
  feed(*p, *cut, 0, 70);
  feed(*p, *cut, 100, 60);
  for (int64_t length : {int64_t{200}, int64_t{70}}) cut->truncate(length);  // longer than it is: no change
  EXPECT_EQ(cut->length(), 70);
  EXPECT_EQ(cut->bytes(), plain->bytes());
  const auto a = feed(*p, *plain, 70, 40), b = feed(*p, *cut, 70, 40);
  EXPECT_EQ(a, b);
}

// A step that is not committed leaves no trace.
TEST_F(PoolTest, UncommittedRowsAreForgotten) {
  auto p = pool();
  auto plain = p->create(), tried = p->create();
  feed(*p, *plain, 0, 40);
  feed(*p, *tried, 0, 40);
  testkit::attend_step(*p, setup, {{tried.get(), &rows, 150, 30}}, team);
  EXPECT_EQ(tried->length(), 40);
  EXPECT_EQ(feed(*p, *plain, 40, 50), feed(*p, *tried, 40, 50));
}

TEST_F(PoolTest, ForksShareUntilTheyWrite) {
  for (int length : {32, 50, 64}) {
    auto p = pool();
    auto parent = p->create(), expected_a = p->create(), expected_b = p->create();
    feed(*p, *parent, 0, length);
    feed(*p, *expected_a, 0, length);
    feed(*p, *expected_b, 0, length);
    const size_t before = p->bytes_mapped();
    auto child = parent->fork();
    EXPECT_EQ(p->bytes_mapped(), before);
    EXPECT_EQ(child->length(), length);
    const auto child_out = feed(*p, *child, 120, 50), parent_out = feed(*p, *parent, length, 50);
    EXPECT_EQ(child_out, feed(*p, *expected_a, 120, 50));
    EXPECT_EQ(parent_out, feed(*p, *expected_b, length, 50));
    const size_t shared = static_cast<size_t>(length / 32) * p->extent_bytes();
    EXPECT_EQ(parent->bytes() + child->bytes() + expected_a->bytes() + expected_b->bytes(), p->bytes_mapped() + shared);
    parent.reset();
    EXPECT_EQ(feed(*p, *child, 60, 20), feed(*p, *expected_a, 60, 20));  // outlives its parent
  }
}

TEST_F(PoolTest, ForkNeedsRoomForItsCopy) {
  auto p = pool(32);
  auto parent = p->create();
  feed(*p, *parent, 0, 20);
  auto child = parent->fork();
  EXPECT_FALSE(child->reserve(1));
  EXPECT_FALSE(parent->reserve(1));
  child.reset();
  EXPECT_TRUE(parent->reserve(1));
}

TEST_F(PoolTest, KeepPathMovesRowsOverPages) {
  auto p = pool();
  auto kept = p->create(), sequence = p->create();
  feed(*p, *kept, 0, 20);
  feed(*p, *sequence, 0, 20);
  testkit::attend_step(*p, setup, {{kept.get(), &rows, 20, 40}}, team);
  const std::vector<int> path = {0, 3, 10, 11, 12, 13, 25, 39};
  kept->keep_path(path);
  testkit::Rows chain = rows;  // the same rows behind one another, at the positions they were written with
  auto move = [&](std::vector<float>& x, int cols) {
    for (size_t i = 0; i < path.size(); ++i)
      std::copy_n(&x[static_cast<size_t>((20 + path[i]) * cols)], cols, &x[(20 + i) * static_cast<size_t>(cols)]);
  };
  move(chain.q, setup.q_cols()), move(chain.k, 2 * 48), move(chain.v, 2 * 32);
  for (size_t i = 0; i < path.size(); ++i) chain.positions[20 + i] = 20 + path[i];
  testkit::attend_step(*p, setup, {{sequence.get(), &chain, 20, 8}}, team);
  sequence->commit(8);
  EXPECT_EQ(kept->length(), 28);
  EXPECT_EQ(feed(*p, *kept, 100, 9), feed(*p, *sequence, 100, 9));
}

TEST_F(PoolTest, RefusesShapesItCannotHold) {
  for (KvShape shape : {KvShape{0, 64, 64}, KvShape{2, 0, 64}, KvShape{2, 64, 0}, KvShape{2, 1 << 20, 64}}) {
    KvPoolOptions o;
    o.layers = {shape};
    EXPECT_THROW(make_kv_pool(o), Error) << shape.heads << " x " << shape.k_width << ", " << shape.v_width;
  }
}

}  // namespace
}  // namespace frugal
