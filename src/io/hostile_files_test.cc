// Files that lie: each is refused with an Error that says what is wrong; nothing crashes or allocates by a number that
// the file made up.
#include <gtest/gtest.h>

#include "base/error.h"
#include "io/config_reader.h"
#include "io/gguf_reader.h"
#include "io/io_test_files.h"
#include "io/json_file.h"
#include "io/model_config.h"
#include "io/safetensors_reader.h"

namespace frugal {
namespace {

using namespace testing_files;

// What the Error says, empty when there is none.
template <typename F>
std::string refusal(F f) {
  try {
    f();
    return "";
  } catch (const Error& e) {
    return e.what();
  }
}

std::string gguf_refusal(const std::string& bytes) {
  return refusal([&] {
    Checkpoint c;
    parse_gguf(std::as_bytes(std::span(bytes)), "x.gguf", c);
  });
}

std::string safetensors_refusal(const std::string& bytes) {
  return refusal([&] {
    Checkpoint c;
    parse_safetensors(std::as_bytes(std::span(bytes)), "x.safetensors", c);
  });
}

#define EXPECT_SAYS(found, part) EXPECT_NE((found).find(part), std::string::npos) << "says: " << (found)

Bytes tensor_entry(Bytes b, const std::string& name, std::vector<uint64_t> dims, uint32_t type, uint64_t offset) {
  b.text(name).u32(static_cast<uint32_t>(dims.size()));
  for (uint64_t d : dims) b.u64(d);
  return b.u32(type).u64(offset);
}

constexpr uint64_t kHuge = uint64_t{1} << 63;

TEST(HostileGguf, Headers) {
  EXPECT_SAYS(gguf_refusal(""), "magic");
  EXPECT_SAYS(gguf_refusal(std::string("GGUX\3\0\0\0", 8)), "does not begin with GGUF");
  EXPECT_SAYS(gguf_refusal(gguf_start(0, 0, 9).out), "version 9");
  EXPECT_SAYS(gguf_refusal(gguf_start(kHuge, 0).out), "tensor table");
  EXPECT_SAYS(gguf_refusal(gguf_start(0, kHuge).out), "key-values");
  EXPECT_EQ(gguf_refusal(gguf_start(0, 0).align(32).out), "");
}

TEST(HostileGguf, KeyValues) {
  auto pair = [](uint32_t type) { return gguf_start(0, 1).text("k").u32(type); };
  EXPECT_SAYS(gguf_refusal(gguf_start(0, 1).u64(kHuge).u64(0).out), "text");
  EXPECT_SAYS(gguf_refusal(gguf_start(0, 1).text("").u32(4).u32(1).out), "a key of 0 bytes");
  EXPECT_SAYS(gguf_refusal(pair(77).u64(0).out), "value type 77");
  EXPECT_SAYS(gguf_refusal(pair(8).u64(kHuge).out), "text");
  EXPECT_SAYS(gguf_refusal(pair(9).u32(4).u64(kHuge).out), "array");
  EXPECT_SAYS(gguf_refusal(pair(9).u32(8).u64(1000).out), "array");
  EXPECT_SAYS(gguf_refusal(pair(9).u32(50).u64(1).out), "array of type 50");
  Bytes nested = pair(9);
  for (int i = 0; i < 100; ++i) nested.u32(9).u64(1);
  EXPECT_SAYS(gguf_refusal(nested.out), "deeper");
  EXPECT_SAYS(gguf_refusal(gguf_start(0, 2).text("k").u32(4).u32(1).text("k").u32(4).u32(1).out), "twice");
  EXPECT_SAYS(gguf_refusal(gguf_start(0, 1).text("general.alignment").u32(4).u32(24).align(32).out), "power of two");
}

TEST(HostileGguf, Tensors) {
  auto one = [](std::vector<uint64_t> dims, uint32_t type, uint64_t offset, size_t data) {
    return tensor_entry(gguf_start(1, 0), "t", std::move(dims), type, offset).align(32).raw(std::string(data, 'd')).out;
  };
  EXPECT_EQ(gguf_refusal(one({4}, 0, 0, 16)), "");
  EXPECT_SAYS(gguf_refusal(one({4}, 0, 0, 15)), "cut short");
  EXPECT_SAYS(gguf_refusal(one({4}, 0, 32, 16)), "cut short");
  EXPECT_SAYS(gguf_refusal(one({4}, 0, 7, 64)), "not a multiple");
  EXPECT_SAYS(gguf_refusal(one({4}, 0, kHuge, 16)), "cut short");
  EXPECT_SAYS(gguf_refusal(one({4}, 99, 0, 16)), "type 99");
  EXPECT_SAYS(gguf_refusal(one({0}, 0, 0, 16)), "dimension of 0");
  EXPECT_SAYS(gguf_refusal(one({kHuge}, 0, 0, 16)), "dimension of");
  EXPECT_SAYS(gguf_refusal(one({1, 2, 3, 4, 5}, 0, 0, 16)), "5 dimensions");
  const uint64_t big = uint64_t{1} << 40;
  EXPECT_SAYS(gguf_refusal(one({big, big, big, big}, 0, 0, 16)), "larger than the whole file");
  EXPECT_SAYS(gguf_refusal(one({31}, 2, 0, 64)), "multiple of 32");
  const auto two = [](uint64_t second) {
    return tensor_entry(tensor_entry(gguf_start(2, 0), "a", {8}, 0, 0), "b", {8}, 0, second)
        .align(32)
        .raw(std::string(64, 'd'))
        .out;
  };
  EXPECT_EQ(gguf_refusal(two(32)), "");
  EXPECT_SAYS(gguf_refusal(two(0)), "overlaps");
}

TEST(HostileGguf, EveryTruncationOfARealFile) {
  const std::string whole = slurp(kGolden + "stories260k/stories260K-f32.gguf");
  for (size_t n = 0; n < whole.size(); n += n < 4096 ? 1 : 9973) ASSERT_NE(gguf_refusal(whole.substr(0, n)), "") << n;
}

// Parts of a split model: number, count, and one tensor each.
std::string part_bytes(int number, int count, const std::string& tensor) {
  Bytes b = gguf_start(1, 2).text("split.no").u32(2).put<uint16_t>(static_cast<uint16_t>(number));
  b.text("split.count").u32(2).put<uint16_t>(static_cast<uint16_t>(count));
  return tensor_entry(b, tensor, {4}, 0, 0).align(32).raw(std::string(16, 'd')).out;
}

TEST(HostileGguf, SplitFiles) {
  TemporaryFolder folder;
  const std::string first = folder / "m-00001-of-00002.gguf", second = folder / "m-00002-of-00002.gguf";
  auto open = [&](const std::string& path) { return refusal([&] { Checkpoint::open(path); }); };
  spill(first, part_bytes(0, 2, "a"));
  EXPECT_SAYS(open(first), "m-00002-of-00002.gguf");  // missing
  spill(second, part_bytes(1, 2, "b"));
  EXPECT_EQ(open(first), "");
  EXPECT_SAYS(open(second), "name the first part");
  spill(second, part_bytes(1, 2, "a"));
  EXPECT_SAYS(open(first), "stands twice");
  spill(second, part_bytes(0, 2, "b"));  // says it is the first again
  EXPECT_SAYS(open(first), "part 0 of 2, expected part 1");
  spill(second, part_bytes(1, 3, "b"));
  EXPECT_SAYS(open(first), "part 1 of 3");
  spill(folder / "n.gguf", part_bytes(0, 2, "a"));
  EXPECT_SAYS(open(folder / "n.gguf"), "-00001-of-00002.gguf");
  spill(folder / "n.gguf", part_bytes(0, 65535, "a"));
  EXPECT_SAYS(open(folder / "n.gguf"), "at most 1000");
}

TEST(HostileSafetensors, Headers) {
  EXPECT_SAYS(safetensors_refusal("abc"), "header length");
  EXPECT_SAYS(safetensors_refusal(Bytes().u64(kHuge).out), "at most");
  EXPECT_SAYS(safetensors_refusal(Bytes().u64(100).raw("{}").out), "header");
  EXPECT_SAYS(safetensors_refusal(safetensors_bytes("[]")), "not a JSON object");
  EXPECT_SAYS(safetensors_refusal(safetensors_bytes("{\"a\":")), "not a JSON object");
  EXPECT_SAYS(safetensors_refusal(safetensors_bytes("{\"a\":" + std::string(100, '['))), "deeper");
  EXPECT_SAYS(safetensors_refusal(safetensors_bytes(R"({"__metadata__":[1]})")), "__metadata__");
  EXPECT_SAYS(safetensors_refusal(safetensors_bytes(R"({"__metadata__":{"a":1}})")), "no text");
  EXPECT_EQ(safetensors_refusal(safetensors_bytes("{}")), "");
}

TEST(HostileSafetensors, Tensors) {
  auto one = [](const std::string& entry) {
    return safetensors_refusal(safetensors_bytes("{\"t\":" + entry + "}", std::string(16, 'd')));
  };
  EXPECT_EQ(one(R"({"dtype":"F32","shape":[2,2],"data_offsets":[0,16]})"), "");
  EXPECT_EQ(one(R"({"dtype":"F32","shape":[0,2],"data_offsets":[0,0]})"), "");
  EXPECT_SAYS(one("3"), "needs dtype, shape");
  EXPECT_SAYS(one(R"({"dtype":"F32","shape":[2,2]})"), "needs dtype, shape");
  EXPECT_SAYS(one(R"({"dtype":"X9","shape":[2,2],"data_offsets":[0,16]})"), "dtype \"X9\"");
  EXPECT_SAYS(one(R"({"dtype":"F32","shape":[-2,2],"data_offsets":[0,16]})"), "dimension -2");
  EXPECT_SAYS(one(R"({"dtype":"F32","shape":[2.5],"data_offsets":[0,16]})"), "dimension 2.5");
  EXPECT_SAYS(one(R"({"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,16]})"),
              "dimension 9223372036854775808");
  EXPECT_SAYS(
      one(R"({"dtype":"F32","shape":[1099511627776,1099511627776,1099511627776,1099511627776],"data_offsets":[0,16]})"),
      "larger");
  EXPECT_SAYS(one(R"({"dtype":"F32","shape":[1,1,1,1,1,1,1,1,4],"data_offsets":[0,16]})"), "9 dimensions");
  EXPECT_SAYS(one(R"({"dtype":"F32","shape":[2,2],"data_offsets":[0,17]})"), "cut short");
  EXPECT_SAYS(one(R"({"dtype":"F32","shape":[2,2],"data_offsets":[16,0]})"), "cut short");
  EXPECT_SAYS(one(R"({"dtype":"F32","shape":[2,2],"data_offsets":[-1,16]})"), "cut short");
  EXPECT_SAYS(one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,16]})"), "16 bytes");
  const std::string t = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})",
                    u = R"({"dtype":"F32","shape":[2],"data_offsets":[4,12]})";
  EXPECT_SAYS(safetensors_refusal(safetensors_bytes("{\"a\":" + t + ",\"b\":" + u + "}", std::string(12, 'd'))),
              "overlap");
  EXPECT_SAYS(safetensors_refusal(safetensors_bytes("{\"a\":" + t + ",\"a\":" + t + "}", std::string(8, 'd'))),
              "twice");
}

