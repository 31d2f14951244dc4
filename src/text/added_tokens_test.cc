// Added tokens are found before anything else cuts the text, with the blanks and word borders that they ask for.
#include "text/added_tokens.h"

#include <gtest/gtest.h>

#include "text/byte_alphabet.h"

namespace frugal {
namespace {

// Every byte is a piece; ids from 256 on are the added tokens, in order.
TokenizerSpec bytes_and(std::vector<AddedToken> added) {
  TokenizerSpec s;
  for (int b = 0; b < 256; ++b) s.pieces.push_back(to_byte_alphabet(std::string(1, static_cast<char>(b))));
  for (AddedToken& a : added) {
    a.id = static_cast<int32_t>(s.pieces.size());
    s.pieces.push_back(a.text);
    s.added.push_back(a);
  }
  s.pre_tokenizer = "gpt-2";
  return s;
}
AddedToken token(std::string text) {
  AddedToken a;
  a.text = std::move(text);
  return a;
}
// The ids with bytes as characters and added tokens as 0, 1, ...
std::string shown_ids(const TokenizerSpec& spec, std::string_view text, const EncodeOptions& options = {}) {
  std::string out;
  for (int32_t id : make_tokenizer(spec)->encode(text, options))
    out += static_cast<char>(id < 256 ? id : '0' + id - 256);
  return out;
}

TEST(AddedTokens, LongestOfThoseThatBeginFirst) {
  const TokenizerSpec s = bytes_and({token("<a>"), token("<a><b>"), token("a><")});
  EXPECT_EQ(shown_ids(s, "x<a><b>y<a>"), "x1y0");
  EXPECT_EQ(shown_ids(s, "<a"), "<a");
  EXPECT_EQ(shown_ids(s, "<a><"), "0<");
}

TEST(AddedTokens, ControlTokensOnlyWhenAskedFor) {
  AddedToken control = token("<|end|>");
  control.special = true;
  const TokenizerSpec s = bytes_and({control, token("<|x|>")});
  EXPECT_EQ(shown_ids(s, "<|end|><|x|>"), "01");
  EXPECT_EQ(shown_ids(s, "<|end|><|x|>", {.parse_special = false}), "<|end|>1");
  const auto t = make_tokenizer(s);
  EXPECT_TRUE(t->is_special(256));
  EXPECT_FALSE(t->is_special(257));
  EXPECT_EQ(t->decode({256, 'a', 257}), "a<|x|>");
  EXPECT_EQ(t->decode({256, 'a'}, true), "<|end|>a");
}

TEST(AddedTokens, BlanksBesideThem) {
  AddedToken left = token("<l>"), right = token("<r>");
  left.lstrip = true;
  right.rstrip = true;
  const TokenizerSpec s = bytes_and({left, right});
  EXPECT_EQ(shown_ids(s, "a \u3000\n<l> b"), "a0 b");
  EXPECT_EQ(shown_ids(s, "a <r> \u00a0\tb"), "a 1b");
  EXPECT_EQ(shown_ids(s, "<r>  <l>"), "10");  // no blank is taken twice
}

TEST(AddedTokens, WholeWords) {
  AddedToken word = token("cat");
  word.single_word = true;
  const TokenizerSpec s = bytes_and({word});
  EXPECT_EQ(shown_ids(s, "cat, cats _cat (cat)"), "0, cats _cat (0)");
  EXPECT_EQ(shown_ids(s, "\u00e9cat"), "\u00e9cat");
  EXPECT_EQ(shown_ids(s, "\u4e16"), "\u4e16");
}

TEST(AddedTokens, FoundInRewrittenText) {
  AddedToken raw = token("<S>"), rewritten = token("Hello");
  rewritten.normalized = true;
  TokenizerSpec s = bytes_and({raw, rewritten});
  s.rewrites = {{Rewrite::kLowercase}};
  EXPECT_EQ(shown_ids(s, "A<S>HELLO hello <s>"), "a01 1 <s>");
}

TEST(AddedTokens, BeginAndEnd) {
  TokenizerSpec s = bytes_and({token("<s>"), token("</s>")});
  s.bos = 256, s.eos = 257, s.add_bos = s.add_eos = true;
  EXPECT_EQ(shown_ids(s, "a"), "0a1");
  EXPECT_EQ(shown_ids(s, ""), "01");
  EXPECT_EQ(shown_ids(s, "a", {.add_special = false}), "a");
}

}  // namespace
}  // namespace frugal
