// Why: a tokenizer.json is a program of small parts (normalizers, pre-tokenizers, post-processors, added tokens); each
// must do what the tokenizers package does with it, and a part that is not known must be refused rather than left out.
#include "io/tokenizer_json.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/error.h"
#include "io/sentencepiece_model.h"
#include "text/golden_files.h"

namespace frugal {
namespace {

using LargeJson = nlohmann::json;
const std::string kJsonGoldens = FRUGAL_SOURCE_DIR "/tests/golden/tokenizer/";

LargeJson json_base(const std::string& name) {
  std::ifstream in(kJsonGoldens + "json_" + name + ".json");
  return LargeJson::parse(in);
}

std::string to_base64(const std::string& bytes) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t j = 0; j < 3; ++j)
      bits = bits << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0);
    for (size_t j = 0; j < 4; ++j) out += i + j <= bytes.size() ? alphabet[bits >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

// The golden file names the model whose character map is meant.
void put_charsmap(LargeJson& tokenizer) {
  LargeJson& n = tokenizer["normalizer"];
  if (!n.is_object() || n.value("type", "") != "Precompiled") return;
  std::ifstream in(kJsonGoldens + n["precompiled_charsmap"].get<std::string>(), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  n["precompiled_charsmap"] =
      to_base64(tokenizer_from_sentencepiece(std::as_bytes(std::span(bytes))).normaliser_charsmap);
}

std::vector<std::string> all_json_texts() {
  std::vector<std::string> all, fifth;
  for (const char* name : {"texts.jsonl", "spm_texts.jsonl"})
    for (std::string& t : golden_rows<std::string>(name)) all.push_back(std::move(t));
  for (size_t i = 0; i < all.size(); i += 5) fifth.push_back(all[i]);
  return fifth;
}

TEST(TokenizerJson, EveryPartDoesWhatTheTokenizersPackageDoes) {
  const auto every = all_json_texts();
  const auto rows = golden_rows<LargeJson>("json.jsonl");
  ASSERT_GT(rows.size(), 20u);
  for (const LargeJson& row : rows) {
    SCOPED_TRACE(row["name"].get<std::string>());
    LargeJson tokenizer = json_base(row["base"]);
    tokenizer.update(row["parts"]);
    put_charsmap(tokenizer);
    const auto t = make_tokenizer(tokenizer_from_json(tokenizer, nullptr));
    const auto texts = row["texts"].is_string() ? every : row["texts"].get<std::vector<std::string>>();
    ASSERT_EQ(row["ids"].size(), texts.size());
    for (size_t i = 0; i < texts.size(); ++i) {
      const auto ids = t->encode(texts[i]);
      EXPECT_EQ(ids, row["ids"][i].get<std::vector<int32_t>>()) << texts[i];
      if (row.contains("decoded") && i < row["decoded"].size()) {
        EXPECT_EQ(t->decode(ids), row["decoded"][i].get<std::string>()) << texts[i];
      }
    }
  }
}

TEST(TokenizerJson, ConfigurationNamesSpecialTokensTemplateAndWhatIsAdded) {
  LargeJson tokenizer = json_base("spm");
  tokenizer["pre_tokenizer"] = {{"type", "Metaspace"}};
  const auto config = nlohmann::ordered_json::parse(R"({
    "bos_token": {"content": "<s>"}, "eos_token": "</s>", "pad_token": null, "add_bos_token": true, "add_eos_token": true,
    "chat_template": [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}],
    "added_tokens_decoder": {"1": {"content": "<s>", "special": true}, "512": {"content": "<|im_end|>", "special": true}}})");
  const TokenizerSpec s = tokenizer_from_json(tokenizer, &config);
  EXPECT_EQ(s.bos, 1);
  EXPECT_EQ(s.eos, 2);
  EXPECT_EQ(s.pad, -1);
  EXPECT_EQ(s.chat_template, "D");
  EXPECT_EQ(s.stops, std::vector<int32_t>{2});
  ASSERT_EQ(s.pieces.size(), 513u);
  const auto t = make_tokenizer(s);
  const auto ids = t->encode("a<|im_end|>");
  EXPECT_EQ(ids.front(), 1);
  EXPECT_EQ(ids[ids.size() - 2], 512);
  EXPECT_EQ(ids.back(), 2);
  EXPECT_EQ(t->decode(ids), "a");
  EXPECT_EQ(t->decode(ids, true), "<s> a<|im_end|></s>");
}

