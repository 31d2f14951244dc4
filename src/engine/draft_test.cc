// The engine with drafters: greedy answers token for token those without one, whoever shares the batch; sampled answers
// of the same distribution, and of point-mass drafters the very same ones; stops, text and log-probabilities as
// without.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/log.h"
#include "base/sanitized.h"
#include "decode/draft/vocabulary.h"
#include "decode/rest/store.h"
#include "engine/cache_specs.h"
#include "engine/engine.h"
#include "io/model_config.h"

namespace frugal {
namespace {

using DraftIds = std::vector<int32_t>;
const std::string kStories = std::string(FRUGAL_SOURCE_DIR) + "/tests/golden/stories260k/stories260K-f32.gguf";
const std::string kSmol = std::string(FRUGAL_SOURCE_DIR) + "/models/SmolLM2-135M-Instruct.Q4_1.gguf";

// Trees of random tokens, and now and then an exception: whatever a drafter does, answers stay as they are.
class Noise : public Drafter {
 public:
  int most_depth() const override { return 6; }
  void propose(std::span<DraftSequence* const> seqs) override {
    for (DraftSequence* s : seqs) {
      for (uint32_t n = random_.bits() % 20; n > 0; --n) {
        const int parent = static_cast<int>(random_.bits() % static_cast<uint32_t>(s->tree.size()));
        s->tree.add(parent, {static_cast<int32_t>(random_.bits() % 512)});
      }
      if (random_.bits() % 8 == 0) throw std::runtime_error("this drafter fails at times");
    }
  }

 private:
  Stream random_ = stream(5, 0, Purpose::kTest);
};
const Register<MakeDrafter> kNoise({.kind = "draft", .name = "noise", .help = "for tests"},
                                   [](const Args&, const DraftTarget&) { return std::make_unique<Noise>(); });

// Every kind of drafter, as a spec for the model in that file.
std::vector<std::string> drafters(const std::string& path, const std::string& store) {
  return {"ngram(n=3,k=8)",
          "noise",
          "rest(store=\"" + store + "\",length=6)",
          "tree(of=[rest(store=\"" + store + "\"),model(layers=3)],widths=[2,2])",
          "ngram(k=auto)",
          "model(layers=3,k=4)",
          "model(path=\"" + path + "\",k=5,kv=q8)",
          "self(kv=q8,k=4)",
          "tree(of=[self(kv=q8)],widths=[3,2,1])",
          "tree(of=[self(kv=q8)],widths=[2,2],replace=false)",
          "tree(of=[ngram(n=2,k=5),model(layers=2),self(kv=f16)],widths=[2,1,1])"};
}

RunnerOptions draft_options(Compute compute, const char* kv) {
  RunnerOptions o;
  o.threads = 1;
  o.max_rows = 96;
  o.max_wanted = 64;
  o.compute = compute;
  o.kv = kv;
  return o;
}

struct DraftTest : testing::Test {
  std::unique_ptr<Model> model = Model::open(kStories);
  std::unique_ptr<Tokenizer> tokenizer = make_tokenizer(read_tokenizer(model->file()));

  std::string store =
      (std::filesystem::temp_directory_path() / fmt::format("frugal_draft_{}.store", getpid())).string();

  void SetUp() override {
    set_log_level(LogLevel::kError);  // noise fails on purpose
    RestBuilder builder(tokenizer->size(), fingerprint(*tokenizer));
    builder.add(
        tokenizer->encode("Once upon a time there was a little girl. She loved to play in the park with her mom. One "
                          "day, a cat sat on the mat."));
    builder.write(store);
  }
  void TearDown() override {
    set_log_level(LogLevel::kInfo);
    std::filesystem::remove(store);
  }

