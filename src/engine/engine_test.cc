// The engine's loop: company never changes an answer, requests end for the reason they should, and mistakes are refused
// before they reach the loop.
#include "engine/engine.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/error.h"

namespace frugal {
namespace {

using Ids = std::vector<int32_t>;

struct EngineTest : testing::Test {
  std::unique_ptr<Model> model =
      Model::open(std::string(FRUGAL_SOURCE_DIR) + "/tests/golden/stories260k/stories260K-f32.gguf");

  static RunnerOptions options(int max_rows = 64, int64_t cache_rows = 0) {
    RunnerOptions o;
    o.threads = 1;
    o.max_rows = max_rows;
    o.max_wanted = 16;
    o.max_cache_rows = cache_rows;
    return o;
  }
  static Ids prompt(int n, int seed) {
    Ids ids = {1};
    for (int i = 1; i < n; ++i) ids.push_back(3 + (i * 37 + seed * 101) % 500);
    return ids;
  }
  static Request request(Ids ids, int max_new, const char* sample = "greedy", uint64_t seed = 0) {
    Request r;
    r.prompt = std::move(ids);
    r.generation.max_new = max_new;
    r.generation.sample = sample;
    r.generation.seed = seed;
    return r;
  }
};

TEST_F(EngineTest, CompanyChangesNoAnswer) {
  std::vector<Request> requests;
  for (int i = 0; i < 7; ++i)
    requests.push_back(request(prompt(3 + 29 * i, i), 12 + 5 * i, i % 2 == 0 ? "greedy" : "temp(0.9) | top_p(0.95)",
                               40 + static_cast<uint64_t>(i)));
  std::vector<Answer> alone;
  {
    Engine engine(*model, nullptr, options());
    for (const Request& r : requests) alone.push_back(engine.generate(r));
  }
  for (int parallel : {2, 16})
    for (int max_rows : {16, 64}) {
      Engine engine(*model, nullptr, options(max_rows), parallel);
      std::vector<int64_t> ids;
      for (const Request& r : requests) ids.push_back(engine.submit(r));
      for (size_t i = ids.size(); i-- > 0;) {
        const Answer a = engine.wait(ids[i]);
        EXPECT_EQ(a.ids, alone[i].ids) << "request " << i << ", " << parallel << " in parallel, " << max_rows
                                       << " rows a step";
        EXPECT_EQ(a.finish, Finish::kLength);
        EXPECT_EQ(a.error, "");
        EXPECT_EQ(a.stats.new_tokens, requests[i].generation.max_new);
        EXPECT_EQ(a.stats.prompt_tokens, static_cast<int>(requests[i].prompt.size()));
      }
      EXPECT_EQ(engine.stats().active, 0);
    }
}

TEST_F(EngineTest, SeedsMakeSampledAnswers) {
  Engine engine(*model, nullptr, options());
  auto draw = [&](uint64_t seed) { return engine.generate(request(prompt(5, 1), 30, "temp(1.5)", seed)).ids; };
  const Ids first = draw(1);
  EXPECT_EQ(draw(1), first);
  EXPECT_NE(draw(2), first);
}

TEST_F(EngineTest, TokensArriveAsTheyAreMade) {
  Engine engine(*model, nullptr, options());
  Request r = request(prompt(70, 2), 9);  // longer than a step's 64 rows
  Ids seen;
  std::vector<Finish> ends;
  r.on_token = [&](const Token& t) {
    seen.push_back(t.id);
    ends.push_back(t.finish);
  };
  const Answer a = engine.generate(r);
  EXPECT_EQ(seen, a.ids);
  ASSERT_EQ(ends.size(), 9u);
  EXPECT_EQ(ends[7], Finish::kNone);
  EXPECT_EQ(ends[8], Finish::kLength);
  EXPECT_EQ(a.tokens.size(), 9u);
}

TEST_F(EngineTest, StopIdsEndAnAnswer) {
  Engine engine(*model, nullptr, options());
  const Answer whole = engine.generate(request(prompt(10, 3), 40));
  Request r = request(prompt(10, 3), 40);
  r.generation.stop_ids = {whole.ids[11], 511};
  const size_t first =
      static_cast<size_t>(std::find(whole.ids.begin(), whole.ids.end(), whole.ids[11]) - whole.ids.begin());
  const Answer a = engine.generate(r);
  EXPECT_EQ(a.finish, Finish::kStop);
  EXPECT_EQ(a.ids, Ids(whole.ids.begin(), whole.ids.begin() + static_cast<int64_t>(first) + 1));
}

TEST_F(EngineTest, ContextEndsAnAnswer) {
  Engine engine(*model, nullptr, options());
  const int context = static_cast<int>(model->config().context);
  ASSERT_EQ(context, 512);
  const Answer a = engine.generate(request(prompt(context - 5, 4), 1000));
  EXPECT_EQ(a.finish, Finish::kContext);
  EXPECT_EQ(a.ids.size(), 6u);  // five more rows fit, and the last token needs none
  EXPECT_THROW(engine.submit(request(prompt(context, 4), 1)), Error);
}

TEST_F(EngineTest, CancelledWhileRunningAndWhileWaiting) {
  Engine engine(*model, nullptr, options(), 1);  // one at a time: the second waits
  std::atomic<int> made{0};
  Request r = request(prompt(4, 5), 400);
  r.on_token = [&](const Token&) { ++made; };
  const int64_t running = engine.submit(r), waiting = engine.submit(request(prompt(4, 6), 400)),
                last = engine.submit(request(prompt(4, 7), 3));
  while (made < 5) std::this_thread::yield();
  engine.cancel(waiting);
  const Answer b = engine.wait(waiting);
  EXPECT_EQ(b.finish, Finish::kCancelled);
  EXPECT_TRUE(b.ids.empty());
  engine.cancel(running);
  engine.cancel(running);
  engine.cancel(987654);  // unknown: nothing happens
  const Answer a = engine.wait(running);
  EXPECT_GE(a.ids.size(), 5u);
  EXPECT_TRUE(a.finish == Finish::kCancelled || a.ids.size() == 400u);
  EXPECT_EQ(engine.wait(last).ids.size(), 3u);
}

TEST_F(EngineTest, GivingUpCancels) {
  Engine engine(*model, nullptr, options());
  std::atomic<int> made{0};
  Request r = request(prompt(4, 5), 500);
  r.on_token = [&](const Token&) {
    ++made;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  };
  const Answer a = engine.wait(engine.submit(r), [&] { return made > 3; });
  EXPECT_EQ(a.finish, Finish::kCancelled);
  EXPECT_LT(a.ids.size(), 500u);
}

TEST_F(EngineTest, EndsCleanlyWithWorkLeft) {
  Engine engine(*model, nullptr, options(), 2);
  for (int i = 0; i < 5; ++i) engine.submit(request(prompt(50, i), 400));
}

// Room for 96 rows: requests take turns, and each that fits is answered in full.
TEST_F(EngineTest, FullPoolMakesRequestsWait) {
  std::vector<Request> requests;
  for (int i = 0; i < 6; ++i) requests.push_back(request(prompt(40, i), 20));
  Engine roomy(*model, nullptr, options()), narrow(*model, nullptr, options(64, 96));
  std::vector<int64_t> ids;
  for (const Request& r : requests) ids.push_back(narrow.submit(r));
  std::vector<Answer> answers;
  for (int64_t id : ids) answers.push_back(narrow.wait(id));
  for (size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i].finish, Finish::kLength) << i;
    EXPECT_EQ(answers[i].ids, roomy.generate(requests[i]).ids) << i;
  }
  EXPECT_EQ(narrow.stats().cache_bytes, 0u);  // nothing keeps rows after the answer
}

