// The rule sets against datatrove 0.10.1 (tests/golden/data/rules.jsonl.gz): the same words, the same values, the same
// reason, on real web documents and on spoilt ones.
#include <gtest/gtest.h>

#include <cmath>

#include "data/data_test_files.h"
#include "data/rules/lines.h"

namespace frugal::data {
namespace {

TEST(Words, SpacyEnglishWordForWord) {
  Scratch scratch;
  for (const auto& row : gz_rows("rules.jsonl.gz")) {
    const auto text = row.at("text").get<std::string>();
    std::vector<std::string> got;
    for (const Word& w : scratch.words(text, WordKind::kSpacy)) got.push_back(text.substr(w.begin, w.size));
    ASSERT_EQ(got, row.at("words").get<std::vector<std::string>>()) << text.substr(0, 200);
    scratch.forget();
  }
}

TEST(Words, Plain) {
  Scratch scratch;
  const auto words = [&](const std::string& text) {
    std::string out;
    for (const Word& w : scratch.words(text, WordKind::kPlain)) out += text.substr(w.begin, w.size) + "|";
    scratch.forget();
    return out;
  };
  EXPECT_EQ(words("Don't pay 1,200.50 -- it's 'na\xc3\xafve'..."), "Don't|pay|1,200.50|--|it's|'|na\xc3\xafve|'|...|");
  EXPECT_EQ(words("l\xe2\x80\x99\xc3\xa9t\xc3\xa9\xc2\xa0"
                  "end.Next a1b2"),
            "l\xe2\x80\x99\xc3\xa9t\xc3\xa9|end|.|Next|a1b2|");
  EXPECT_EQ(words("\xff\xfe x"), "\xff|\xfe|x|");
  EXPECT_EQ(words(" \n\t "), "");
}

TEST(Words, FlagsAndCharacters) {
  Scratch scratch;
  const std::string text = "\xc3\xa9t\xc3\xa9 42 ... a-b";
  const Words& w = scratch.words(text, WordKind::kPlain);
  ASSERT_EQ(w.size(), 6u);
  EXPECT_EQ(w[0].characters, 3u);
  EXPECT_EQ(w[0].flags, Word::kAlpha);
  EXPECT_EQ(w[1].flags, 0);
  EXPECT_EQ(w[2].flags, Word::kSymbolsOnly);
}

TEST(Words, Sentences) {
  Scratch scratch;
  const auto sentences = [&](const std::string& text) {
    scratch.forget();
    return count_sentences(text, scratch.words(text, WordKind::kPlain));
  };
  EXPECT_EQ(sentences("One. Two! Three?"), 3u);
  EXPECT_EQ(sentences("He said \"no.\" Then left"), 2u);
  EXPECT_EQ(sentences("1.5 is no end"), 1u);
  EXPECT_EQ(sentences(""), 0u);
}

TEST(Lines, AsPythonSplits) {
  std::vector<std::string_view> lines;
  split_lines(
      "a\r\nb\rc\x0b"
      "d\xe2\x80\xa8"
      "e\xc2\x85\n",
      lines);
  EXPECT_EQ(lines, (std::vector<std::string_view>{"a", "b", "c", "d", "e", ""}));
  split_at_breaks("\n\na\nb\n\n\nc", 2, lines);
  EXPECT_EQ(lines, (std::vector<std::string_view>{"", "a\nb", "c"}));
  split_at_breaks("a\n\nb\n", 1, lines);
  EXPECT_EQ(lines, (std::vector<std::string_view>{"a", "b", ""}));
  EXPECT_EQ(strip("\xc2\xa0 x\t"), "x");
  EXPECT_TRUE(contains_any_case("Enable JavaScript", "javascript"));
  EXPECT_FALSE(contains_any_case("java script", "javascript"));
}

struct Case {
  const char* golden;
  const char* spec;
};

class RuleSet : public testing::TestWithParam<Case> {};

TEST_P(RuleSet, ValuesAndReasonsAsDatatrove) {
  RuleRunner rule(GetParam().spec);
  size_t dropped = 0, rows = 0;
  for (const auto& row : gz_rows("rules.jsonl.gz")) {
    const auto& want = row.at(GetParam().golden);
    const RuleResult got = rule(row.at("text").get<std::string>());
    const auto values = want.at("values").get<std::vector<double>>();
    for (size_t i = 0; i < values.size(); ++i)
      EXPECT_NEAR(got.numbers[i], values[i], 1e-9)
          << GetParam().spec << " value " << i << ": " << row.at("text").get<std::string>().substr(0, 300);
    EXPECT_EQ(got.reason, want.at("reason").get<std::string>()) << row.at("text").get<std::string>().substr(0, 300);
    dropped += got.reason.empty() ? 0 : 1;
    ++rows;
  }
  EXPECT_GT(dropped * 10, rows);  // spoilt documents are there
}

INSTANTIATE_TEST_SUITE_P(Datatrove, RuleSet,
                         testing::Values(Case{"gopher_quality", "gopher_quality(words=spacy)"},
                                         Case{"gopher_repetition", "gopher_repetition(words=spacy)"},
                                         Case{"c4", "c4(words=spacy)"},
                                         Case{"c4_any", "c4(punctuation=false,words=spacy)"},
                                         Case{"fineweb", "fineweb(words=spacy)"}),
                         [](const auto& info) { return std::string(info.param.golden); });

TEST(GopherRepetition, EverythingRepeatedFailsAll) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "a b c d e ";
  const RuleResult got = RuleRunner("gopher_repetition")(text);
  for (size_t i = 4; i < 13; ++i) EXPECT_GT(got.numbers[i], 0.16) << i;
  EXPECT_EQ(got.reason, "top_2_gram");
}

TEST(GopherRepetition, ShortTexts) {
  EXPECT_EQ(RuleRunner("gopher_repetition")("").reason, "empty");
  EXPECT_EQ(RuleRunner("gopher_repetition")("one").reason, "");
  EXPECT_EQ(RuleRunner("gopher_repetition")("one two").reason, "top_2_gram");  // its only pair is all of it
}

}  // namespace
}  // namespace frugal::data