  Request request(const std::string& text, int max_new, const char* sample = "greedy", uint64_t seed = 0) const {
    Request r;
    r.prompt = tokenizer->encode(text);
    r.generation.max_new = max_new;
    r.generation.sample = sample;
    r.generation.seed = seed;
    return r;
  }
  // Prompts of several lengths; some of them repeat themselves.
  std::vector<Request> requests(const char* sample = "greedy") const {
    const std::string story = "Once upon a time there was a little girl named Lily. She loved to play in the park. ";
    std::vector<Request> list = {request("Once", 60, sample, 1), request(story + story, 70, sample, 2),
                                 request("The cat sat. The cat sat. The", 50, sample, 3),
                                 request(story + "Lily said", 40, sample, 4), request("One day, a dog", 1, sample, 5)};
    return list;
  }
  static std::vector<Answer> answers(Engine& engine, const std::vector<Request>& requests) {
    std::vector<int64_t> ids;
    for (const Request& r : requests) ids.push_back(engine.submit(r));
    std::vector<Answer> list;
    for (int64_t id : ids) list.push_back(engine.wait(id));
    return list;
  }
};

TEST_F(DraftTest, GreedyAnswersAreTheSame) {
  for (const Compute compute : {Compute::kF32, Compute::kAuto})
    for (const char* kv : {"f32", "full", "q8"}) {
      Engine plain(*model, nullptr, draft_options(compute, kv));
      const auto expected = answers(plain, requests());
      for (const std::string& spec : drafters(kStories, store)) {
        SCOPED_TRACE(spec + " over " + kv);
        Engine engine(*model, nullptr, draft_options(compute, kv), 16, spec);
        const auto found = answers(engine, requests());
        for (size_t i = 0; i < found.size(); ++i) {
          EXPECT_EQ(found[i].error, "");
          EXPECT_EQ(found[i].ids, expected[i].ids) << "request " << i;
          EXPECT_EQ(found[i].finish, expected[i].finish);
          EXPECT_LE(found[i].stats.steps, expected[i].stats.steps);
        }
        EXPECT_EQ(engine.stats().cache_bytes, 0u);
      }
    }
}

// Policies and codecs of the catalogue as short of room as they can be, so that their events fall into answers.
std::vector<std::string> tight_caches() {
  std::vector<std::string> specs = {"kivi(bits=2,residual=32)", "k:kivi(bits=4,residual=32)"};
  for (const MethodInfo* m : catalogue("kv")) {
    if (m->role != "policy" || m->name == "full") continue;
    auto has = [&](const char* name) {
      return std::any_of(m->params.begin(), m->params.end(), [&](const ParamInfo& p) { return p.name == name; });
    };
    specs.push_back(m->name + (has("budget") ? "(budget=64)" : "(window=60)"));
    if (m->name == "h2o") specs.emplace_back("h2o(budget=64) | k:kivi(bits=2,residual=32) | L0:full");
  }
  return specs;
}

TEST_F(DraftTest, GreedyAnswersAreTheSameUnderCompression) {
  std::string text;
  while (tokenizer->encode(text).size() < 300)
    text += "Once upon a time there was a little cat. The cat sat on the mat and saw a red ball in the park. ";
  const std::vector<Request> list = {request(text, 70), request(text.substr(0, text.size() / 2), 70)};
  for (const std::string& kv : tight_caches()) {
    Engine plain(*model, nullptr, draft_options(Compute::kAuto, kv.c_str()));
    const auto expected = answers(plain, list);
    for (const std::string& spec : drafters(kStories, store)) {
      Engine engine(*model, nullptr, draft_options(Compute::kAuto, kv.c_str()), 16, spec);
      const auto found = answers(engine, list);
      for (size_t i = 0; i < found.size(); ++i)
        EXPECT_EQ(found[i].ids, expected[i].ids) << spec << " over " << kv << ", request " << i << found[i].error;
    }
  }
}

// Every policy, codec of keys and of values, layout and drafter there is, each with each. Minutes: `make nightly`.
TEST_F(DraftTest, FullProduct) {
  if (std::getenv("FRUGAL_NIGHTLY") == nullptr) GTEST_SKIP() << "only with FRUGAL_NIGHTLY=1: make nightly";
  std::string text;
  while (tokenizer->encode(text).size() < 110) text += "Once upon a time there was a little cat. The cat sat. ";
  const std::vector<Request> list = {request(text, 70), request(text.substr(0, text.size() / 2), 70)};
  int refused = 0, compared = 0;
  for (const std::string& kv : testkit::full_product()) {
    std::vector<Answer> expected;
    try {
      Engine plain(*model, nullptr, draft_options(Compute::kAuto, kv.c_str()));
      expected = answers(plain, list);
    } catch (const Error& e) {
      EXPECT_TRUE(testkit::known_reason(e.what())) << kv << ": " << e.what();
      ++refused;
      continue;
    }
    for (const std::string& spec : drafters(kStories, store)) {
      Engine engine(*model, nullptr, draft_options(Compute::kAuto, kv.c_str()), 16, spec);
      const auto found = answers(engine, list);
      ++compared;
      for (size_t i = 0; i < found.size(); ++i)
        EXPECT_EQ(found[i].ids, expected[i].ids) << spec << " over " << kv << ", request " << i << found[i].error;
    }
  }
  std::printf("%d pairs of cache and drafter compared, %d caches refused\n", compared, refused);
  EXPECT_GT(compared, refused);
}

TEST_F(DraftTest, PointMassesLeaveSampledAnswersAsTheyAre) {
  for (const char* sample :
       {"temp(0.9) | top_p(0.95)", "repetition(1.2) | temp(1.3)", "presence | frequency | temp(0.7)"}) {
    Engine plain(*model, nullptr, draft_options(Compute::kAuto, "full")),
        engine(*model, nullptr, draft_options(Compute::kAuto, "full"), 16, "ngram(n=2,k=6)");
    const auto expected = answers(plain, requests(sample)), found = answers(engine, requests(sample));
    for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].ids, expected[i].ids) << sample << ", request " << i;
  }
}

