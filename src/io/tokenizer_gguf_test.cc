// Why: GGUF metadata is the tokenizer of most files that run here; keys are optional, types are not to be trusted.
#include "io/tokenizer_gguf.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "io/sentencepiece_model.h"
#include "text/golden_files.h"

namespace frugal {
namespace {

using GgufJson = nlohmann::ordered_json;

GgufJson spm_metadata() {
  return GgufJson::parse(
      R"({"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": ["<unk>", "<s>", "</s>", "<0x0A>", "▁", "a", "▁a", "<|im_end|>"],
      "tokenizer.ggml.scores": [0, 0, 0, 0, -3, -2, -1, 0], "tokenizer.ggml.token_type": [2, 3, 3, 6, 1, 1, 1, 3]})");
}

TEST(TokenizerGguf, MissingKeysHaveTheFormatsDefaults) {
  const TokenizerSpec s = tokenizer_from_gguf(spm_metadata());
  EXPECT_EQ(s.kind, TokenizerKind::kSpmBpe);
  EXPECT_EQ(s.unk, 0);
  EXPECT_EQ(s.bos, 1);
  EXPECT_EQ(s.eos, 2);
  EXPECT_TRUE(s.add_bos && s.add_prefix_space && s.byte_fallback);
  EXPECT_FALSE(s.add_eos);
  EXPECT_EQ(s.stops, (std::vector<int32_t>{2, 7}));
  const auto t = make_tokenizer(s);
  EXPECT_EQ(t->encode("a\n a"), (std::vector<int32_t>{1, 6, 3, 6}));
  EXPECT_EQ(t->encode("a<|im_end|>a"),
            (std::vector<int32_t>{1, 6, 7, 6}));                    // the blank comes back behind a special token
  EXPECT_EQ(t->encode("\u00e9"), (std::vector<int32_t>{1, 4, 0}));  // no byte pieces for it
}

TEST(TokenizerGguf, UnigramWithItsCharacterMap) {
  const std::string path = FRUGAL_SOURCE_DIR "/tests/golden/tokenizer/spm_unigram.model";
  std::ifstream in(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  const TokenizerSpec model = tokenizer_from_sentencepiece(std::as_bytes(std::span(bytes)));
  GgufJson m = {{"tokenizer.ggml.model", "t5"},
                {"tokenizer.ggml.tokens", model.pieces},
                {"tokenizer.ggml.scores", model.scores},
                {"tokenizer.ggml.remove_extra_whitespaces", true},
                {"tokenizer.ggml.add_eos_token", false}};
  for (TokenType t : model.types) m["tokenizer.ggml.token_type"].push_back(static_cast<int>(t));
  for (char c : model.normaliser_charsmap)
    m["tokenizer.ggml.precompiled_charsmap"].push_back(static_cast<int>(static_cast<unsigned char>(c)));
  const auto ours = make_tokenizer(tokenizer_from_gguf(m)), reference = make_tokenizer(model);
  for (const std::string& text : golden_rows<std::string>("spm_texts.jsonl"))
    EXPECT_EQ(ours->encode(text), reference->encode(text)) << text;
}

void expect_gguf_error(const char* change, const char* words) {
  GgufJson m = spm_metadata();
  m.merge_patch(GgufJson::parse(change));
  try {
    make_tokenizer(tokenizer_from_gguf(m));
    FAIL() << "expected an error with: " << words;
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find(words), std::string::npos) << e.what();
  }
}

TEST(TokenizerGguf, ContradictionsSayWhatIsWrong) {
  expect_gguf_error(R"({"tokenizer.ggml.model": "rwkv"})", "'rwkv'");
  expect_gguf_error(R"({"tokenizer.ggml.model": 3})", "tokenizer.ggml.model");
  expect_gguf_error(R"({"tokenizer.ggml.tokens": null})", "no list tokenizer.ggml.tokens");
  expect_gguf_error(R"({"tokenizer.ggml.tokens": [1]})", "expected texts");
  expect_gguf_error(R"({"tokenizer.ggml.tokens": []})", "empty");
  expect_gguf_error(R"({"tokenizer.ggml.token_type": [9]})", "expected 1 to 6");
  expect_gguf_error(R"({"tokenizer.ggml.token_type": [1]})", "1 token types for 8");
  expect_gguf_error(R"({"tokenizer.ggml.scores": [1]})", "1 scores for 8");
  expect_gguf_error(R"({"tokenizer.ggml.bos_token_id": 8})", "bos_token_id is 8");
  expect_gguf_error(R"({"tokenizer.ggml.eos_token_id": 4294967297})", "eos_token_id is 4294967297");
  expect_gguf_error(R"({"tokenizer.ggml.add_bos_token": "yes"})", "add_bos_token");
  expect_gguf_error(R"({"tokenizer.ggml.precompiled_charsmap": ["x"]})", "expected bytes");
  expect_gguf_error(R"({"tokenizer.ggml.precompiled_charsmap": [1, 2, 3]})", "character map");
  expect_gguf_error(R"({"tokenizer.ggml.model": "gpt2"})", "no list tokenizer.ggml.merges");
  expect_gguf_error(R"({"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.merges": ["ab"]})", "not two pieces");
  expect_gguf_error(R"({"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.merges": ["a b"]})", "outside the vocabulary");
  expect_gguf_error(R"({"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.merges": [], "tokenizer.ggml.pre": "nobody"})",
                    "'nobody'");
}

}  // namespace
}  // namespace frugal
