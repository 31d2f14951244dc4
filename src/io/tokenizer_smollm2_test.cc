// The default model's tokenizer, read from its GGUF file, id by id against its own tokenizer.json. Skipped without the
// file.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "io/model_config.h"
#include "text/golden_files.h"
#include "text/stream_decoder.h"

namespace frugal {
namespace {

class Smollm2Tokenizer : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = FRUGAL_SOURCE_DIR "/models/SmolLM2-135M-Instruct.Q4_1.gguf";
    if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
    tokenizer = make_tokenizer(read_tokenizer(Checkpoint::open(path)));
    texts = golden_rows<std::string>("texts.jsonl");
  }
  std::unique_ptr<Tokenizer> tokenizer;
  std::vector<std::string> texts;
};

TEST_F(Smollm2Tokenizer, IdsOfTheReference) {
  const auto expected = golden_rows<std::vector<int32_t>>("smollm2_ids.jsonl");
  ASSERT_EQ(texts.size(), expected.size());
  for (size_t i = 0; i < texts.size(); ++i)
    EXPECT_EQ(tokenizer->encode(texts[i], {.add_special = false}), expected[i]) << texts[i];
}

// Its vocabulary lacks a few bytes (U+0000 is one), so only texts without them come back whole.
TEST_F(Smollm2Tokenizer, StreamingGivesTheTextBack) {
  for (const std::string& text : texts) {
    const auto ids = tokenizer->encode(text, {.add_special = false});
    StreamDecoder decoder(*tokenizer);
    std::string streamed;
    for (int32_t id : ids) streamed += decoder.push(id);
    streamed += decoder.finish();
    EXPECT_EQ(streamed, tokenizer->decode(ids));
    if (text.find('\0') == std::string::npos) {
      EXPECT_EQ(streamed, text);
    }
  }
}

TEST_F(Smollm2Tokenizer, ChatMarksAreOneIdEach) {
  const auto ids = tokenizer->encode("<|im_start|>user\nHi<|im_end|>\n");
  EXPECT_EQ(ids, (std::vector<int32_t>{1, 4093, 198, 26843, 2, 198}));
  const auto& stops = tokenizer->spec().stops;
  EXPECT_EQ(std::count(stops.begin(), stops.end(), 2), 1);
  EXPECT_EQ(tokenizer->decode(ids), "user\nHi\n");
}

}  // namespace
}  // namespace frugal