TEST_F(EngineTest, TooLargeForThePool) {
  Engine engine(*model, nullptr, options(64, 64));
  const Answer never = engine.generate(request(prompt(100, 1), 5));
  EXPECT_EQ(never.finish, Finish::kContext);
  EXPECT_TRUE(never.ids.empty());
  const Answer cut = engine.generate(request(prompt(60, 1), 50));
  EXPECT_EQ(cut.finish, Finish::kContext);
  EXPECT_EQ(cut.ids.size(), 5u);
}

TEST_F(EngineTest, ContinuesFromAKeptCache) {
  Engine engine(*model, nullptr, options());
  Request first = request(prompt(20, 8), 10);
  first.keep_cache = true;
  const Answer a = engine.generate(first);
  ASSERT_NE(a.cache, nullptr);
  EXPECT_EQ(a.cache->length(), 29);
  Ids longer = first.prompt;
  longer.insert(longer.end(), a.ids.begin(), a.ids.end());
  const Ids more = prompt(7, 9);
  longer.insert(longer.end(), more.begin(), more.end());
  const Ids fresh = engine.generate(request(longer, 12)).ids;
  Request second = request(longer, 12);
  second.cache = a.cache;
  EXPECT_EQ(engine.generate(second).ids, fresh);
  Request again = request(longer, 12);  // the cache holds more than the prompt now
  again.cache = a.cache;
  EXPECT_EQ(engine.generate(again).ids, fresh);
  EXPECT_EQ(engine.generate(request(prompt(5, 1), 2)).cache, nullptr);
}