TEST(HostileSafetensors, Shards) {
  TemporaryFolder folder;
  const std::string index = folder / "model.safetensors.index.json";
  auto open = [&](const std::string& map) {
    spill(index, map);
    return refusal([&] { Checkpoint::open(folder.path()); });
  };
  EXPECT_SAYS(open("{"), "not JSON");
  EXPECT_SAYS(open("[]"), "weight_map");
  EXPECT_SAYS(open(R"({"weight_map":{"a":"../../etc/passwd"}})"), "expected a file name");
  EXPECT_SAYS(open(R"({"weight_map":{"a":3}})"), "expected a file name");
  EXPECT_SAYS(open(R"({"weight_map":{"a":"none.safetensors"}})"), "none.safetensors");
  spill(folder / "s.safetensors",
        safetensors_bytes(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "dddd"));
  EXPECT_EQ(open(R"({"weight_map":{"a":"s.safetensors"}})"), "");
  EXPECT_SAYS(open(R"({"weight_map":{"a":"s.safetensors","b":"s.safetensors"}})"), "lacks it");
}

std::string config_refusal(const char* changes) {
  auto config = nlohmann::ordered_json::parse(
      R"({"model_type":"llama","hidden_size":8,"num_hidden_layers":1,"num_attention_heads":2,"intermediate_size":5,"vocab_size":7})");
  config.update(nlohmann::ordered_json::parse(changes));
  return refusal([&] { config_from_json(config, nlohmann::ordered_json()); });
}

