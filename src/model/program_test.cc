// The row contract of whole models, bit for bit: chunks, batch-mates and teams change no logit, on any kernel table, in
// the float32 form and in the default one.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/half.h"
#include "model/pass_harness.h"

namespace frugal {

testkit::Bf16Copy::Bf16Copy(const std::string& family)
    : path((std::filesystem::temp_directory_path() / fmt::format("frugal_bf16_{}_{}", family, getpid())).string()) {
  const std::string from = golden("families/" + family);
  std::filesystem::create_directories(path);
  std::filesystem::copy_file(from + "/config.json", path + "/config.json",
                             std::filesystem::copy_options::overwrite_existing);
  std::ifstream in(from + "/model.safetensors", std::ios::binary);
  const std::string file{std::istreambuf_iterator<char>(in), {}};
  uint64_t bytes;
  std::memcpy(&bytes, file.data(), 8);
  auto header = nlohmann::json::parse(file.substr(8, bytes));
  std::string data;
  for (auto& [name, t] : header.items()) {
    if (name == "__metadata__") continue;
    const size_t begin = t["data_offsets"][0], end = t["data_offsets"][1], at = data.size();
    for (size_t i = begin; i < end; i += 4) {
      float value;
      std::memcpy(&value, &file[8 + bytes + i], 4);
      const uint16_t half = float_to_bf16(value);
      data.append(reinterpret_cast<const char*>(&half), 2);
    }
    t["dtype"] = "BF16";
    t["data_offsets"] = {at, data.size()};
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  bytes = text.size();
  std::ofstream out(path + "/model.safetensors", std::ios::binary);
  out.write(reinterpret_cast<const char*>(&bytes), 8) << text << data;
}

namespace {

using testkit::Pass;
using testkit::PassOptions;

bool same_logits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && !a.empty() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

// Runs check(options) for both forms on the tables asked for.
template <typename F>
void each_way(bool all_tables, F check) {
  for (const KernelTable* table : kernel_tables()) {
    if (!all_tables && table != &kernels()) continue;
    for (Compute compute : {Compute::kF32, Compute::kAuto}) {
      SCOPED_TRACE(fmt::format("{} {}", table->name, compute == Compute::kF32 ? "f32" : "auto"));
      check(PassOptions{compute, "f16", 1, table});
    }
  }
}

class RowContract : public testing::TestWithParam<std::string> {
 protected:
  std::unique_ptr<Model> model_ = Model::open(testkit::golden(GetParam()));
};

TEST_P(RowContract, ChunksGiveTheSameLogits) {
  const auto ids = testkit::random_ids(*model_, 90, 1);
  each_way(true, [&](const PassOptions& o) {
    Pass pass(*model_, o);
    const auto whole = pass.chunks(ids, ids.size());
    for (size_t chunk : {1, 2, 5, 16, 64})
      EXPECT_TRUE(same_logits(pass.chunks(ids, chunk), whole)) << "chunks of " << chunk;
  });
}

TEST_P(RowContract, TeamsGiveTheSameLogits) {
  const auto ids = testkit::random_ids(*model_, 40, 2);
  each_way(false, [&](PassOptions o) {
    const auto expected = Pass(*model_, o).chunks(ids, ids.size());
    for (int threads : {2, 3, 4}) {
      o.threads = threads;
      Pass pass(*model_, o);
      for (size_t chunk : {9, 40})
        EXPECT_TRUE(same_logits(pass.chunks(ids, chunk), expected)) << threads << " threads, chunks of " << chunk;
    }
  });
}

// Three sequences of different lengths and phases, packed step by step, against each alone.
TEST_P(RowContract, BatchMatesChangeNoLogit) {
  const std::vector<size_t> lengths = {61, 5, 33}, chunks = {16, 1, 7};
  each_way(false, [&](PassOptions o) {
    for (int threads : {1, 2}) {
      o.threads = threads;
      Pass pass(*model_, o);
      std::vector<std::vector<int32_t>> ids;
      std::vector<std::unique_ptr<KvSeq>> seqs;
      for (size_t i = 0; i < lengths.size(); ++i) {
        ids.push_back(testkit::random_ids(*model_, static_cast<int>(lengths[i]), 10 + i));
        seqs.push_back(pass.sequence());
      }
      std::vector<std::vector<float>> together(lengths.size());
      for (;;) {
        std::vector<Pass::Piece> pieces;
        std::vector<size_t> who;
        for (size_t i = 0; i < lengths.size(); ++i) {
          const size_t at = static_cast<size_t>(seqs[i]->length());
          if (at == lengths[i]) continue;
          pieces.push_back({seqs[i].get(), std::span(ids[i]).subspan(at, std::min(chunks[i], lengths[i] - at))});
          who.push_back(i);
        }
        if (pieces.empty()) break;
        const auto out = pass.forward(pieces);
        auto at = out.begin();
        for (size_t p = 0; p < pieces.size(); ++p) {
          const auto end = at + static_cast<int64_t>(pieces[p].ids.size()) * model_->config().vocab;
          together[who[p]].insert(together[who[p]].end(), at, end);
          at = end;
        }
      }
      for (size_t i = 0; i < lengths.size(); ++i)
        EXPECT_TRUE(same_logits(together[i], pass.chunks(ids[i], lengths[i]))) << "sequence " << i;
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Golden, RowContract,
                         testing::Values("stories260k/stories260K-f32.gguf", "families/llama", "families/qwen3",
                                         "families/gemma3", "families/mistral-window", "families/mixtral"),
                         [](const auto& p) { return std::to_string(p.index); });

// bf16 weights multiply as bf16 pairs where the machine can.
TEST(RowContractForms, Bf16WeightsGiveTheSameLogits) {
  const testkit::Bf16Copy copy("qwen3");
  auto model = Model::open(copy.path);
  ASSERT_EQ(
      model->weight("blk.0.attn_q.weight", model->config().heads * model->config().head_dim, model->config().width)
          .source()
          .dtype,
      DType::kBF16);
  const auto ids = testkit::random_ids(*model, 50, 3);
  each_way(true, [&](const PassOptions& o) {
    Pass pass(*model, o);
    const auto whole = pass.chunks(ids, ids.size());
    for (size_t chunk : {1, 5, 16}) EXPECT_TRUE(same_logits(pass.chunks(ids, chunk), whole)) << "chunks of " << chunk;
  });
}

// The tables agree with each other within rounding, and the default form stays near the float32 one.
TEST(RowContractForms, TablesAndFormsAgree) {
  auto model = Model::open(testkit::golden("families/llama"));
  const auto ids = testkit::random_ids(*model, 60, 4);
  const auto expected = Pass(*model, {Compute::kF32, "f32", 1, kernel_tables()[0]}).chunks(ids, ids.size());
  for (const KernelTable* table : kernel_tables())
    for (const char* kv : {"f32", "f16"}) {
      const auto found = Pass(*model, {Compute::kF32, kv, 1, table}).chunks(ids, ids.size());
      for (size_t i = 0; i < found.size(); ++i)
        ASSERT_NEAR(found[i], expected[i], kv == std::string("f32") ? 1e-4 : 0.1) << table->name << " " << kv;
    }
}

TEST(RowContractForms, DefaultModelInInt8) {
  const std::string path = std::string(FRUGAL_SOURCE_DIR) + "/models/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no default model: make setup fetches it";
  auto model = Model::open(path);
  const auto ids = testkit::random_ids(*model, 20, 5);
  Pass one(*model, {Compute::kAuto, "f16", 1, nullptr}), two(*model, {Compute::kAuto, "q8", 2, nullptr});
  for (Pass* pass : {&one, &two}) {
    const auto whole = pass->chunks(ids, ids.size());
    for (size_t chunk : {1, 7}) EXPECT_TRUE(same_logits(pass->chunks(ids, chunk), whole)) << "chunks of " << chunk;
  }
}

}  // namespace
}  // namespace frugal
