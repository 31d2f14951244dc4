// tokens(path, model): documents as token ids for training, packed: one after the other, each closed by the end token.
//
// Files of a folder hold ids of 16 bits where the vocabulary allows, else 32, little-endian; tokens.json beside them
// says which, the end token, and how many tokens there are. Cutting into sequences, with the borders between documents
// that the end tokens mark, is the trainer's business.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/op.h"
#include "io/checkpoint.h"
#include "io/model_config.h"
#include "io/output_file.h"
#include "text/tokenizer.h"

namespace frugal::data {
namespace {

class TokensSink : public Sink {
 public:
  TokensSink(std::string path, std::string model)
      : path_(std::move(path)),
        model_(std::move(model)),
        tokenizer_(make_tokenizer(read_tokenizer(Checkpoint::open(model_)))) {
    if (tokenizer_->spec().eos < 0)
      fail(ErrorCode::kUsage, "tokens", "{} names no end token, expected one to part documents", model_);
    bytes_ = tokenizer_->size() <= 65536 ? 2 : 4;
  }
  std::string output() const override { return path_; }
  std::string folder() const override { return path_; }
  std::string extension() const override { return ".bin"; }

  void encode(const Batch& batch, const Schema&, std::string& out) const override {
    for (size_t r = 0; r < batch.rows(); ++r) {
      if (batch.verdict[r] != kKept) continue;
      // Text that spells a control token stays text.
      if (tokenizer_->spec().add_bos && tokenizer_->spec().bos >= 0) put(tokenizer_->spec().bos, out);
      for (int32_t id : tokenizer_->encode(batch.text[r], {.add_special = false, .parse_special = false})) put(id, out);
      put(tokenizer_->spec().eos, out);
    }
  }

  void finish(const std::vector<std::string>& parts) override {
    uint64_t total = 0;
    std::vector<std::string> names;
    for (const std::string& part : parts) {
      total += std::filesystem::file_size(part) / bytes_;
      names.push_back(std::filesystem::path(part).filename().string());
    }
    const nlohmann::ordered_json about = {{"dtype", bytes_ == 2 ? "uint16" : "uint32"},
                                          {"eos", tokenizer_->spec().eos},
                                          {"vocabulary", tokenizer_->size()},
                                          {"tokens", total},
                                          {"model", model_},
                                          {"files", names}};
    write_text_file(path_ + "/tokens.json", about.dump(1) + "\n");
  }

 private:
  void put(int32_t id, std::string& out) const {
    for (size_t b = 0; b < bytes_; ++b) out += static_cast<char>(static_cast<uint32_t>(id) >> (8 * b));
  }
  std::string path_, model_;
  std::unique_ptr<Tokenizer> tokenizer_;
  size_t bytes_ = 4;
};

const Register<MakeEnd> kTokens(
    {.kind = "data",
     .role = "sink",
     .name = "tokens",
     .help = "writes token ids for training, documents parted by the end token",
     .params = {ParamInfo::text("path", "a folder"),
                ParamInfo::text("model", "whose tokenizer: a GGUF file or a Hugging Face directory")}},
    [](const Args& a, bool) {
      End end;
      end.sink = std::make_unique<TokensSink>(a.text("path"), a.text("model"));
      return end;
    });

}  // namespace
}  // namespace frugal::data
