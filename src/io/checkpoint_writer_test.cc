// Reading and writing are inverse, byte for byte; a writer refuses what was not declared.
#include <gtest/gtest.h>

#include "base/error.h"
#include "io/checkpoint.h"
#include "io/io_test_files.h"

namespace frugal {
namespace {

using namespace testing_files;

// Writes all of in to path, in its order.
void copy_checkpoint(const Checkpoint& in, const std::string& path) {
  auto writer = CheckpointWriter::create(path);
  for (const TensorView& t : in.tensors) writer->declare(t.name, t.dtype, t.shape);
  writer->begin(in.metadata);
  for (const TensorView& t : in.tensors) writer->write(t.data, t.bytes);
  writer->finish();
}

void expect_same_bytes(const std::string& source) {
  TemporaryFolder folder;
  const std::string copy = folder / ("copy" + std::filesystem::path(source).extension().string());
  copy_checkpoint(Checkpoint::open(source), copy);
  EXPECT_TRUE(slurp(source) == slurp(copy)) << source;
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(CheckpointWriter, SafetensorsRoundTrip) { expect_same_bytes(kGolden + "tiny-safetensors/model.safetensors"); }
TEST(CheckpointWriter, GgufRoundTrip) { expect_same_bytes(kGolden + "stories260k/stories260K-f32.gguf"); }

TEST(CheckpointWriter, KeepsEveryKindOfValue) {
  TemporaryFolder folder;
  const auto metadata = nlohmann::ordered_json::parse(
      R"({"a":"text","b":true,"c":7,"d":-7,"e":0.5,"f":[1,2],"g":[-1,2],"h":["x",""],"i":[],"j":4294967296,"k":[[1],[2,3]],"l":[0.5,1]})");
  auto writer = CheckpointWriter::create(folder / "x.gguf");
  writer->declare("t", DType::kQ4_0, {2, 3, 32});
  writer->declare("s", DType::kF32, {});
  writer->begin(metadata);
  const std::string data(6 * 18 + 4, 'q');
  writer->write(data.data(), 50);
  writer->write(data.data() + 50, data.size() - 50);
  writer->finish();
  const Checkpoint back = Checkpoint::open(folder / "x.gguf");
  EXPECT_EQ(back.metadata, metadata);
  ASSERT_EQ(back.tensors.size(), 2u);
  EXPECT_EQ(back.at("t").shape, (std::vector<int64_t>{2, 3, 32}));
  EXPECT_EQ(back.at("t").bytes, 6u * 18);
  EXPECT_EQ(back.at("s").elements(), 1);
  EXPECT_EQ(static_cast<char>(back.at("s").data[3]), 'q');
}

TEST(CheckpointWriter, StackedExpertsAreFoundOneByOne) {
  TemporaryFolder folder;
  auto writer = CheckpointWriter::create(folder / "x.gguf");
  writer->declare("blk.0.ffn_up_exps.weight", DType::kF32, {2, 3, 4});
  writer->begin(nlohmann::ordered_json::object());
  std::vector<float> values(24);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  writer->write(values.data(), 96);
  writer->finish();
  const Checkpoint back = Checkpoint::open(folder / "x.gguf");
  const TensorView& second = back.at("blk.0.ffn_up.1.weight");
  EXPECT_EQ(second.shape, (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(reinterpret_cast<const float*>(second.data)[0], 12.0f);
  EXPECT_EQ(back.find("blk.0.ffn_up.2.weight"), nullptr);
}

TEST(CheckpointWriter, RefusesWhatWasNotDeclared) {
  TemporaryFolder folder;
  auto writer = CheckpointWriter::create(folder / "x.safetensors");
  writer->declare("a", DType::kF32, {2});
  EXPECT_THROW(writer->declare("a", DType::kF32, {2}), Error);
  EXPECT_THROW(writer->declare("b", DType::kQ4_0, {32}), Error);
  EXPECT_THROW(writer->declare("c", DType::kF32, {-1}), Error);
  EXPECT_THROW(writer->write("", 1), Error);
  writer->begin({});
  EXPECT_THROW(writer->declare("d", DType::kF32, {2}), Error);
  const float two[2] = {1, 2};
  writer->write(two, 4);
  EXPECT_THROW(writer->finish(), Error);
  writer->write(two, 4);
  EXPECT_THROW(writer->write(two, 1), Error);
  EXPECT_FALSE(std::filesystem::exists(folder / "x.safetensors"));
  writer->finish();
  EXPECT_EQ(Checkpoint::open(folder / "x.safetensors").at("a").bytes, 8u);
}

TEST(CheckpointWriter, LeavesNothingBehindWhenGivenUp) {
  TemporaryFolder folder;
  {
    auto writer = CheckpointWriter::create(folder / "x.gguf");
    writer->declare("a", DType::kF32, {2});
    writer->begin(nlohmann::ordered_json::object());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_THROW(CheckpointWriter::create(folder / "x.bin"), Error);
  EXPECT_THROW(CheckpointWriter::create(folder / "none/x.gguf"), Error);
}

TEST(CheckpointWriter, RefusesValuesThatGgufCannotHold) {
  TemporaryFolder folder;
  for (const char* metadata : {R"({"a":null})", R"({"a":{}})", R"({"a":[1,"x"]})", R"({"general.alignment":3})"})
    EXPECT_THROW(CheckpointWriter::create(folder / "x.gguf")->begin(nlohmann::ordered_json::parse(metadata)), Error)
        << metadata;
}

}  // namespace
}  // namespace frugal
