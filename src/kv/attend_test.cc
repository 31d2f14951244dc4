// attend over paged sequences against the plain reference, for every codec and feature of a layer; and the row contract
// bit for bit: chunks, teams and batch-mates change nothing.
#include <gtest/gtest.h>

#include <cstring>

#include "kv/attend_harness.h"

namespace frugal {
namespace {

using testkit::LayerSetup;

struct AttendCase {
  const char* name;
  int kv_heads, ratio, k_width, v_width;
  int64_t window = 0;
  float softcap = 0;
  bool alibi = false, rope = true;
};

const AttendCase kAttendCases[] = {
    {"plain", 2, 1, 64, 64},
    {"ratio3_narrow", 2, 3, 8, 8},
    {"ratio8_wide", 1, 8, 80, 80},
    {"unequal_widths", 2, 2, 64, 24},
    {"window_small", 2, 3, 64, 64, 16},
    {"window_over_blocks", 1, 3, 16, 16, 150},
    {"softcap", 2, 2, 64, 64, 0, 1.5f},
    {"alibi", 2, 3, 32, 32, 0, 0, true, false},
    {"all_at_once", 2, 3, 80, 48, 140, 2.0f, true, true},
};

LayerSetup setup_of(const AttendCase& c) {
  LayerSetup s = testkit::make_setup(c.kv_heads, c.ratio, c.k_width, c.v_width, c.rope);
  s.spec.window = c.window;
  s.spec.softcap = c.softcap;
  if (c.alibi) s.spec.alibi_slopes = s.slopes.data();
  return s;
}

class AttendFeature : public testing::TestWithParam<AttendCase> {
 protected:
  LayerSetup setup_ = setup_of(GetParam());
  void SetUp() override {
    if (GetParam().alibi) setup_.spec.alibi_slopes = setup_.slopes.data();  // the copy's own
  }
};

void expect_rows_near(const std::vector<float>& found, const std::vector<float>& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], tolerance) << "value " << i;
}

