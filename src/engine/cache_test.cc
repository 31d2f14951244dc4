// Every cache unit there is, combined two by two: generated from the registry, so that a new one joins by registering.
// A pair works, and its answers do not depend on how the rows were fed; or it is refused for one of the reasons known
// here. And what has room for everything answers as the plain cache does.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "engine/cache_specs.h"
#include "engine/engine.h"
#include "engine/score.h"
#include "io/model_config.h"

namespace frugal {
namespace {

using namespace testkit;

const std::string kCacheStories = std::string(FRUGAL_SOURCE_DIR) + "/tests/golden/stories260k/stories260K-f32.gguf";
const std::string kCacheSmol = std::string(FRUGAL_SOURCE_DIR) + "/models/SmolLM2-135M-Instruct.Q4_1.gguf";

struct CacheMatrix : testing::Test {
  std::unique_ptr<Model> model = Model::open(kCacheStories);
  std::unique_ptr<Tokenizer> tokenizer = make_tokenizer(read_tokenizer(model->file()));
  std::string story =
      "Once upon a time there was a little girl named Lily. She loved to play in the park with her red ball. One day ";

  Answer answer(const std::string& kv, int max_rows, int prompts, Compute compute = Compute::kAuto) {
    RunnerOptions o;
    o.threads = 1;
    o.max_rows = max_rows;
    o.compute = compute;
    o.kv = kv;
    Engine engine(*model, tokenizer.get(), o);
    std::vector<int64_t> ids;
    for (int i = 0; i < prompts; ++i) {
      Request r;
      r.prompt = tokenizer->encode(i == 0 ? story + story + story : story + story);
      r.generation.max_new = 70;
      ids.push_back(engine.submit(std::move(r)));
    }
    std::vector<Answer> all;
    for (int64_t id : ids) all.push_back(engine.wait(id));
    return all[0];
  }
};

TEST_F(CacheMatrix, EveryPairWorksOrSaysWhyNot) {
  int refused = 0, worked = 0;
  for (const std::string& spec : pairwise()) {
    SCOPED_TRACE(spec);
    Answer whole;
    try {
      whole = answer(spec, 256, 1);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kUsage);
      EXPECT_TRUE(known_reason(e.what())) << e.what();
      ++refused;
      continue;
    }
    ++worked;
    EXPECT_EQ(whole.error, "");
    EXPECT_EQ(whole.ids.size(), 70u);
    EXPECT_EQ(answer(spec, 40, 2).ids, whole.ids) << "in chunks, beside another sequence";
  }
  EXPECT_GT(worked, 4 * refused);
}

// Through the policies' machinery, with room for prompt and answer.
TEST_F(CacheMatrix, RoomForAllIsThePlainCache) {
  for (const auto& [compute, cache] : {std::pair{Compute::kF32, "f32"}, {Compute::kAuto, "f16"}}) {
    const auto expected = answer(cache, 256, 1, compute);
    for (const std::string& policy : units("policy", "500"))
      for (const char* layout : {"", " | ragged"}) {
        if (policy == "full" && *layout == '\0') continue;
        EXPECT_EQ(answer(policy + layout + " | " + cache, 256, 1, compute).ids, expected.ids)
            << policy << layout << " " << cache;
      }
  }
}

TEST_F(CacheMatrix, RoomForAllOnTheDefaultModel) {
  if (!std::filesystem::exists(kCacheSmol)) GTEST_SKIP() << "no default model: make setup fetches it";
  model = Model::open(kCacheSmol);
  tokenizer = make_tokenizer(read_tokenizer(model->file()));
  const auto expected = answer("f16", 256, 1);
  for (const std::string& policy : units("policy", "500"))
    EXPECT_EQ(answer(policy + " | ragged", 256, 1).ids, expected.ids) << policy;
}

// Scoring runs the decode path: rows fed together between events, one by one, and with a prompt in chunks are the same.
TEST_F(CacheMatrix, ScoresDoNotDependOnTheStep) {
  const auto ids = tokenizer->encode(story + story + story + story);
  for (const char* kv : {"h2o(budget=64)", "streaming(sink=4,window=60)",
                         "h2o(budget=64,every=1) | k:kivi(residual=32) | v:kivi(residual=32)"}) {
    std::vector<std::vector<double>> found;
    for (int wanted : {1, 7, 128}) {
      RunnerOptions o;
      o.threads = 1;
      o.max_rows = o.max_wanted = wanted;
      o.kv = kv;
      Runner runner(*model, o);
      found.push_back(score_tokens(runner, ids, 99));
    }
    EXPECT_EQ(found[0], found[1]) << kv;
    EXPECT_EQ(found[0], found[2]) << kv;
  }
}

// Token by token what a restatement in float64 gives, at several budgets, for a whole model.
TEST_F(CacheMatrix, ScoresAreTheRestatements) {
  std::ifstream in(std::string(FRUGAL_SOURCE_DIR) + "/tests/golden/stories260k/caches.json");
  const auto golden = nlohmann::json::parse(in);
  const auto ids = golden["ids"].get<std::vector<int32_t>>();
  for (const auto& [spec, nlls] : golden["nlls"].items()) {
    RunnerOptions o;
    o.threads = 1;
    o.compute = Compute::kF32;
    o.kv = spec + " | f32";
    Runner runner(*model, o);
    const auto found = score_tokens(runner, ids, golden["prefix"].get<int64_t>() - 1);
    const auto expected = nlls.get<std::vector<double>>();
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], expected[i], 2e-4) << spec << ", token " << i;
  }
}

}  // namespace
}  // namespace frugal