void expect_json_error(LargeJson tokenizer, const LargeJson& parts, const std::string& words) {
  tokenizer.merge_patch(parts);
  try {
    make_tokenizer(tokenizer_from_json(tokenizer, nullptr));
    FAIL() << "expected an error with: " << words;
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find(words), std::string::npos) << e.what();
  }
}

TEST(TokenizerJson, WhatIsWrongOrUnknownIsRefused) {
  const LargeJson byte = json_base("byte"), unigram = json_base("unigram");
  auto refuse = [&](const char* parts, const char* words) { expect_json_error(byte, LargeJson::parse(parts), words); };
  expect_json_error(LargeJson::array(), LargeJson::object(), "no model");
  refuse(R"({"model": 3})", "no model");
  refuse(R"({"model": {"type": "WordPiece"}})", "WordPiece");
  refuse(R"({"model": {"vocab": null}})", "no vocab");
  refuse(R"({"model": {"vocab": {"zz": 99999999}}})", "id 99999999");
  refuse(R"({"model": {"vocab": {"zz": -1}}})", "id -1");
  refuse(R"({"model": {"vocab": {"zz": 3}}})", "stands for both");
  refuse(R"({"model": {"vocab": {"zz": "3"}}})", "'zz'");
  refuse(R"({"model": {"merges": ["a"]}})", "not two pieces");
  refuse(R"({"model": {"merges": ["zz yy"]}})", "outside the vocabulary");
  refuse(R"({"model": {"end_of_word_suffix": "</w>"}})", "end_of_word_suffix");
  refuse(R"({"normalizer": {"type": "Nmt"}})", "normalizer Nmt");
  refuse(R"({"normalizer": {"type": "Replace", "pattern": {"Regex": "("}, "content": ""}})", "pattern ( is wrong");
  refuse(R"({"normalizer": {"type": "Precompiled", "precompiled_charsmap": "*"}})", "not base64");
  refuse(R"({"normalizer": {"type": "Precompiled", "precompiled_charsmap": "AAAA"}})", "character map");
  refuse(R"({"pre_tokenizer": {"type": "UnicodeScripts"}})", "UnicodeScripts");
  refuse(R"({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "a"}, "behavior": "MergedWithNext"}})",
         "MergedWithNext");
  refuse(R"({"pre_tokenizer": {"type": "Split", "behavior": "Isolated"}})", "no pattern");
  refuse(R"({"pre_tokenizer": null, "decoder": null})", "neither byte-level");
  refuse(
      R"({"post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}}], "special_tokens": {}}})",
      "no single id");
  refuse(R"({"added_tokens": [{"id": 1000000, "content": "x"}]})", "id 1000000");
  refuse(R"({"added_tokens": [{"id": 3}]})", "without content");
  expect_json_error(unigram, LargeJson::parse(R"({"model": {"unk_id": 5000}})"), "unk_id 5000");
  expect_json_error(unigram, LargeJson::parse(R"({"model": {"vocab": [["a"]]}})"), "not a piece and its score");
}

TEST(TokenizerJson, SequencesInsideSequencesEnd) {
  LargeJson deep = {{"type", "NFC"}};
  for (int i = 0; i < 50; ++i) deep = {{"type", "Sequence"}, {"normalizers", LargeJson::array({deep})}};
  expect_json_error(json_base("byte"), {{"normalizer", deep}}, "inside eight others");
}

}  // namespace
}  // namespace frugal