TEST(HostileConfig, Fields) {
  EXPECT_EQ(config_refusal("{}"), "");
  EXPECT_SAYS(config_refusal(R"({"model_type":3})"), "model_type");
  EXPECT_SAYS(config_refusal(R"({"num_hidden_layers":1099511627776})"), "layers");
  EXPECT_SAYS(config_refusal(R"({"num_hidden_layers":9223372036854775808})"), "2^40");
  EXPECT_SAYS(config_refusal(R"({"num_hidden_layers":-3})"), "num_hidden_layers");
  EXPECT_SAYS(config_refusal(R"({"num_hidden_layers":"many"})"), "num_hidden_layers");
  EXPECT_SAYS(config_refusal(R"({"num_attention_heads":0})"), "heads");
  EXPECT_SAYS(config_refusal(R"({"num_key_value_heads":0})"), "kv_heads");
  EXPECT_SAYS(config_refusal(R"({"head_dim":3})"), "head_dim");
  EXPECT_SAYS(config_refusal(R"({"vocab_size":0})"), "vocab");
  EXPECT_SAYS(config_refusal(R"({"hidden_act":"relu6"})"), "activation");
  EXPECT_SAYS(config_refusal(R"({"num_local_experts":4})"), "experts_used");
  EXPECT_SAYS(config_refusal(R"({"rms_norm_eps":[]})"), "rms_norm_eps");
}