TEST_F(EngineTest, MoreRequestsThanRowsInAStep) {
  Engine engine(*model, nullptr, options(4), 12);
  std::vector<int64_t> ids;
  for (int i = 0; i < 12; ++i) ids.push_back(engine.submit(request(prompt(6, i), 15)));
  std::vector<Answer> answers;
  for (int64_t id : ids) answers.push_back(engine.wait(id));
  Engine alone(*model, nullptr, options());  // only now: engines of one model take turns
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(answers[static_cast<size_t>(i)].error, "");
    EXPECT_EQ(answers[static_cast<size_t>(i)].ids, alone.generate(request(prompt(6, i), 15)).ids) << i;
  }
}

TEST_F(EngineTest, MistakesAreRefused) {
  Engine engine(*model, nullptr, options());
  EXPECT_THROW(engine.submit(request({}, 5)), Error);
  EXPECT_THROW(engine.submit(request({1, 512}, 5)), Error);
  EXPECT_THROW(engine.submit(request({1, -1}, 5)), Error);
  EXPECT_THROW(engine.submit(request({1}, 5, "temp(")), Error);
  EXPECT_THROW(engine.submit(request({1}, 5, "no_such_sampler")), Error);
  EXPECT_THROW(engine.wait(77), Error);
  const int64_t id = engine.submit(request({1}, 2));
  engine.wait(id);
  EXPECT_THROW(engine.wait(id), Error);  // each once
  RunnerOptions wrong = options();
  wrong.kv = "q9";
  EXPECT_THROW(Engine(*model, nullptr, wrong), Error);
}

// A client that throws loses its own answer only.
TEST_F(EngineTest, ThrowingClientHurtsNobodyElse) {
  Engine engine(*model, nullptr, options());
  const Ids expected = engine.generate(request(prompt(9, 2), 30)).ids;
  Request bad = request(prompt(9, 1), 30);
  bad.on_token = [n = 0](const Token&) mutable {
    if (++n == 3) throw std::runtime_error("client went away");
  };
  const int64_t good_id = engine.submit(request(prompt(9, 2), 30)), bad_id = engine.submit(bad);
  EXPECT_EQ(engine.wait(good_id).ids, expected);
  const Answer a = engine.wait(bad_id);
  EXPECT_EQ(a.finish, Finish::kCancelled);
  EXPECT_NE(a.error.find("client went away"), std::string::npos);
  EXPECT_EQ(engine.generate(request(prompt(9, 2), 30)).ids, expected);
}

}  // namespace
}  // namespace frugal
