// What describe() says of sound files and of strange ones.
#include "io/describe.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "io/gguf_reader.h"
#include "io/io_test_files.h"

namespace frugal {
namespace {

using namespace testing_files;

TEST(Describe, Gguf) {
  const auto d = describe(Checkpoint::open(kGolden + "stories260k/stories260K-f32.gguf"));
  EXPECT_EQ(d["format"], "gguf");
  EXPECT_EQ(d["tensors"].size(), 47u);
  EXPECT_EQ(d["model"]["family"], "llama");
  EXPECT_EQ(d["model"]["eos"], nlohmann::ordered_json::array({2}));
  EXPECT_EQ(d["types"]["f32"]["tensors"], 47);
  EXPECT_EQ(d["metadata"]["tokenizer.ggml.tokens"]["items"], 512);
  EXPECT_EQ(d["metadata"]["tokenizer.ggml.tokens"]["first"].size(), 8u);
  int64_t bytes = 0;
  for (const auto& t : d["tensors"]) bytes += t["bytes"].get<int64_t>();
  EXPECT_EQ(d["bytes"], bytes);
  EXPECT_EQ(d["parameters"], bytes / 4);
}

TEST(Describe, HuggingFaceDirectory) {
  const auto d = describe(Checkpoint::open(kGolden + "tiny-safetensors"), {.longest = 100});
  EXPECT_EQ(d["format"], "safetensors");
  EXPECT_EQ(d["config"]["hidden_size"], 8);
  EXPECT_EQ(d["metadata"]["format"], "pt");
  EXPECT_EQ(d["model"]["vocab"], 7);
  EXPECT_EQ(d["tensors"][0]["dtype"], "f32");
}

TEST(Describe, AnyBytesBecomeText) {
  const std::string bytes = gguf_start(0, 2)
                                .text("general.architecture")
                                .u32(8)
                                .text("ll\xffma")
                                .text("long")
                                .u32(8)
                                .text(std::string(2000, 'x'))
                                .align(32)
                                .out;
  Checkpoint c;
  c.format = "gguf";
  parse_gguf(std::as_bytes(std::span(bytes)), "x.gguf", c);
  const auto d = describe(c);
  EXPECT_NO_THROW(d.dump());
  EXPECT_EQ(d["metadata"]["general.architecture"], "ll\xef\xbf\xbdma");
  EXPECT_TRUE(d["model"].is_null());
  EXPECT_LT(d["metadata"]["long"].get<std::string>().size(), 900u);
}

}  // namespace
}  // namespace frugal
