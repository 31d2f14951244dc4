// The rules that Llama 3 names, stored values under other limits, test sets.
#include <gtest/gtest.h>

#include "base/error.h"
#include "data/data_test_files.h"

namespace frugal::data {
namespace {

TEST(NgramCoverage, CountsEveryCopy) {
  RuleRunner rule("ngram_coverage(n=3,max=0.5)");
  EXPECT_DOUBLE_EQ(rule("aa bb cc dd ee ff gg").numbers[0], 0);
  EXPECT_DOUBLE_EQ(rule("aa bb cc xx aa bb cc yy").numbers[0], 12.0 / 16);
  EXPECT_EQ(rule("aa bb cc xx aa bb cc yy").reason, "ngram_coverage");
  EXPECT_DOUBLE_EQ(rule("aa aa aa aa").numbers[0], 1);  // copies that overlap
  EXPECT_DOUBLE_EQ(rule("aa bb").numbers[0], 0);
}

TEST(Tone, PhrasesExclamationsEmoji) {
  RuleRunner rule("tone");
  EXPECT_EQ(rule("I'M SORRY, I apologize for that.").reason, "tone_phrases");
  EXPECT_EQ(rule("Wow! Great! Yes! Buy now!").reason, "tone_exclamations");
  EXPECT_EQ(rule("nice \xf0\x9f\x98\x80\xf0\x9f\x98\x80").reason, "tone_emoji");
  EXPECT_EQ(rule("A quiet sentence about the weather in the north of the country.").reason, "");
  EXPECT_EQ(rule("").reason, "");
}

TEST(TokenKl, TheReferenceItselfIsAtZero) {
  TestFolder tmp;
  const std::string text = "The cat and the dog and the bird.";
  const std::string in = tmp.write("in.jsonl", "{\"text\":\"" + text + "\"}\n");
  run_spec(fmt::format("jsonl(\"{}\") | unigrams(\"{}\")", in, tmp / "ref"));
  EXPECT_TRUE(file_text(tmp / "ref").starts_with("the\t3\nand\t2\n.\t1\nbird\t1\n"));
  RuleRunner rule("token_kl(\"" + (tmp / "ref") + "\",max=5)");
  EXPECT_NEAR(rule(text).numbers[0], 0, 1e-12);
  EXPECT_NEAR(rule("bird").numbers[0], std::log(9.0), 1e-12);  // - ln q, q = 1/9
  EXPECT_NEAR(rule("zebra").numbers[0], std::log(90.0), 1e-12);
  EXPECT_EQ(RuleRunner("token_kl(\"" + (tmp / "ref") + "\",max=3)")("zebra").reason, "token_kl");
  tmp.write("bad", "no count\n");
  EXPECT_THROW(RuleRunner("token_kl(\"" + (tmp / "bad") + "\")"), Error);
}

TEST(Decontaminate, FindsCopiesWhateverTheirCase) {
  TestFolder tmp;
  const std::string item =
      "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May.";
  const std::string tests = tmp.write(
      "tests.jsonl",
      "{\"question\":\"" + item +
          "\",\"answer\":\"too short\",\"n\":3}\n{\"question\":\"nine words are enough to be looked for whole\"}\n");
  RuleRunner rule("decontaminate(\"" + tests + "\")");
  EXPECT_EQ(rule("Before. NATALIA SOLD CLIPS TO 52 OF HER FRIENDS -- IN APRIL; AND THEN SHE sold. After").reason,
            "contaminated");
  EXPECT_EQ(rule(item).labels.at(1), tests);
  EXPECT_EQ(
      rule("Natalia sold clips to 48 of your friends in April, and then it sold half as few clips in May.").reason, "");
  EXPECT_EQ(rule("x y z nine words, are enough to be looked for whole x y z").reason, "contaminated");
  EXPECT_EQ(rule("this is too short to matter").reason, "");
}

TEST(Threshold, AppliesOtherLimitsToStoredValues) {
  TestFolder tmp;
  std::string all;
  for (int i = 0; i < 60; ++i) {
    std::string text;
    for (int w = 0; w < 40 + i; ++w) text += w % 3 == 0 ? "the of " : "words ";
    all += fmt::format("{{\"id\":\"{}\",\"text\":\"{}\"}}\n", i, text);
  }
  const std::string in = tmp.write("in.jsonl", all);
  run_spec(fmt::format("jsonl(\"{}\") | gopher_quality(min_words=0) | jsonl(\"{}\")", in, tmp / "scored"));
  const Report later =
      run_spec(fmt::format("jsonl(\"{}\") | threshold(gopher_words,>=,100) | fineweb(punctuation=0) | jsonl(\"{}\")",
                           tmp / "scored", tmp / "out"));
  const Report direct =
      run_spec(fmt::format("jsonl(\"{}\") | gopher_quality(min_words=100) | jsonl(\"{}\")", in, tmp / "direct"));
  EXPECT_EQ(later.counts.out_docs, direct.counts.out_docs);
  EXPECT_GT(later.counts.out_docs, 0u);
  EXPECT_LT(later.counts.out_docs, 60u);
  const auto values = json_rows(all_text(tmp / "out")).at(0).at("values");
  EXPECT_GE(values.at("gopher_words"), 100);  // both runs' values are there
  EXPECT_TRUE(values.contains("fineweb_short_lines"));
  const Report same = run_spec(fmt::format(
      "jsonl(\"{}\") | gopher_quality(min_words=0) | threshold(gopher_words,<,100) | jsonl(\"{}\")", in, tmp / "low"));
  EXPECT_EQ(same.counts.out_docs + later.counts.out_docs, 60u);
  const Report missing =
      run_spec(fmt::format("jsonl(\"{}\") | threshold(nothing,<,1) | jsonl(\"{}\")", in, tmp / "missing"));
  EXPECT_EQ(missing.counts.out_docs, 60u);
}

}  // namespace
}  // namespace frugal::data
