// Probes and reports: that a probe's figures are the decode path's own, that retrieval prompts hold what they ask for
// where they should, and that a report shows every row.
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "engine/score.h"
#include "measure/plot.h"
#include "measure/report.h"

namespace frugal {
namespace {

struct Stories {
  std::unique_ptr<Model> model =
      Model::open(std::string(FRUGAL_SOURCE_DIR) + "/tests/golden/stories260k/stories260K-f32.gguf");
  std::unique_ptr<Tokenizer> tokenizer = make_tokenizer(read_tokenizer(model->file()));
  RunnerOptions options{.threads = 2, .compute = Compute::kF32, .kv = "f32"};
};

const char* const kStory =
    "Once upon a time there was a little girl named Lily. She loved to play outside in the park. One day, she saw a "
    "big, red ball.";

TEST(Probe, GreedyDecodingWritesWhatIsExact) {
  Stories s;
  Runner runner(*s.model, s.options);
  Engine engine(*s.model, s.tokenizer.get(), s.options);
  Request r;
  r.prompt = s.tokenizer->encode("Once upon a time");
  r.generation.max_new = 12;
  Probe probe{r.prompt, engine.generate(std::move(r)).ids, ""};
  EXPECT_TRUE(run_probe(runner, probe).exact);
  probe.answer[7] = (probe.answer[7] + 1) % 512;
  EXPECT_FALSE(run_probe(runner, probe).exact);
}

TEST(Probe, NllIsThatOfTheDecodePath) {
  Stories s;
  Runner runner(*s.model, s.options);
  const std::vector<int32_t> ids = s.tokenizer->encode(kStory);
  const std::vector<double> nlls = score_tokens(runner, ids);
  const size_t cut = ids.size() - 9;
  double expected = 0;
  for (size_t i = cut; i < ids.size(); ++i) expected += nlls[i - 1] / 9;
  const Probe probe{{ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(cut)},
                    {ids.begin() + static_cast<std::ptrdiff_t>(cut), ids.end()},
                    ""};
  EXPECT_NEAR(run_probe(runner, probe).nll, expected, 1e-12);
}

// The prompt is compressed at its end: a cache that forgets changes the answer's likelihood, and score_text sees the
// same.
TEST(Probe, AndScoreCompressWhereThePromptEnds) {
  Stories s;
  s.options.kv = "streaming(sink=1,window=8)";
  Runner small(*s.model, s.options);
  s.options.kv = "f32";
  Runner full(*s.model, s.options);
  const std::vector<int32_t> ids = s.tokenizer->encode(kStory);
  const int64_t cut = static_cast<int64_t>(ids.size()) - 9;
  const Probe probe{{ids.begin(), ids.begin() + cut}, {ids.begin() + cut, ids.end()}, ""};
  const double forgets = run_probe(small, probe).nll;
  EXPECT_GT(std::fabs(forgets - run_probe(full, probe).nll), 1e-3);
  const ScoreResult r = score_text(small, &full, ids, cut);
  EXPECT_EQ(r.scored_tokens, 9);
  EXPECT_NEAR(r.nll(), forgets, 1e-12);
  EXPECT_NEAR(r.kl[0], 0, 1e-6) << "the first token follows from the whole prompt";
  EXPECT_GT(r.kl[1], 1e-6) << "the next one does not";
}

TEST(Probe, IntervalIsWilsons) {
  TaskScore s;
  for (int i = 0; i < 10; ++i) s.add({1.0, i < 8});
  EXPECT_NEAR(s.interval().first, 0.4902, 1e-4);
  EXPECT_NEAR(s.interval().second, 0.9433, 1e-4);
  EXPECT_EQ(s.nll(), 1.0);
}

TEST(Probe, RetrievalPromptsHoldTheAnswerAtTheirDepth) {
  Stories s;
  RetrievalOptions o{.lengths = {400, 900}, .depths = {0, 0.5, 1}, .repeats = 2, .seed = 3};
  for (const auto& make : {needle_probes, key_value_probes}) {
    const auto probes = make(*s.tokenizer, o);
    ASSERT_EQ(probes.size(), 12u);
    for (size_t i = 0; i < probes.size(); ++i) {
      const Probe& p = probes[i];
      const auto length = o.lengths[i / 6];
      EXPECT_LE(static_cast<int64_t>(p.prompt.size()), length + 8);
      EXPECT_GE(static_cast<double>(p.prompt.size()), 0.85 * static_cast<double>(length));
      const std::string text = s.tokenizer->decode(p.prompt), answer = s.tokenizer->decode(p.answer);
      const std::string number = answer.substr(answer.find_first_of("0123456789"), 5);
      const size_t at = text.find(number);
      ASSERT_NE(at, std::string::npos) << text << " | " << answer;
      EXPECT_EQ(text.find(number, at + 1), std::string::npos) << "the answer stands once";
      EXPECT_NEAR(static_cast<double>(at) / static_cast<double>(text.size()), o.depths[i / 2 % 3], 0.3);
    }
    EXPECT_EQ(make(*s.tokenizer, o)[5].prompt, probes[5].prompt) << "the seed decides";
    EXPECT_NE(probes[4].prompt, probes[5].prompt);
  }
  EXPECT_THROW(needle_probes(*s.tokenizer, {.depths = {1.5}}), Error);
  EXPECT_THROW(needle_probes(*s.tokenizer, {.lengths = {8}}), Error);
}

TEST(Probe, QuestionsSayWhichLineIsWrong) {
  Stories s;
  EXPECT_EQ(
      read_probes(*s.tokenizer, "{\"prompt\": \"One\", \"answer\": \" day\", \"category\": \"a\"}\n\n")[0].category,
      "a");
  EXPECT_EQ(
      read_choices(*s.tokenizer, "{\"prompt\": \"One\", \"choices\": [\" day\", \" cat\"], \"answer\": 1}")[0].right,
      1u);
  try {
    read_probes(*s.tokenizer, "{\"prompt\": \"One\", \"answer\": \" day\"}\n{\"prompt\": 1}\n");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("line 2"), std::string::npos) << e.what();
  }
  for (const char* wrong : {"{\"prompt\": \"a\", \"choices\": [\"b\"], \"answer\": 0}",
                            "{\"prompt\": \"a\", \"choices\": [\"b\", \"c\"], \"answer\": 2}", "[]", "{"})
    EXPECT_THROW(read_choices(*s.tokenizer, wrong), Error) << wrong;
}

TEST(Answers, RepetitionIsAFifthOfRunsOfEight) {
  std::vector<int32_t> ids(100);
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>(i);
  EXPECT_FALSE(repeats_itself(ids));
  for (size_t i = 70; i < ids.size(); ++i) ids[i] = ids[i - 70];
  EXPECT_TRUE(repeats_itself(ids));
  EXPECT_FALSE(repeats_itself({}));
}

TEST(Answers, AreWhatTheEngineGivesAndAddUp) {
  Stories s;
  Engine engine(*s.model, s.tokenizer.get(), s.options, 1);
  const auto cases = read_prompts(
      "{\"prompt\": \"Once upon a time\", \"category\": \"x\"}\n{\"turns\": [\"Lily\", \"Ben\"], \"category\": "
      "\"y\"}\n");
  int seen = 0;
  const AnswersResult r = measure_answers(engine, *s.tokenizer, nullptr, cases, {.max_new = 6}, [&] { ++seen; });
  EXPECT_EQ(seen, 3);
  EXPECT_EQ(r.all.answers, 3);
  EXPECT_EQ(r.by_category.at("y").all.answers, 2);
  EXPECT_EQ(r.all.new_tokens, r.by_category.at("x").all.new_tokens + r.by_category.at("y").all.new_tokens);
  EXPECT_DOUBLE_EQ(r.all.accepted_per_step(), 1.0);
  EXPECT_GT(r.all.predicted_tok_s(), 0);
  EXPECT_THROW(read_prompts("{\"prompt\": 3}"), Error);
  EXPECT_THROW(read_prompts(""), Error);
}

TEST(Compare, RefusedPairsAreRowsWithTheirReason) {
  Stories s;
  CompareInput in;
  in.texts = {s.tokenizer->encode(kStory)};
  in.prompts = {{"x", {"Once upon"}}};
  in.answers.max_new = 4;
  Comparison c(*s.model, *s.tokenizer, s.options, in);
  const CompareRow plain = c.run("full", ""), wrong = c.run("no_such_cache", "");
  EXPECT_EQ(plain.reason, "");
  EXPECT_EQ(mean(plain.score->kl), 0) << "the plain run against itself";
  EXPECT_EQ(plain.answers->all.new_tokens, 4);
  EXPECT_NE(wrong.reason.find("no_such_cache"), std::string::npos);
  const std::string html = comparison_html({"t <x>", "frugal compare", "here", "today"}, {plain, wrong});
  EXPECT_NE(html.find("t &lt;x&gt;"), std::string::npos);
  EXPECT_NE(html.find("refused: "), std::string::npos);
  EXPECT_NE(html.find("<svg"), std::string::npos);
  EXPECT_EQ(html.find("http"), std::string::npos) << "a report needs no network";
}

TEST(Plot, LeavesOutWhatHasNoPlace) {
  const PlotAxes axes{"t", "x", "y", true, false};
  EXPECT_EQ(scatter_svg(axes, {{0, 1, "a"}, {1, std::nan(""), "b"}}, {"s"}), "");
  const std::string svg = scatter_svg(axes, {{0, 1, "a"}, {10, 2, "b<"}, {1000, 3, "c"}}, {"s"});
  size_t circles = 0;
  for (size_t at = svg.find("<circle"); at != std::string::npos; at = svg.find("<circle", at + 1)) ++circles;
  EXPECT_EQ(circles, 2u);
  EXPECT_NE(svg.find("b&lt;"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(bars_svg(axes, {{"a", {0, 0}}}, {"s", "t"}), "");
}

}  // namespace
}  // namespace frugal
