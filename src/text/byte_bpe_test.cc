// Byte-level BPE gives the reference's ids and loses nothing on the way back.
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "base/error.h"
#include "text/byte_alphabet.h"
#include "text/golden_files.h"
#include "text/tokenizer.h"

namespace frugal {
namespace {

// GPT-2's first merges: its 256 bytes, sorted as characters of the byte alphabet, then what each merge makes.
TokenizerSpec small_gpt2() {
  TokenizerSpec s;
  for (int b = 0; b < 256; ++b) s.pieces.push_back(to_byte_alphabet(std::string(1, static_cast<char>(b))));
  std::sort(s.pieces.begin(), s.pieces.end());
  std::ifstream in(FRUGAL_SOURCE_DIR "/tests/golden/tokenizer/gpt2_merges.txt");
  for (std::string a, b; in >> a >> b;) {
    s.merges.emplace_back(a, b);
    s.pieces.push_back(a + b);
  }
  s.pre_tokenizer = "gpt-2";
  return s;
}

std::string random_bytes(std::mt19937& random, size_t n) {
  std::string text;
  for (; n > 0; --n) text += static_cast<char>(random() % 2 ? random() : "the and  "[random() % 9]);
  return text;
}

TEST(ByteBpe, IdsOfTheReference) {
  const auto texts = golden_rows<std::string>("texts.jsonl");
  const auto expected = golden_rows<std::vector<int32_t>>("gpt2_ids.jsonl");
  ASSERT_EQ(texts.size(), expected.size());
  const auto t = make_tokenizer(small_gpt2());
  for (int round = 0; round < 2; ++round)  // the second time from the cache
    for (size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(t->encode(texts[i]), expected[i]) << texts[i];
}

TEST(ByteBpe, AnyBytesComeBack) {
  const auto t = make_tokenizer(small_gpt2());
  std::mt19937 random(2);
  for (int round = 0; round < 300; ++round) {
    const std::string text = random_bytes(random, random() % 300);
    EXPECT_EQ(t->decode(t->encode(text)), text);
  }
}

// Long pieces merge over a heap, short ones by scanning: both must find the same. A run of letters is one piece.
TEST(ByteBpe, LongPiecesMergeLikeShortOnes) {
  const auto t = make_tokenizer(small_gpt2());
  std::mt19937 random(3);
  std::string word;
  while (word.size() < 40) word += "theandingore"[random() % 12];
  const std::string half = word + "zqx";  // no merge crosses "zqx" followed by anything here
  std::vector<int32_t> one = t->encode(half), many;
  std::string text;
  for (int i = 0; i < 30; ++i) {
    text += half;
    many.insert(many.end(), one.begin(), one.end());
  }
  EXPECT_EQ(t->encode(text), many);
}

TEST(ByteBpe, ThreadsShareOneTokenizer) {
  const auto t = make_tokenizer(small_gpt2());
  const auto texts = golden_rows<std::string>("texts.jsonl");
  const auto expected = golden_rows<std::vector<int32_t>>("gpt2_ids.jsonl");
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (size_t k = 0; k < 4; ++k)
    threads.emplace_back([&, k] {
      for (size_t i = 0; i < texts.size(); ++i) wrong[k] += t->encode(texts[i]) != expected[i];
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST(ByteBpe, IgnoreMergesTakesWholePieces) {
  TokenizerSpec s = small_gpt2();
  s.pieces.emplace_back("zqxj");
  EXPECT_EQ(make_tokenizer(s)->encode("zqxj").size(), 4u);
  s.ignore_merges = true;
  EXPECT_EQ(make_tokenizer(s)->encode("zqxj"), std::vector<int32_t>{static_cast<int32_t>(s.pieces.size()) - 1});
}

TEST(ByteBpe, MissingBytesDropAndPrefixSpaceIsAdded) {
  TokenizerSpec s;
  s.pieces = {"a", "b", "ab", "\u0120"};
  s.merges = {{"a", "b"}};
  s.pre_tokenizer = "gpt-2";
  EXPECT_EQ(make_tokenizer(s)->encode("xabz"), (std::vector<int32_t>{2}));
  s.add_prefix_space = true;
  EXPECT_EQ(make_tokenizer(s)->encode("ab"), (std::vector<int32_t>{3, 2}));
  EXPECT_EQ(make_tokenizer(s)->encode(" ab"), (std::vector<int32_t>{3, 2}));
}

TEST(ByteBpe, HostileSpecsAreRefused) {
  EXPECT_THROW(make_tokenizer({}), Error);
  auto refused = [](auto change) {
    TokenizerSpec s = small_gpt2();
    change(s);
    EXPECT_THROW(make_tokenizer(s), Error);
  };
  refused([](TokenizerSpec& s) { s.merges.emplace_back("no", "such piece"); });
  refused([](TokenizerSpec& s) { s.bos = static_cast<int32_t>(s.pieces.size()); });
  refused([](TokenizerSpec& s) { s.types.resize(3); });
  refused([](TokenizerSpec& s) { s.added = {{"<x>", -1}}; });
  refused([](TokenizerSpec& s) { s.added = {{"", 1}}; });
  refused([](TokenizerSpec& s) { s.pre_tokenizer = "unheard of"; });
}

}  // namespace
}  // namespace frugal
