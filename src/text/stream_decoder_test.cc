// Why: a terminal or an HTTP client must never get half a character, and in all it must get what decode() gives.
#include "text/stream_decoder.h"

#include <gtest/gtest.h>

#include <random>

#include "text/byte_alphabet.h"
#include "text/utf8.h"

namespace frugal {
namespace {

// Every byte a piece, then a control token, then a whole word.
TokenizerSpec byte_pieces() {
  TokenizerSpec s;
  for (int b = 0; b < 256; ++b) s.pieces.push_back(to_byte_alphabet(std::string(1, static_cast<char>(b))));
  s.pieces.emplace_back("<|end|>");
  s.types.assign(s.pieces.size(), TokenType::kNormal);
  s.types[256] = TokenType::kControl;
  s.added.push_back({.text = "<|end|>", .id = 256, .special = true});
  return s;
}

bool whole_characters(std::string_view text) {
  while (!text.empty()) {
    const size_t n = utf8_length(text);
    if (n == 1 && (text[0] & 0x80)) return false;
    text.remove_prefix(n);
  }
  return true;
}

TEST(StreamDecoder, CharactersComeWholeWhereverIdsCutThem) {
  const auto tokenizer = make_tokenizer(byte_pieces());
  const std::string text = "a\u00e9\u65e5\U0001f44d b";
  StreamDecoder stream(*tokenizer);
  std::vector<std::string> parts;
  for (char c : text) parts.push_back(stream.push(static_cast<unsigned char>(c)));
  const std::vector<std::string> expected = {"a", "", "\u00e9", "", "", "\u65e5", "", "", "", "\U0001f44d", " ", "b"};
  EXPECT_EQ(parts, expected);
  EXPECT_EQ(stream.finish(), "");
}

TEST(StreamDecoder, BytesThatNeverBecomeACharacterAreReplaced) {
  const auto tokenizer = make_tokenizer(byte_pieces());
  std::mt19937 random(5);
  for (int round = 0; round < 500; ++round) {
    StreamDecoder stream(*tokenizer);
    for (int i = 0; i < 50; ++i) {
      const std::string part =
          stream.push(static_cast<int32_t>(random() % 3 == 0 ? random() % 128 : 128 + random() % 128));
      ASSERT_TRUE(whole_characters(part));
    }
    ASSERT_TRUE(whole_characters(stream.finish()));
  }
  StreamDecoder stream(*tokenizer);
  EXPECT_EQ(stream.push(0xe6), "");
  EXPECT_EQ(stream.push('a'),
            "\ufffd"
            "a");
  EXPECT_EQ(stream.push(0xe6), "");
  EXPECT_EQ(stream.finish(), "\ufffd");
}

TEST(StreamDecoder, ControlTokensShowOnlyWhenAsked) {
  const auto tokenizer = make_tokenizer(byte_pieces());
  EXPECT_EQ(StreamDecoder(*tokenizer).push(256), "");
  EXPECT_EQ(StreamDecoder(*tokenizer, true).push(256), "<|end|>");
}

TEST(StreamDecoder, TheDummyBlankIsDroppedOnce) {
  TokenizerSpec s;
  s.kind = TokenizerKind::kSpmBpe;
  s.add_prefix_space = true;
  s.pieces = {"<unk>", "\u2581a", "\u2581"};
  s.scores = {0, 0, 0};
  const auto tokenizer = make_tokenizer(s);
  StreamDecoder stream(*tokenizer);
  EXPECT_EQ(stream.push(2), "");
  EXPECT_EQ(stream.push(1), " a");
  EXPECT_EQ(stream.push(2), " ");
  EXPECT_EQ(tokenizer->decode({2, 1, 2}), " a ");
}

}  // namespace
}  // namespace frugal