// A drafter that is the target has every draft accepted; k + 1 tokens come of each step.
TEST_F(DraftTest, TheTargetAsItsOwnDrafter) {
  for (const char* sample : {"greedy", "temp(1) | top_p(0.9)", "repetition(1.3) | temp(0.8)"}) {
    Engine engine(*model, nullptr, draft_options(Compute::kF32, "f32"), 16, "self(kv=f32,k=4)");
    const Answer a = engine.generate(request("Once upon a time", 51, sample, 3));
    EXPECT_EQ(a.stats.accepted, a.stats.tested) << sample;
    EXPECT_EQ(a.stats.steps, 11) << sample;  // one token of the prompt, then ten times five
  }
}

// Two runners of one model, one team: each keeps its own logits.
TEST_F(DraftTest, RunnersOfOneModelShareNoBuffers) {
  RunnerOptions o = draft_options(Compute::kF32, "f32");
  Runner a(*model, o);
  o.team = a.shared_team();
  Runner b(*model, o);
  auto of_a = a.sequence(), of_b = b.sequence();
  ASSERT_TRUE(of_a->reserve(1) && of_b->reserve(1));
  const DraftIds first = {1}, second = {7};
  const float* logits = a.forward(chain(*of_a, first, 1));
  const std::vector<float> copy(logits, logits + a.vocab());
  const float* other = b.forward(chain(*of_b, second, 1));
  EXPECT_NE(other, logits);
  EXPECT_TRUE(std::equal(copy.begin(), copy.end(), logits));
  EXPECT_FALSE(std::equal(copy.begin(), copy.end(), other));
  EXPECT_EQ(&a.team(), &b.team());
}

