// Pre-tokenizers cut every text exactly where the reference does, and lose no byte of what is not text.
#include "text/pre_tokenizer.h"

#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "text/golden_files.h"

namespace frugal {
namespace {

std::vector<size_t> piece_sizes(const PreTokenizer& pre, std::string_view text) {
  std::vector<size_t> sizes;
  pre.split(text, [&](std::string_view piece) { sizes.push_back(piece.size()); });
  return sizes;
}

class PreTokenizerGolden : public testing::TestWithParam<const char*> {};

TEST_P(PreTokenizerGolden, CutsAsTheReference) {
  const auto texts = golden_rows<std::string>("texts.jsonl");
  const auto expected = golden_rows<std::vector<size_t>>(std::string("pieces_") + GetParam() + ".jsonl");
  ASSERT_GT(texts.size(), 200u);
  ASSERT_EQ(texts.size(), expected.size());
  const auto pre = make_pre_tokenizer(GetParam(), {});
  for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(piece_sizes(*pre, texts[i]), expected[i]) << texts[i];
}

TEST_P(PreTokenizerGolden, PiecesOfAnyBytesAreTheText) {
  const auto pre = make_pre_tokenizer(GetParam(), {});
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::string text, joined;
    for (size_t n = random() % 60; n > 0; --n)
      text += static_cast<char>(random() % 3 == 0 ? " \n'1a\xe4\xb8\xff"[random() % 8] : random());
    pre->split(text, [&](std::string_view piece) {
      EXPECT_FALSE(piece.empty());
      joined += piece;
    });
    EXPECT_EQ(joined, text);
  }
}

INSTANTIATE_TEST_SUITE_P(Names, PreTokenizerGolden,
                         testing::Values("gpt-2", "smollm", "llama-bpe", "qwen2", "falcon", "default", "deepseek-llm",
                                         "deepseek-coder", "deepseek-v3"));

// The scanners stand in for these expressions: PCRE2, given them as they are, must agree.
TEST(PreTokenizer, ScannersAgreeWithTheirExpressions) {
  const auto texts = golden_rows<std::string>("texts.jsonl");
  for (const char* pattern :
       {kGpt2Pattern, kLlama3Pattern, kQwen2Pattern, kDigitPattern, kDigitsPattern, kPunctuationPattern}) {
    const auto scanner = make_pre_tokenizer("", {pattern});
    const auto regex = make_regex_splitter(pattern);
    for (const std::string& text : texts)
      EXPECT_EQ(piece_sizes(*scanner, text), piece_sizes(*regex, text)) << pattern << "\n" << text;
  }
}

TEST(PreTokenizer, PatternsIsolateInsidePieces) {
  const auto pre = make_pre_tokenizer("", {"b+", "(?=c)"});  // the second matches nothing wide and cuts nothing
  EXPECT_EQ(piece_sizes(*pre, "abbcab"), (std::vector<size_t>{1, 2, 2, 1}));
}

TEST(PreTokenizer, ErrorsSayWhatIsWrong) {
  try {
    make_pre_tokenizer("no-such", {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
    EXPECT_NE(std::string(e.what()).find("smollm"), std::string::npos) << e.what();
  }
  EXPECT_THROW(make_pre_tokenizer("", {"(a"}), Error);
}

// A pattern that backtracks without end stops at its bound instead of holding the caller.
TEST(PreTokenizer, HostilePatternEnds) {
  const std::string text(5000, 'a');
  EXPECT_EQ(piece_sizes(*make_pre_tokenizer("", {"(a+)+$b"}), text), std::vector<size_t>{text.size()});
}

}  // namespace
}  // namespace frugal
