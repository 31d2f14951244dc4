// Sequences whose heads keep their own rows: full ones give the paged layout's bits; forks, saved files, drafts and
// rolled back rows leave what a plain run has; memory follows the rows.
#include <fstream>

#include "base/error.h"
#include "kv/layout/ragged_harness.h"

namespace frugal {
namespace {

constexpr const char* kForgetful[] = {
    "h2o(budget=100)",
    "streaming(sink=4,window=90)",
    "k:kivi(residual=32) | v:kivi(residual=32)",
    "h2o(budget=150) | k:kivi(residual=32) | v:kivi(bits=4,residual=32)",
    "streaming(sink=4,window=150) | k:kivi(residual=32,every=1)",
    "scissorhands(budget=120,history=50) | q8",
    "vatp(base=h2o,budget=90) | v:kivi(residual=64)",
    "cam(base=h2o,budget=90,m=4)",
    "random(budget=77) | bf16",
};

TEST_F(RaggedTest, FullGivesThePagedBits) {
  for (const char* codec : {"f32", "f16", "q8"}) {
    auto plain = make_kv_pool(setup.pool(codec, false));
    auto ragged = pool(std::string("ragged | ") + codec);
    for (int chunk : {1, 33, 700}) {
      auto a = plain->create(), b = ragged->create();
      const testkit::Rows some(setup.shape, setup.spec.heads, chunk == 1 ? 90 : 700, 3);
      EXPECT_EQ(testkit::attend_chunks(*plain, setup, *a, some, chunk, team),
                testkit::attend_chunks(*ragged, setup, *b, some, chunk, team))
          << codec << ", chunks of " << chunk;
    }
  }
}

// Policies that have room for everything change no bit.
TEST_F(RaggedTest, RoomForAllGivesThePagedBits) {
  auto plain = make_kv_pool(setup.pool("f16", false));
  const auto expected = run(*plain, *plain->create(), 0, 200, 200);
  for (const char* spec : {"h2o(budget=700)", "streaming(sink=4,window=600)", "scissorhands(budget=400)",
                           "vatp(budget=1000)", "cam(budget=500)", "random(budget=500)"}) {
    auto p = pool(spec);
    EXPECT_EQ(run(*p, *p->create(), 0, 200, 200), expected) << spec;
  }
}

// Rows computed together up to an event are those computed one by one, whatever the prompt's chunks and the team.
TEST_F(RaggedTest, StepsBetweenEventsGiveTheSameBits) {
  for (const char* spec : kForgetful) {
    auto p = pool(spec);
    auto a = p->create(), b = p->create();
    const auto expected = run(*p, *a, 0, 210, 200);
    for (int at = 0; at < 210; at += 30) feed(*p, *b, at, 30);
    b->end_prompt();
    std::vector<float> found;
    for (int i = 0; i < 200; ++i) {
      const auto out = feed(*p, *b, 210 + i, 1);
      found.insert(found.end(), out.begin(), out.end());
    }
    EXPECT_EQ(found, expected) << spec;
    EXPECT_EQ(a->bytes(), b->bytes()) << spec;
  }
}

// Drafts: rows that are tried and not kept, chains and trees, leave no trace in rows, counts or columns.
TEST_F(RaggedTest, RejectedDraftsLeaveNoTrace) {
  const std::vector<int> parents = {-1, 0, 0, 1, 2, 4}, path = {0, 2, 4};
  for (const char* spec : kForgetful) {
    auto p = pool(spec);
    auto plain = p->create(), drafted = p->create();
    const auto expected = run(*p, *plain, 0, 210, 160);
    feed(*p, *drafted, 0, 210);
    drafted->end_prompt();
    std::vector<float> found;
    testkit::Rows tree(setup.shape, setup.spec.heads, 6, 0);
    for (int at = 0; at < 160;) {
      if (drafted->rows_until_event() < 3 || at + 3 > 160) {
        const auto out = feed(*p, *drafted, 210 + at++, 1);
        found.insert(found.end(), out.begin(), out.end());
        continue;
      }
      const auto put = [&](std::vector<float>& to, const std::vector<float>& from, int cols) {
        for (int i = 0; i < 6; ++i) {
          const auto kept = std::find(path.begin(), path.end(), i);
          const int row = kept != path.end() ? 210 + at + static_cast<int>(kept - path.begin()) : 600 + i;
          std::copy_n(from.begin() + static_cast<int64_t>(row) * cols, cols,
                      to.begin() + static_cast<int64_t>(i) * cols);
        }
      };
      put(tree.q, rows.q, setup.q_cols()), put(tree.k, rows.k, 2 * 32), put(tree.v, rows.v, 2 * 48);
      for (int i = 0; i < 6; ++i)
        tree.positions[static_cast<size_t>(i)] = 210 + at + (i == 0 ? 0 : i < 3 ? 1 : i < 5 ? 2 : 3);
      const auto out = testkit::attend_step(*p, setup, {{drafted.get(), &tree, 0, 6, parents}}, team);
      for (int i : path)
        found.insert(found.end(), out.begin() + static_cast<int64_t>(i) * setup.out_cols(),
                     out.begin() + static_cast<int64_t>(i + 1) * setup.out_cols());
      drafted->keep_path(path);
      at += 3;
    }
    // A tree's rows lie elsewhere than a chain's, so sums differ in their last bits; what is kept must not.
    ASSERT_EQ(found.size(), expected.size()) << spec;
    for (size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], 2e-3) << spec << " value " << i;
    ASSERT_EQ(plain->length(), drafted->length());
    for (int h = 0; h < 2; ++h) {
      const RaggedHead &a = static_cast<RaggedSeq&>(*plain).rows_of(0, h),
                       &b = static_cast<RaggedSeq&>(*drafted).rows_of(0, h);
      EXPECT_EQ(a.alive, b.alive) << spec;
      EXPECT_EQ(a.slots, b.slots) << spec;
    }
  }
}

TEST_F(RaggedTest, ForksShareAndThenGoTheirOwnWay) {
  for (const char* spec : kForgetful) {
    auto p = pool(spec);
    auto parent = p->create(), a = p->create(), b = p->create();
    for (KvSeq* s : {parent.get(), a.get(), b.get()}) run(*p, *s, 0, 210, 75);
    const size_t before = p->bytes_mapped();
    auto child = parent->fork();
    EXPECT_EQ(p->bytes_mapped(), before) << spec;
    EXPECT_EQ(go_on(*p, *child, 400, 90), go_on(*p, *a, 400, 90)) << spec;
    EXPECT_EQ(go_on(*p, *parent, 300, 90), go_on(*p, *b, 300, 90)) << spec;
    parent.reset();
    EXPECT_EQ(go_on(*p, *child, 500, 40), go_on(*p, *a, 500, 40)) << spec;
    child.reset(), a.reset(), b.reset();
    EXPECT_EQ(p->bytes_mapped(), 0u) << spec;
  }
}

TEST_F(RaggedTest, SavedCachesContinueBitForBit) {
  const std::vector<int32_t> ids = {4, 5};
  for (const char* spec : kForgetful)
    for (int n : {0, 75}) {  // at an event and between two
      auto p = pool(spec), other = pool(spec);
      auto seq = p->create(), back = other->create();
      run(*p, *seq, 0, 210, n);
      seq->save(path, ids);
      run(*other, *back, 100, 40, 40);  // replaced
      EXPECT_EQ(back->load(path), ids);
      EXPECT_EQ(back->length(), seq->length());
      EXPECT_EQ(back->bytes(), seq->bytes()) << spec;
      EXPECT_EQ(go_on(*other, *back, 300, 120), go_on(*p, *seq, 300, 120)) << spec << " after " << n;
    }
}

TEST_F(RaggedTest, DamagedFilesAreRefused) {
  const char* spec = "h2o(budget=150) | k:kivi(residual=32) | v:kivi(residual=32)";
  auto p = pool(spec);
  auto seq = p->create();
  run(*p, *seq, 0, 210, 75);
  seq->save(path, {1, 2, 3});
  std::ifstream in(path, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  const auto load = [&](const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    auto other = p->create();
    try {
      other->load(path);
      feed(*p, *other, 300, 1);  // whatever it holds can be read
      return true;
    } catch (const Error&) {
      EXPECT_EQ(other->length(), 0);
      return false;
    }
  };
  EXPECT_TRUE(load(whole));
  for (size_t n = 0; n < whole.size(); n += 1 + n / 7) EXPECT_FALSE(load(whole.substr(0, n))) << n;
  EXPECT_FALSE(load(whole + "x"));
  for (size_t at = 16; at < std::min<size_t>(whole.size(), 400); ++at)
    for (char x : {'\xff', '\x7f'}) {
      std::string s = whole;
      s[at] = x;
      load(s);  // refused or harmless
    }
}

TEST_F(RaggedTest, TruncatedSequencesGoOn) {
  for (const char* spec : kForgetful) {
    auto p = pool(spec);
    auto seq = p->create(), plain = p->create();
    run(*p, *seq, 0, 210, 80);
    run(*p, *plain, 0, 210, 80);
    feed(*p, *seq, 500, 5);  // no event: as if they had not been
    seq->truncate(290);
    EXPECT_EQ(go_on(*p, *seq, 290, 100), go_on(*p, *plain, 290, 100)) << spec;
    for (int64_t length : {int64_t{377}, int64_t{205}, int64_t{33}}) {
      seq->truncate(length);
      EXPECT_EQ(seq->length(), std::min<int64_t>(length, 390));
      for (float x : go_on(*p, *seq, 400, 70)) ASSERT_TRUE(std::isfinite(x)) << spec;
    }
    seq->truncate(0);
    EXPECT_EQ(seq->bytes(), 0u);
    auto fresh = p->create();
    EXPECT_EQ(run(*p, *seq, 0, 150, 60), run(*p, *fresh, 0, 150, 60)) << spec;
  }
}

// A second turn's prompt is whole again and is cut at its end.
TEST_F(RaggedTest, SeveralTurns) {
  auto p = pool("h2o(budget=100)");
  auto whole = p->create(), chunks = p->create();
  for (KvSeq* s : {whole.get(), chunks.get()}) {
    run(*p, *s, 0, 210, 30);
    s->begin_prompt();
    EXPECT_GT(s->rows_until_event(), 1000);
  }
  feed(*p, *whole, 240, 150);
  for (int at = 0; at < 150; at += 25) feed(*p, *chunks, 240 + at, 25);
  EXPECT_GT(static_cast<RaggedSeq&>(*whole).rows_of(0, 0).rows(), 240);
  for (KvSeq* s : {whole.get(), chunks.get()}) s->end_prompt();
  EXPECT_EQ(static_cast<RaggedSeq&>(*whole).rows_of(0, 0).rows(), 100);
  EXPECT_EQ(go_on(*p, *whole, 390, 60), go_on(*p, *chunks, 390, 60));
}

TEST_F(RaggedTest, FullHeapIsAValue) {
  auto p = pool("h2o(budget=64)", false, 128);
  auto a = p->create(), b = p->create();
  EXPECT_FALSE(a->reserve(129));
  EXPECT_EQ(a->bytes(), 0u);
  feed(*p, *a, 0, 100);
  EXPECT_FALSE(b->reserve(33));
  a->end_prompt();
  EXPECT_TRUE(b->reserve(33));  // what has left gave its memory back
}

// Bytes are those of the rows: pages of what is kept, and the columns beside them.
TEST_F(RaggedTest, MemoryFollowsTheRows) {
  const size_t page = 32 * (32 + 48) * 2, token = 4, mass = 4;
  auto p = pool("h2o(budget=96)");
  auto seq = p->create();
  run(*p, *seq, 0, 320, 0);
  EXPECT_EQ(seq->bytes(), 2 * (3 * page + 96 * (token + mass)));
  for (int step = 0; step < 300; ++step) {
    go_on(*p, *seq, 320 + step, 1);
    ASSERT_LE(seq->bytes(), 2 * 5 * (page + 32 * (token + mass)));  // 96 rows, 16 to come, dead ones
  }
  auto q = pool("k:kivi(residual=64) | v:kivi(residual=64)");
  auto closed = q->create();
  run(*q, *closed, 0, 500, 0);
  const size_t k_page = 32 * 32 / 4 + 32 * 4, v_page = 32 * 48 / 4 + 32 * 2 * 4, k_open = 32 * 32 * 2,
               v_open = 32 * 48 * 2;
  // Of 500 keys 448 are closed (7 times 64), of values 13 pages: 416 rows leave 84.
  EXPECT_EQ(closed->bytes(), 2 * (14 * k_page + 2 * k_open + 13 * v_page + 3 * v_open + 16 * 32 * token));
}

// A row that nobody sees is multiplied by zero, and zero times infinity is not zero.
TEST_F(RaggedTest, NothingOfForgottenRowsIsSeen) {
  testkit::Rows bad = rows;
  for (auto* x : {&bad.k, &bad.v})
    for (float& value : *x) value = value > 0 ? INFINITY : NAN;
  for (const char* spec : {"f32", "bf16", "f16", "q8", "ragged | f32", "ragged | bf16"}) {
    auto p = make_kv_pool(setup.pool(spec, false));
    auto plain = p->create(), tried = p->create(), cut = p->create(), dropped = p->create();
    for (KvSeq* s : {plain.get(), tried.get(), cut.get(), dropped.get()}) feed(*p, *s, 0, 40);
    testkit::attend_step(*p, setup, {{tried.get(), &bad, 40, 20}}, team);  // never committed
    testkit::attend_step(*p, setup, {{dropped.get(), &bad, 40, 20}}, team);
    dropped->commit(0);
    testkit::attend_step(*p, setup, {{cut.get(), &bad, 40, 20}}, team);
    cut->commit(20);
    cut->truncate(40);
    const auto expected = feed(*p, *plain, 40, 1);
    for (KvSeq* s : {tried.get(), cut.get(), dropped.get()}) EXPECT_EQ(feed(*p, *s, 40, 1), expected) << spec;
  }
}

// The shares of a half-float cache's bytes that 7,000 tokens of heads of 64 come to.
TEST_F(RaggedTest, SharesOfThePlainCacheAtSevenThousandTokens) {
  testkit::LayerSetup wide = testkit::make_setup(1, 1, 64, 64);
  const testkit::Rows many(wide.shape, 1, 7000, 9);
  const auto bytes = [&](const char* spec, int decoded) {
    KvPoolOptions o = wide.pool(spec, false);
    o.max_rows = 8192;
    o.team = &team;
    auto p = make_kv_pool(o);
    auto seq = p->create();
    for (int at = 0; at < 7000 - decoded; at += 500) {
      const int n = std::min(500, 7000 - decoded - at);
      testkit::attend_step(*p, wide, {{seq.get(), &many, at, n}}, team);
      seq->commit(n);
    }
    seq->end_prompt();
    for (int at = 7000 - decoded; at < 7000;) {
      const int n = static_cast<int>(std::min<int64_t>(7000 - at, seq->rows_until_event()));
      testkit::attend_step(*p, wide, {{seq.get(), &many, at, n}}, team);
      seq->commit(n);
      at += n;
    }
    return static_cast<double>(seq->bytes());
  };
  const double plain = bytes("full", 0);
  EXPECT_LE(bytes("k:kivi(bits=2) | v:kivi(bits=2)", 0) / plain, 0.22);
  EXPECT_LE(bytes("h2o(budget=20%)", 0) / plain, 0.22);
  EXPECT_LE(bytes("h2o(budget=20%) | k:kivi(bits=2) | v:kivi(bits=2)", 0) / plain, 0.07);
  EXPECT_LE(bytes("h2o(budget=1400)", 600) / plain, 0.22);
  EXPECT_LE(bytes("h2o(budget=1400) | k:kivi(bits=2) | v:kivi(bits=2)", 600) / plain, 0.09);
}

}  // namespace
}  // namespace frugal