TEST_F(DraftTest, StopsTextAndLogprobsInsideAnAcceptedRun) {
  Engine plain(*model, tokenizer.get(), draft_options(Compute::kF32, "f32"));
  Engine engine(*model, tokenizer.get(), draft_options(Compute::kF32, "f32"), 16, "self(kv=f32,k=7)");
  const Answer whole = plain.generate(request("Once upon a time", 40));
  for (int length = 1; length <= 20; ++length) {  // max_new at every place of a run
    const Answer a = engine.generate(request("Once upon a time", length));
    EXPECT_EQ(a.ids, DraftIds(whole.ids.begin(), whole.ids.begin() + length));
    EXPECT_EQ(a.finish, Finish::kLength);
  }
  for (size_t at = 0; at < 20; ++at) {
    Request r = request("Once upon a time", 40);
    r.generation.stop_ids = {whole.ids[at]};
    r.generation.logprobs = 3;
    r.keep_cache = true;
    std::string text;
    r.on_token = [&](const Token& t) { text += t.text; };
    const Answer a = engine.generate(r), b = plain.generate(r);
    EXPECT_EQ(a.ids, b.ids);
    EXPECT_EQ(a.text, b.text);
    EXPECT_EQ(text, a.text + b.text);
    EXPECT_EQ(a.cache->length(), b.cache->length());
    ASSERT_EQ(a.tokens.size(), b.tokens.size());
    for (size_t i = 0; i < a.tokens.size(); ++i) {
      EXPECT_EQ(a.tokens[i].logprob, b.tokens[i].logprob);
      EXPECT_EQ(a.tokens[i].top[2].id, b.tokens[i].top[2].id);
    }
    Request stop = request("Once upon a time", 40);
    stop.generation.stop = {whole.text.substr(3 * at, 4)};
    const Answer c = engine.generate(stop), d = plain.generate(stop);
    EXPECT_EQ(c.text, d.text);
    EXPECT_EQ(c.ids, d.ids);
  }
}

// The context ends inside a draft, the cache serves another turn afterwards, the pool is too small for drafts.
TEST_F(DraftTest, EdgesOfContextAndPool) {
  Engine plain(*model, nullptr, draft_options(Compute::kF32, "f32")),
      engine(*model, nullptr, draft_options(Compute::kF32, "f32"), 16, "tree(of=[self(kv=f32)],widths=[2,1,1,1])");
  DraftIds prompt = {1};
  for (int i = 1; i < 500; ++i) prompt.push_back(3 + (i * 37) % 500);
  Request r;
  r.prompt = prompt;
  r.generation.max_new = 1000;
  EXPECT_EQ(engine.generate(r).ids, plain.generate(r).ids);
  Request first = request("Once upon a time", 30);
  first.keep_cache = true;
  const Answer a = engine.generate(first);
  Request second = first;
  second.prompt.insert(second.prompt.end(), a.ids.begin(), a.ids.end());
  const Answer fresh = plain.generate(second);
  second.cache = a.cache;
  EXPECT_EQ(engine.generate(second).ids, fresh.ids);
  RunnerOptions narrow = draft_options(Compute::kF32, "f32");
  narrow.max_cache_rows = 128;
  Engine small(*model, nullptr, narrow, 16, "self(kv=f32,k=8)");
  const auto expected = answers(plain, requests()), found = answers(small, requests());
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i].finish == Finish::kContext) continue;  // one that needs more than there is
    EXPECT_EQ(found[i].ids, expected[i].ids) << i;
  }
}

// The first two tokens over many seeds against their exact law, with draws that are really rejected and redrawn.
TEST_F(DraftTest, SampledAnswersFollowTheTarget) {
  const Request base = request("Once upon a time there", 2, "temp(1.4) | top_k(4)");
  Runner runner(*model, draft_options(Compute::kF32, "f32"));
  auto seq = runner.sequence();
  auto law = make_sampler(base.generation.sample, 0);
  const size_t vocab = static_cast<size_t>(runner.vocab());
  auto distribution = [&](const DraftIds& ids) {
    seq->truncate(0);
    EXPECT_TRUE(seq->reserve(static_cast<int64_t>(ids.size())));
    return law->distribution({runner.forward(chain(*seq, ids, 1)), vocab}).tokens;
  };
  std::map<std::pair<int32_t, int32_t>, double> expected;
  for (const TokenProbability& a : distribution(base.prompt)) {
    DraftIds ids = base.prompt;
    ids.push_back(a.id);
    for (const TokenProbability& b : distribution(ids))
      expected[{a.id, b.id}] = static_cast<double>(a.p) * static_cast<double>(b.p);
  }
  for (const char* spec : {"model(layers=3,k=1)", "tree(of=[model(layers=3)],widths=[3])",
                           "tree(of=[model(layers=4),model(layers=2)],widths=[2],replace=false)"}) {
    Engine engine(*model, nullptr, draft_options(Compute::kF32, "f32"), 16, spec);
    std::map<std::pair<int32_t, int32_t>, double> count;
    constexpr int kRuns = 4000;
    int tested = 0, accepted = 0;
    for (int at = 0; at < kRuns; at += 16) {
      std::vector<Request> batch(16, base);
      for (size_t i = 0; i < batch.size(); ++i)
        batch[i].generation.seed = static_cast<uint64_t>(at) + i, batch[i].generation.max_new = 3;
      for (const Answer& a : answers(engine, batch)) {
        ++count[{a.ids[0], a.ids[1]}];
        tested += a.stats.tested, accepted += a.stats.accepted;
      }
    }
    double x = 0;
    for (const auto& [pair, p] : expected) x += std::pow(count[pair] - kRuns * p, 2) / (kRuns * p);
    EXPECT_EQ(count.size(), expected.size()) << spec;
    EXPECT_LT(x, 37.7) << spec;  // chi-squared of 15 degrees of freedom, p = 0.001
    EXPECT_GT(accepted, 0);
    EXPECT_LT(accepted, tested);
  }
}