// A model with `tokens` pieces, types and an embedding of `rows` rows.
std::string vocabulary_refusal(uint64_t tokens, uint64_t rows, uint32_t first_type = 1) {
  Bytes b = gguf_start(1, 4).text("tokenizer.ggml.model").u32(8).text("llama");
  b.text("tokenizer.ggml.tokens").u32(9).u32(8).u64(tokens);
  for (uint64_t i = 0; i < tokens; ++i) b.text("t" + std::to_string(i));
  b.text("tokenizer.ggml.token_type").u32(9).u32(5).u64(tokens);
  for (uint64_t i = 0; i < tokens; ++i) b.u32(i == 0 ? first_type : 1);
  b.text("tokenizer.ggml.unknown_token_id").u32(4).u32(0);
  const std::string bytes =
      tensor_entry(b, "token_embd.weight", {8, rows}, 0, 0).align(32).raw(std::string(32 * rows, 'd')).out;
  return refusal([&] {
    Checkpoint c;
    c.format = "gguf";
    TemporaryFolder folder;
    spill(folder / "v.gguf", bytes);
    read_tokenizer(Checkpoint::open(folder / "v.gguf"));
  });
}

TEST(HostileConfig, Vocabularies) {
  EXPECT_EQ(vocabulary_refusal(5, 5), "");
  EXPECT_EQ(vocabulary_refusal(5, 7), "");  // rows beyond the vocabulary are padding
  EXPECT_SAYS(vocabulary_refusal(9, 7), "9 tokens");
  EXPECT_SAYS(vocabulary_refusal(5, 5, 77), "token_type");
}

// Inputs that fuzzing found or started from: read or refused, never worse.
TEST(HostileFiles, KeptFuzzInputs) {
  int files = 0;
  for (const auto& [folder, parse] : {std::pair("gguf", &gguf_refusal), std::pair("safetensors", &safetensors_refusal)})
    for (const auto& entry :
         std::filesystem::directory_iterator(std::string(FRUGAL_SOURCE_DIR) + "/tests/fuzz/" + folder)) {
      parse(slurp(entry.path().string()));
      ++files;
    }
  EXPECT_GE(files, 6);
}

TEST(HostileConfig, Files) {
  EXPECT_SAYS(refusal([] { parse_json("{\"a\":1,}", 8, "c.json"); }), "c.json");
  const std::string deep(1000, '[');
  EXPECT_SAYS(refusal([&] { parse_json(deep.data(), deep.size(), "c.json"); }), "deeper");
  TemporaryFolder folder;
  std::filesystem::copy(kGolden + "tiny-safetensors/model.safetensors", folder / "model.safetensors");
  EXPECT_SAYS(refusal([&] { read_model_config(Checkpoint::open(folder.path())); }), "config.json");
  EXPECT_SAYS(refusal([&] { Checkpoint::open(folder / "none"); }), "no file or directory");
  spill(folder / "x.bin", "");
  EXPECT_SAYS(refusal([&] { Checkpoint::open(folder / "x.bin"); }), "expected a .gguf");
}

}  // namespace
}  // namespace frugal
