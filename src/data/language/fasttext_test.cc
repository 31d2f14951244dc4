// fastText models of every kind against the original program's predictions; hostile model files.
#include "data/language/fasttext.h"

#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "data/data_test_files.h"

namespace frugal::data {
namespace {

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  std::istringstream in(file_text(path));
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

class FastTextModel : public testing::TestWithParam<const char*> {};

TEST_P(FastTextModel, PredictsAsTheOriginal) {
  const FastText model = FastText::open(golden_path(std::string("fasttext/") + GetParam()));
  const auto texts = lines_of(golden_path("fasttext/texts.txt"));
  const auto wanted = lines_of(golden_path(std::string("fasttext/") + GetParam() + ".txt"));
  ASSERT_GE(texts.size(), 50u);
  ASSERT_EQ(texts.size(), wanted.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    std::istringstream want(wanted[i]);
    std::string label;
    double probability = 0;
    want >> label >> probability;
    const Prediction got = model.best(texts[i]);
    EXPECT_EQ("__label__" + model.labels()[got.label], label) << texts[i];
    EXPECT_NEAR(got.probability, std::min(probability, 1.0), 1e-5) << texts[i];
    EXPECT_NEAR(model.probability(texts[i], got.label), got.probability, 1e-9);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, FastTextModel, testing::Values("hs.bin", "hs.ftz", "softmax.bin", "ova.bin"),
                         [](const auto& info) {
                           return std::string(info.param).replace(std::string(info.param).find('.'), 1, "_");
                         });

// A model of word n-grams that keeps some of them (found by fuzzing): those that it left out had been looked up as row
// 2^32 - 1. What they add is nothing.
TEST(FastTextFile, LeftOutWordNgramsAddNothing) {
  const std::string bytes = file_text(std::string(FRUGAL_SOURCE_DIR) + "/tests/fuzz/fasttext/pruned_word_ngrams");
  const FastText model = FastText::parse(std::as_bytes(std::span(bytes)), "pruned");
  const Prediction p = model.best("the house and das Haus");
  EXPECT_LT(p.label, model.labels().size());
  EXPECT_TRUE(p.probability >= 0 && p.probability <= 1) << p.probability;
}

TEST(FastTextFile, DamagedFilesAreRefusedOrRead) {
  std::mt19937 random(4);
  for (const char* name : {"hs.ftz", "softmax.bin"}) {
    const std::string good = file_text(golden_path(std::string("fasttext/") + name));
    for (int round = 0; round < 400; ++round) {
      std::string bad = good;
      if (round % 3 == 0) bad.resize(random() % bad.size());
      for (int k = 0; k < 1 + round % 4 && !bad.empty(); ++k)
        bad[random() % std::min<size_t>(bad.size(), round % 2 == 0 ? 120 : bad.size())] = static_cast<char>(random());
      try {
        FastText::parse(std::as_bytes(std::span(bad)), "damaged").best("the house and das Haus");
      } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::kBadInput);
      }
    }
  }
}

TEST(Classifier, KeepsByProbability) {
  const std::string model = golden_path("fasttext/softmax.bin");
  RuleRunner rule("classifier(model=\"" + model + "\",label=en,threshold=0.5)");
  EXPECT_EQ(rule("The house is on the hill and it was the best of all").reason, "");
  EXPECT_EQ(rule("Der Hund ist nicht im Haus und die Katze auch nicht").reason, "classifier_score");
  EXPECT_THROW(RuleRunner("classifier(model=\"" + model + "\",label=xx)"), Error);
}

TEST(Lang, KeepsTheLanguageAskedFor) {
  const std::string model = golden_path("fasttext/hs.bin"),
                    russian =
                        "\u041e\u0447\u043d\u0443\u043b\u0430\u0441\u044c \u043e\u043d\u0430\n\u0432 "
                        "\u043c\u0430\u0448\u0438\u043d\u0435";
  EXPECT_EQ(RuleRunner("lang([en,fr],0,model=\"" + model + "\")")(russian).reason, "language");
  EXPECT_EQ(RuleRunner("lang(ru,0,model=\"" + model + "\")")(russian).reason, "");
  EXPECT_EQ(RuleRunner("lang(any,1,model=\"" + model + "\")")(russian).reason, "language_score");
  EXPECT_EQ(RuleRunner("lang(any,0,model=\"" + model + "\")")(russian).labels.at(0), "ru");
  EXPECT_THROW(RuleRunner("lang(xx,0,model=\"" + model + "\")"), Error);
}

}  // namespace
}  // namespace frugal::data