TEST_F(DraftTest, MistakesAreRefused) {
  auto refuse = [&](const std::string& spec, const char* because) {
    try {
      Engine engine(*model, tokenizer.get(), draft_options(Compute::kF32, "f32"), 16, spec);
      ADD_FAILURE() << spec << " was taken";
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(because), std::string::npos) << e.what();
    }
  };
  refuse("ngramm(n=3)", "did you mean 'ngram'");
  refuse("ngram(n=0)", "expected a whole number from 1 to 64");
  refuse("ngram(n=3) | ngram(n=2)", "expected one drafter");
  refuse("model(k=3)", "found neither of path and layers");
  refuse("model(layers=99)", "expected 1 to 5");
  refuse("model(path=/no/such/file)", "/no/such/file");
  refuse("model(path=\"" + std::string(FRUGAL_SOURCE_DIR) + "/tests/golden/families/gemma3\")", "expected the same");
  refuse("self(kv=q9)", "did you mean 'q8'");
  refuse("tree(of=[])", "expected 1 to 8");
  refuse("tree(of=[ngram],widths=[0])", "expected whole numbers");
  refuse("tree(of=[tree(of=[ngram])])", "found a tree in of");
}

// On the default model, when it is there: two prompts side by side, in the exact form and in the default one.
TEST(DraftSmol, GreedyAnswersAreTheSame) {
  if (!std::filesystem::exists(kSmol)) GTEST_SKIP() << "no default model: make setup fetches it";
  auto model = Model::open(kSmol);
  const auto tokenizer = make_tokenizer(read_tokenizer(model->file()));
  std::vector<Request> requests(2);
  requests[0].prompt = tokenizer->encode("List the planets of the solar system. List the planets of the");
  requests[1].prompt = tokenizer->encode("def add(a, b):\n    return a + b\n\ndef sub(a, b):\n");
  for (Request& r : requests) r.generation.max_new = kSanitized ? 8 : 24;
  for (const bool exact : {false, true}) {
    RunnerOptions o = draft_options(exact ? Compute::kF32 : Compute::kAuto, exact ? "f32" : "full");
    o.threads = 2;
    Engine plain(*model, nullptr, o);
    const auto expected = DraftTest::answers(plain, requests);
    for (const char* spec : {"ngram(n=3,k=8)", "self(kv=q8,k=3)", "model(layers=20,k=3)",
                             "tree(of=[ngram,model(layers=20)],widths=[2,1])"}) {
      Engine engine(*model, nullptr, o, 16, spec);
      const auto found = DraftTest::answers(engine, requests);
      for (size_t i = 0; i < found.size(); ++i)
        EXPECT_EQ(found[i].ids, expected[i].ids) << spec << ", request " << i << (exact ? " f32" : "");
    }
  }
}

}  // namespace
}  // namespace frugal