TEST_P(AttendFeature, MatchesReference) {
  const testkit::Rows rows(setup_.shape, setup_.spec.heads, 300, 1);
  ThreadTeam team(2, false);
  for (const KernelTable* table : kernel_tables())
    for (const char* codec : {"f32", "f16", "bf16", "q8", "k:q8 | v:f16"})
      for (bool exact : {true, false}) {
        SCOPED_TRACE(std::string(table->name) + " " + codec + (exact ? " exact" : " fast"));
        PagedPool pool(setup_.pool(codec, exact, table));
        auto seq = pool.create();
        const auto out = testkit::attend_chunks(pool, setup_, *seq, rows, 100, team);
        const bool rounds = pool.layer(0).k->pairs || pool.layer(0).v->pairs;
        const size_t cols = static_cast<size_t>(setup_.out_cols());
        for (int r : {0, 1, 15, 31, 32, 99, 100, 127, 128, 255, 256, 299}) {
          SCOPED_TRACE("row " + std::to_string(r));
          const auto at = out.begin() + static_cast<int64_t>(static_cast<size_t>(r) * cols);
          expect_rows_near(
              {at, at + setup_.out_cols()},
              testkit::attend_reference(pool, setup_, rows, r, testkit::chain_visible(r, setup_.spec.window)),
              rounds ? 2e-2 : 1e-5);
          if (HasFatalFailure()) return;
        }
      }
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST_P(AttendFeature, ChunksGiveTheSameBits) {
  const testkit::Rows rows(setup_.shape, setup_.spec.heads, 301, 2);
  ThreadTeam one(1, false);
  for (const KernelTable* table : kernel_tables())
    for (const char* codec : {"f32", "f16", "q8"}) {
      auto pool = make_kv_pool(setup_.pool(codec, false, table));
      const auto whole = testkit::attend_chunks(*pool, setup_, *pool->create(), rows, rows.rows, one);
      for (int chunk : {1, 7, 32, 100})
        EXPECT_TRUE(same_bits(testkit::attend_chunks(*pool, setup_, *pool->create(), rows, chunk, one), whole))
            << table->name << " " << codec << " chunks of " << chunk;
    }
}

TEST_P(AttendFeature, TeamsGiveTheSameBits) {
  const testkit::Rows rows(setup_.shape, setup_.spec.heads, 301, 3);
  auto pool = make_kv_pool(setup_.pool("f16", false));
  ThreadTeam one(1, false);
  const auto expected = testkit::attend_chunks(*pool, setup_, *pool->create(), rows, rows.rows, one);
  for (int threads : {2, 3, 4}) {
    ThreadTeam team(threads, false);
    for (int chunk : {13, 100, rows.rows})
      EXPECT_TRUE(same_bits(testkit::attend_chunks(*pool, setup_, *pool->create(), rows, chunk, team), expected))
          << threads << " threads, chunks of " << chunk;
  }
}

// Several sequences of different lengths and phases in one batch, step by step, against each alone.
TEST_P(AttendFeature, BatchMatesChangeNothing) {
  const std::vector<int> lengths = {290, 3, 64, 141};
  const std::vector<int> chunks = {100, 1, 7, 32};
  for (const char* codec : {"f16", "q8"})
    for (int threads : {1, 2}) {
      ThreadTeam team(threads, false);
      auto pool = make_kv_pool(setup_.pool(codec, false));
      std::vector<testkit::Rows> rows;
      std::vector<std::unique_ptr<KvSeq>> seqs;
      for (size_t i = 0; i < lengths.size(); ++i) {
        rows.emplace_back(setup_.shape, setup_.spec.heads, lengths[i], 10 + i);
        seqs.push_back(pool->create());
      }
      std::vector<std::vector<float>> together(lengths.size());
      for (bool more = true; more;) {
        std::vector<testkit::Piece> pieces;
        std::vector<size_t> who;
        for (size_t i = 0; i < lengths.size(); ++i) {
          const int at = static_cast<int>(seqs[i]->length()), n = std::min(chunks[i], lengths[i] - at);
          if (n <= 0) continue;
          pieces.push_back({seqs[i].get(), &rows[i], at, n});
          who.push_back(i);
        }
        more = !pieces.empty();
        if (!more) break;
        const auto out = testkit::attend_step(*pool, setup_, pieces, team);
        auto at = out.begin();
        for (size_t p = 0; p < pieces.size(); ++p) {
          const auto end = at + pieces[p].n * setup_.out_cols();
          together[who[p]].insert(together[who[p]].end(), at, end);
          at = end;
          pieces[p].seq->commit(pieces[p].n);
        }
      }
      for (size_t i = 0; i < lengths.size(); ++i)
        EXPECT_TRUE(
            same_bits(together[i], testkit::attend_chunks(*pool, setup_, *pool->create(), rows[i], lengths[i], team)))
            << codec << " sequence " << i << ", " << threads << " threads";
    }
}

// Deep in a sequence, one row split by block over a team (more blocks than are folded at once) against the same row as
// the end of a whole prompt, and against the plain reference.
TEST(AttendDepth, ManyBlocksFoldTheSame) {
  const LayerSetup setup = testkit::make_setup(1, 3, 16, 16);
  const int deep = 18 * kAttendRows + 37;
  const testkit::Rows rows(setup.shape, setup.spec.heads, deep, 6);
  for (const KernelTable* table : kernel_tables())
    for (const char* codec : {"f16", "q8"}) {
      SCOPED_TRACE(std::string(table->name) + " " + codec);
      KvPoolOptions options = setup.pool(codec, false, table);
      options.max_rows = 3 * deep;
      PagedPool pool(options);
      ThreadTeam team(2, false), one(1, false);
      const auto whole = testkit::attend_chunks(pool, setup, *pool.create(), rows, deep, team);
      const std::vector<float> last(whole.end() - setup.out_cols(), whole.end());
      for (ThreadTeam* t : {&one, &team}) {
        auto seq = pool.create();
        testkit::attend_step(pool, setup, {{seq.get(), &rows, 0, deep - 1}}, *t);
        seq->commit(deep - 1);
        EXPECT_TRUE(same_bits(testkit::attend_step(pool, setup, {{seq.get(), &rows, deep - 1, 1}}, *t), last));
      }
      expect_rows_near(
          last, testkit::attend_reference(pool, setup, rows, deep - 1, testkit::chain_visible(deep - 1, 0)), 2e-2);
    }
}

INSTANTIATE_TEST_SUITE_P(All, AttendFeature, testing::ValuesIn(kAttendCases),
                         [](const auto& p) { return std::string(p.param.name); });

}  // namespace
}  // namespace frugal
