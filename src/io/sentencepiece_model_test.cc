// Why: a tokenizer.model must give, id by id and back to text, what the sentencepiece package gives with it, whatever
// of SentencePiece's many switches its training used; and whatever else is in such a file must end in an Error.
#include "io/sentencepiece_model.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/error.h"
#include "text/golden_files.h"
#include "text/stream_decoder.h"

namespace frugal {
namespace {

const std::string kTokenizerGoldens = FRUGAL_SOURCE_DIR "/tests/golden/tokenizer/";

std::string model_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TokenizerSpec parse_spm(const std::string& bytes) {
  return tokenizer_from_sentencepiece(std::as_bytes(std::span(bytes)));
}

class SentencePieceGolden : public testing::TestWithParam<const char*> {};

TEST_P(SentencePieceGolden, EveryTextGivesTheReferencesIdsAndTextBack) {
  const std::string name = GetParam();
  const std::string path = name == "stories260k" ? kTokenizerGoldens + "../stories260k/hf/tokenizer.model"
                                                 : kTokenizerGoldens + "spm_" + name + ".model";
  const auto tokenizer = make_tokenizer(parse_spm(model_bytes(path)));
  auto texts = golden_rows<std::string>("texts.jsonl");
  for (std::string& t : golden_rows<std::string>("spm_texts.jsonl")) texts.push_back(std::move(t));
  const auto rows = golden_rows<nlohmann::json>("spm_" + name + ".jsonl");
  ASSERT_EQ(rows.size(), texts.size());
  ASSERT_GT(rows.size(), 300u);
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto ids = tokenizer->encode(texts[i], {.add_special = false, .parse_special = false});
    ASSERT_EQ(ids, rows[i][0].get<std::vector<int32_t>>()) << texts[i];
    EXPECT_EQ(tokenizer->decode(ids), rows[i][1].get<std::string>()) << texts[i];
    StreamDecoder stream(*tokenizer);
    std::string streamed;
    for (int32_t id : ids) streamed += stream.push(id);
    EXPECT_EQ(streamed + stream.finish(), tokenizer->decode(ids)) << texts[i];
  }
}

INSTANTIATE_TEST_SUITE_P(Models, SentencePieceGolden,
                         testing::Values("stories260k", "bpe_user", "bpe_suffix", "unigram", "unigram_user",
                                         "unigram_bytes"));

TEST(SentencePieceModel, SpecialPiecesAreFoundAndControlPiecesParsedOnlyWhenAsked) {
  const TokenizerSpec s = parse_spm(model_bytes(kTokenizerGoldens + "../stories260k/hf/tokenizer.model"));
  EXPECT_EQ(s.kind, TokenizerKind::kSpmBpe);
  EXPECT_EQ(s.unk, 0);
  EXPECT_EQ(s.bos, 1);
  EXPECT_EQ(s.eos, 2);
  EXPECT_TRUE(s.add_bos);
  EXPECT_FALSE(s.add_eos);
  const auto t = make_tokenizer(s);
  EXPECT_EQ(t->encode("", {}), std::vector<int32_t>{1});
  EXPECT_EQ(t->encode("</s>", {}), (std::vector<int32_t>{1, 2}));
  EXPECT_GT(t->encode("</s>", {.parse_special = false}).size(), 3u);
}

TEST(SentencePieceModel, EveryTruncationIsAModelOrAnError) {
  const std::string bytes = model_bytes(kTokenizerGoldens + "spm_bpe_user.model");
  int models = 0, errors = 0;
  for (size_t n = 0; n < bytes.size(); n += 7) {
    try {
      make_tokenizer(parse_spm(bytes.substr(0, n)))->encode("a b<sep>");
      ++models;
    } catch (const Error&) {
      ++errors;
    }
  }
  EXPECT_GT(errors, 1000);
}

std::string spm_field(int number, const std::string& bytes) {
  return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(bytes.size()) + bytes;
}

void expect_spm_error(const std::string& bytes, const std::string& words) {
  try {
    make_tokenizer(parse_spm(bytes));
    FAIL() << "expected an error with: " << words;
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find(words), std::string::npos) << e.what();
  }
}

TEST(SentencePieceModel, HostileFilesSayWhatIsWrong) {
  const std::string piece = spm_field(1, spm_field(1, "a"));
  expect_spm_error("", "no pieces");
  expect_spm_error("\x0a\x7f", "127 bytes where 0 are left");
  expect_spm_error("\x0b", "wire type 3");
  expect_spm_error(std::string("\x02\x00", 2), "field number 0");
  expect_spm_error(std::string(11, '\xff'), "more than ten bytes");
  expect_spm_error(spm_field(1, spm_field(1, "")), "piece 0 is empty");
  expect_spm_error(spm_field(1, spm_field(1, "a") + "\x18\x09"), "type 9, expected 1 to 6");
  expect_spm_error(piece + spm_field(2, "\x18\x03"), "model type 3");
  expect_spm_error(piece + spm_field(3, std::string("\x28\x00", 2)), "leaves blanks");
  expect_spm_error(piece + spm_field(3, spm_field(2, "abc")), "precompiled character map");
  expect_spm_error(piece + spm_field(3, spm_field(2, "\xff\xff\xff\xff")), "precompiled character map");
}

}  // namespace
}  // namespace frugal
