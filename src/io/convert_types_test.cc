// Conversion that changes types: what is stored is what dequantising and quantising the rows gives, on any number of
// threads; what cannot be done is refused before anything is written.
#include <gtest/gtest.h>

#include <cmath>

#include "base/blocks.h"
#include "base/error.h"
#include "io/convert.h"
#include "io/gguf_tokenizer.h"
#include "io/hf_tokenizer.h"
#include "io/io_test_files.h"
#include "io/shapes.h"
#include "io/tokenizer_gguf.h"

namespace frugal::convert_types_test {
namespace {

using Json = nlohmann::ordered_json;
using testing_files::kGolden;
using testing_files::slurp;
using testing_files::TemporaryFolder;

const std::string kGguf = kGolden + "stories260k/stories260K-f32.gguf";

std::string refusal(const std::string& in, const std::string& out, const std::string& type = "") {
  try {
    convert(Checkpoint::open(in), out, {type, 1});
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(ConvertTypes, RowsAreQuantisedOneByOne) {
  TemporaryFolder folder;
  const Checkpoint in = Checkpoint::open(kGguf);
  const ConvertReport report = convert(in, folder / "x.gguf", {"q8_0", 2});
  EXPECT_EQ(report.types.at("f16"), 5);  // rows of 172 are no multiple of 32
  EXPECT_EQ(report.types.at("f32"), 11);
  const Checkpoint out = Checkpoint::open(folder / "x.gguf");
  EXPECT_EQ(out.metadata["general.file_type"], 7);
  EXPECT_EQ(out.metadata["tokenizer.ggml.tokens"], in.metadata["tokenizer.ggml.tokens"]);
  for (const TensorView& t : out.tensors) {
    const TensorView& source = in.at(t.name);
    std::string expected(t.bytes, '\0');
    for (int64_t r = 0; r < t.rows(); ++r)
      quantise_row(t.dtype, reinterpret_cast<const float*>(source.row(r)),
                   expected.data() + static_cast<size_t>(r) * row_bytes(t.dtype, t.cols()), t.cols());
    EXPECT_EQ(expected, std::string(reinterpret_cast<const char*>(t.data), t.bytes)) << t.name;
  }
}

TEST(ConvertTypes, ThreadsChangeNothing) {
  TemporaryFolder folder;
  write_random_model("smollm2-135m", "q8_0", folder / "big.gguf", 3);  // several pieces a tensor
  const Checkpoint big = Checkpoint::open(folder / "big.gguf");
  int64_t reported = 0;
  const ConvertReport report = convert(big, folder / "1.safetensors", {"bf16", 1, [&](int64_t n) { reported += n; }});
  EXPECT_EQ(reported, report.bytes_out);
  convert(big, folder / "3.safetensors", {"bf16", 3});
  EXPECT_TRUE(slurp(folder / "1.safetensors") == slurp(folder / "3.safetensors"));
}

TEST(ConvertTypes, HuggingFaceFolderKeepsItsFiles) {
  TemporaryFolder folder;
  convert(Checkpoint::open(kGolden + "stories260k/hf"), folder / "hf", {"bf16", 1});
  EXPECT_EQ(slurp(folder / "hf/tokenizer.model"), slurp(kGolden + "stories260k/hf/tokenizer.model"));
  EXPECT_EQ(Json::parse(slurp(folder / "hf/config.json"))["torch_dtype"], "bfloat16");
  for (const TensorView& t : Checkpoint::open(folder / "hf").tensors) EXPECT_EQ(t.dtype, DType::kBF16) << t.name;
}

TEST(ConvertTypes, WhatIsNoModelKeepsItsNames) {
  TemporaryFolder folder;
  auto writer = CheckpointWriter::create(folder / "adapter_model.safetensors");
  writer->declare("base_model.lora_A.weight", DType::kF32, {2, 3});
  writer->declare("steps", DType::kI64, {1});
  writer->begin({{"format", "pt"}});
  const std::string bytes(32, '\0');
  writer->write(bytes.data(), bytes.size());
  writer->finish();
  convert(Checkpoint::open(folder / "adapter_model.safetensors"), folder / "x.gguf", {"", 1});
  EXPECT_EQ(Checkpoint::open(folder / "x.gguf").at("base_model.lora_A.weight").shape, (std::vector<int64_t>{2, 3}));
  EXPECT_NE(refusal(folder / "adapter_model.safetensors", folder / "out").find("no model configuration"),
            std::string::npos);
}

TEST(ConvertTypes, WhatCannotBeDoneIsRefused) {
  TemporaryFolder folder;
  EXPECT_NE(refusal(kGguf, folder / "hf", "q8_0").find("expected f32, f16 or bf16"), std::string::npos);
  EXPECT_NE(refusal(kGguf, folder / "x.gguf", "q8_1").find("did you mean"), std::string::npos);
  auto writer = CheckpointWriter::create(folder / "odd.gguf");
  writer->declare("blk.0.attn_odd.weight", DType::kF32, {1, 4});
  writer->declare("token_embd.weight", DType::kF32, {4, 4});
  Json metadata = {{"general.architecture", "llama"},
                   {"llama.block_count", 1},
                   {"llama.embedding_length", 4},
                   {"llama.attention.head_count", 2}};
  metadata["llama.feed_forward_length"] = 4;
  metadata["llama.context_length"] = 4;
  writer->begin(metadata);
  const std::string bytes(80, '\0');
  writer->write(bytes.data(), bytes.size());
  writer->finish();
  EXPECT_NE(refusal(folder / "odd.gguf", folder / "hf").find("attn_odd.weight has no place"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder / "hf"));
}

// The keys that come out are those the specification was read from.
TEST(ConvertTypes, GgufTokenizerIsTheWayBack) {
  const Checkpoint in = Checkpoint::open(kGguf);
  const Json made = gguf_tokenizer(tokenizer_from_gguf(in.metadata), read_model_config(in));
  for (const auto& [key, value] : in.metadata.items())
    if (key.starts_with("tokenizer.") && made.contains(key)) {
      EXPECT_EQ(made[key], value) << key;
    }
  for (const char* key :
       {"model", "tokens", "scores", "token_type", "bos_token_id", "eos_token_id", "unknown_token_id", "add_bos_token"})
    EXPECT_TRUE(made.contains(std::string("tokenizer.ggml.") + key)) << key;
}

TEST(ConvertTypes, MergesOfScoresBestFirst) {
  TokenizerSpec s;
  s.kind = TokenizerKind::kSpmBpe;
  s.pieces = {"a", "b", "ab", "aba", "ba"};
  s.scores = {0, 0, -2, -1, -3};
  const std::vector<std::pair<std::string, std::string>> expected = {{"a", "ba"}, {"ab", "a"}, {"a", "b"}, {"b", "a"}};
  EXPECT_EQ(merges_of_scores(s), expected);
}

// tokenizer.json of the same vocabulary gives the ids that the GGUF file gives, and so does GGUF made of that again.
TEST(ConvertTypes, TokenizersGiveTheSameIds) {
  TemporaryFolder folder;
  convert(Checkpoint::open(kGguf), folder / "hf", {"", 1});
  convert(Checkpoint::open(folder / "hf"), folder / "back.gguf", {"", 1});
  auto tokenizer = [](const std::string& path) { return make_tokenizer(read_tokenizer(Checkpoint::open(path))); };
  const auto theirs = tokenizer(kGguf), ours = tokenizer(folder / "hf"), back = tokenizer(folder / "back.gguf");
  for (const char* text : {"Once upon a time, there was a little girl named Lily.", "  two  blanks", "\n\tLily's cat",
                           "na\xc3\xafve \xf0\x9f\x98\x80", "<s>x</s>", ""})
    for (const auto& t : {&ours, &back}) EXPECT_EQ((*t)->encode(text), theirs->encode(text)) << text;
}

}  // namespace
}  // namespace frugal::convert_types_test
