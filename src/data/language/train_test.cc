// Classifiers trained here: the update against a plain restatement, the same model for the same seed, files that the
// reader takes, sorted input, labels in both forms of file.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "base/error.h"
#include "base/rng.h"
#include "data/data_test_files.h"
#include "data/language/labelled.h"
#include "data/language/train_classifier.h"

namespace frugal::data {
namespace {

struct Labelled {
  std::string text;
  std::vector<std::string> labels;
};

std::string trained(const std::vector<Labelled>& texts, const ClassifierOptions& options) {
  TestFolder tmp;
  ClassifierTrainer trainer(options);
  for (const Labelled& t : texts) trainer.add(t.text, t.labels);
  trainer.train({});
  trainer.write(tmp / "m.bin");
  return file_text(tmp / "m.bin");
}
FastText read_model(const std::string& bytes) {
  return FastText::parse(std::as_bytes(std::span(bytes.data(), bytes.size())), "test");
}

// The rule of the paper in doubles: mean of vectors, softmax, gradient of the log likelihood, linear rate. Words are
// numbered by count and first appearance, which the drawing of their first vectors follows.
struct Restated {
  std::vector<std::string> words, labels;
  std::vector<std::vector<double>> input, output;
  static size_t place(const std::vector<std::string>& list, const std::string& name) {
    return static_cast<size_t>(std::find(list.begin(), list.end(), name) - list.begin());
  }
  std::vector<double> hidden(const std::vector<size_t>& rows) const {
    std::vector<double> h(input[0].size(), 0);
    for (size_t r : rows)
      for (size_t d = 0; d < h.size(); ++d) h[d] += input[r][d] / static_cast<double>(rows.size());
    return h;
  }
  std::vector<double> probabilities(const std::vector<double>& h) const {
    std::vector<double> p(labels.size());
    double sum = 0;
    for (size_t l = 0; l < p.size(); ++l) {
      double score = 0;
      for (size_t d = 0; d < h.size(); ++d) score += output[l][d] * h[d];
      sum += p[l] = std::exp(score);
    }
    for (double& v : p) v /= sum;
    return p;
  }
  void update(const std::vector<size_t>& rows, size_t label, double rate) {
    const std::vector<double> h = hidden(rows), p = probabilities(h);
    std::vector<double> to_hidden(h.size(), 0);
    for (size_t l = 0; l < p.size(); ++l)
      for (size_t d = 0; d < h.size(); ++d) {
        const double error = (l == label ? 1 : 0) - p[l];
        to_hidden[d] += error * output[l][d];
        output[l][d] += rate * error * h[d];
      }
    for (size_t r : rows)
      for (size_t d = 0; d < h.size(); ++d) input[r][d] += rate * to_hidden[d] / static_cast<double>(rows.size());
  }
};

TEST(TrainClassifier, UpdatesAsThePaperSays) {
  ClassifierOptions o{.lr = 0.8, .epoch = 4, .dim = 5, .seed = 11};
  o.shuffle = false;
  const std::vector<Labelled> texts = {
      {"red red blue", {"x"}}, {"blue green", {"y"}}, {"green red", {"z"}}, {"blue", {"y"}}};
  Restated r{{"</s>", "red", "blue", "green"}, {"y", "x", "z"}, {}, {}};  // 4, 3, 3 and 2 times; y twice
  Stream random = stream(o.seed, 0, Purpose::kInit);
  r.input.assign(4, std::vector<double>(5));
  r.output.assign(3, std::vector<double>(5, 0));
  for (auto& row : r.input)
    for (double& v : row) v = (2.0 * random.uniform() - 1) / 5;
  const auto rows_of = [&](const std::string& text) {
    std::vector<size_t> rows;
    std::istringstream in(text + " </s>");
    for (std::string w; in >> w;) rows.push_back(Restated::place(r.words, w));
    return rows;
  };
  double seen = 0;
  for (int e = 0; e < o.epoch; ++e)
    for (const Labelled& t : texts) {
      const auto rows = rows_of(t.text);
      r.update(rows, Restated::place(r.labels, t.labels[0]), o.lr * (1 - seen / (12.0 * o.epoch)));
      seen += static_cast<double>(rows.size());
    }
  const FastText model = read_model(trained(texts, o));
  ASSERT_EQ(model.labels(), r.labels);
  for (const Labelled& t : texts) {
    const auto p = r.probabilities(r.hidden(rows_of(t.text)));
    for (size_t l = 0; l < 3; ++l) EXPECT_NEAR(model.probability(t.text, l), p[l] + 1e-5, 1e-6) << t.text;
  }
}

// Texts of two topics over shared words; word order tells two more apart.
std::vector<Labelled> topics(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Labelled> texts;
  for (size_t i = 0; i < count; ++i) {
    const bool a = i % 2 == 0, forward = i % 4 < 2;
    std::string text;
    for (int w = 0; w < 12; ++w)
      text += fmt::format("{}{} ", random() % 3 == 0 ? (a ? "a" : "b") : "common", random() % 20);
    text += forward ? "left right" : "right left";
    texts.push_back({text, {(a ? std::string("a") : std::string("b")) + (forward ? "1" : "2")}});
  }
  return texts;
}

double accuracy(const FastText& model, const std::vector<Labelled>& texts) {
  ClassifierScore score(model);
  for (const Labelled& t : texts) score.add(t.text, t.labels);
  EXPECT_EQ(score.precision(), score.recall());
  return score.precision();
}

TEST(TrainClassifier, LearnsWordsAndTheirOrder) {
  const auto texts = topics(400, 1), others = topics(200, 2);
  ClassifierOptions o{.lr = 0.5, .epoch = 20, .dim = 16, .word_ngrams = 2, .bucket = 3000};
  EXPECT_GT(accuracy(read_model(trained(texts, o)), others), 0.95);
  o.word_ngrams = 1;  // a bag of words cannot tell the order: chance, of two
  const double bag = accuracy(read_model(trained(texts, o)), others);
  EXPECT_GT(bag, 0.35);
  EXPECT_LT(bag, 0.65);
}

TEST(TrainClassifier, SortedTextsTrainToo) {
  auto texts = topics(400, 3);
  std::stable_sort(texts.begin(), texts.end(), [](const auto& a, const auto& b) { return a.labels < b.labels; });
  const ClassifierOptions o{.lr = 0.5, .epoch = 20, .dim = 16, .word_ngrams = 2, .bucket = 3000};
  EXPECT_GT(accuracy(read_model(trained(texts, o)), topics(200, 4)), 0.95);
}

TEST(TrainClassifier, ASeedIsAModel) {
  const auto texts = topics(60, 5);
  const ClassifierOptions o{.epoch = 3, .dim = 8, .word_ngrams = 2, .bucket = 100, .seed = 1};
  ClassifierOptions other = o;
  other.seed = 2;
  EXPECT_EQ(trained(texts, o), trained(texts, o));
  EXPECT_NE(trained(texts, o), trained(texts, other));
}

TEST(TrainClassifier, RareWordsHaveNoVector) {
  TestFolder tmp;
  ClassifierTrainer trainer({.min_count = 2});
  trainer.add("one two two", {"x"});
  trainer.add("two three __label__x", {"y", "z"});
  trainer.train({});
  EXPECT_EQ(trainer.words(), 2u);  // two, and the end of a text
  EXPECT_EQ(trainer.labels(), 3u);
  ClassifierTrainer single({});
  single.add("a", {"x"});
  EXPECT_THROW(single.train({}), Error);
}

TEST(TrainClassifier, WithoutAnyWord) {
  const FastText model = read_model(trained({{"a", {"x"}}, {"b", {"y"}}}, {.min_count = 100}));
  EXPECT_EQ(model.labels().size(), 2u);
  EXPECT_EQ(model.best("a").probability, 0);
}

TEST(Labelled, BothFormsOfFile) {
  TestFolder tmp;
  std::vector<Labelled> got;
  const auto read = [&](const std::string& bytes, const LabelledNames& names = {}) {
    got.clear();
    return read_labelled({tmp.write("in", bytes)}, names, [&](std::string_view t, const auto& l) {
      got.push_back({std::string(t), l});
    });
  };
  Faults faults = read("__label__a __label__b one  two\n\nthree\n__label__ x\n__label__c");
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].text, "one two");
  EXPECT_EQ(got[0].labels, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(got[1].labels, (std::vector<std::string>{"c"}));
  EXPECT_EQ(faults.at("no label"), 2u);
  faults = read(R"({"t":"x","l":"two words"}
{"t":"y","l":["a", "b\n"]}
{"t":"z","l":3}
{"t":"no","l":null}
{"t":"no","l":[]}
{"t":"no"}
{"t":1}
broken
)",
                {"t", "l"});
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[0].labels, (std::vector<std::string>{"two_words"}));
  EXPECT_EQ(got[1].labels, (std::vector<std::string>{"a", "b_"}));
  EXPECT_EQ(got[2].labels, (std::vector<std::string>{"3"}));
  EXPECT_EQ(faults.at("no label"), 3u);
  EXPECT_EQ(faults.at("bad JSON"), 2u);
}

}  // namespace
}  // namespace frugal::data
