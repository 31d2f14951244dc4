// tokens(path, model): documents as token ids for training, packed: one after the other, each closed by the end token.
//
// Files of a folder hold ids of 16 bits where the vocabulary allows, else 32, little-endian; tokens.json beside them
// says which, the end token, and how many tokens there are. With length=N they are cut into sequences of N ids as
// pack.h says, padded with the end token; the borders between documents stand in a .docs file beside each: the lengths
// of a sequence's pieces in order and a 0, in 32 bits, and so on; what the pieces of a sequence do not fill is padding.
// Each part is packed by itself, so the files depend on the input alone.
#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/op.h"
#include "data/pack.h"
#include "io/checkpoint.h"
#include "io/model_config.h"
#include "io/output_file.h"
#include "text/tokenizer.h"

namespace frugal::data {
namespace {

constexpr size_t kWindow = size_t{4} << 20;  // tokens that bestfit looks at together

void put(uint64_t value, size_t bytes, std::string& out) {
  for (size_t b = 0; b < bytes; ++b) out += static_cast<char>(value >> (8 * b));
}

// Sequences into X.bin, their borders into X.docs. What it is given: a count and that many ids, a document; and so on.
class PackedWriter : public PartWriter {
 public:
  PackedWriter(const std::string& path, size_t length, Packing packing, size_t bytes, int32_t padding)
      : ids_(path),
        borders_(std::filesystem::path(path).replace_extension(".docs").string()),
        length_(length),
        bytes_(bytes),
        padding_(static_cast<uint32_t>(padding)),
        packer_(make_packer(packing, length, std::max(kWindow, length),
                            [this](auto tokens, auto pieces) { take(tokens, pieces); })) {}

  void write(std::string_view documents) override {
    while (!documents.empty()) {
      const uint32_t count = number(documents);
      document_.resize(count);
      for (int32_t& id : document_) id = static_cast<int32_t>(number(documents));
      packer_->add(document_);
    }
  }
  void commit() override {
    packer_->end();
    borders_.commit();
    ids_.commit();
  }

 private:
  static uint32_t number(std::string_view& from) {
    uint32_t value = 0;
    std::memcpy(&value, from.data(), sizeof value);
    from.remove_prefix(sizeof value);
    return value;
  }

  void take(std::span<const int32_t> tokens, std::span<const uint32_t> pieces) {
    std::string ids, borders;
    for (int32_t id : tokens) put(static_cast<uint32_t>(id), bytes_, ids);
    for (size_t i = tokens.size(); i < length_; ++i) put(padding_, bytes_, ids);
    for (uint32_t n : pieces) put(n, 4, borders);
    put(0, 4, borders);
    ids_.write(ids.data(), ids.size());
    borders_.write(borders.data(), borders.size());
  }

  OutputFile ids_, borders_;
  size_t length_, bytes_;
  uint32_t padding_;
  std::vector<int32_t> document_;
  std::unique_ptr<Packer> packer_;
};

// The sum of the lengths in a .docs file: tokens that are no padding.
uint64_t tokens_in(const std::filesystem::path& borders) {
  std::ifstream in(borders, std::ios::binary);
  uint64_t sum = 0;
  for (char four[4]; in.read(four, sizeof four);) {
    uint32_t n = 0;
    std::memcpy(&n, four, sizeof n);
    sum += n;
  }
  return sum;
}

class TokensSink : public Sink {
 public:
  TokensSink(std::string path, std::string model, size_t length, Packing packing)
      : path_(std::move(path)),
        model_(std::move(model)),
        length_(length),
        packing_(packing),
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
      const std::vector<int32_t> ids = document(batch.text[r]);
      if (length_ > 0) put(ids.size(), 4, out);
      for (int32_t id : ids) put(static_cast<uint32_t>(id), length_ > 0 ? 4 : bytes_, out);
    }
  }
  std::unique_ptr<PartWriter> open(const std::string& path, const Schema&) const override {
    if (length_ == 0) return plain_writer(path);
    return std::make_unique<PackedWriter>(path, length_, packing_, bytes_, tokenizer_->spec().eos);
  }

  void finish(const std::vector<std::string>& parts) override {
    uint64_t total = 0, padding = 0;
    std::vector<std::string> names;
    for (const std::string& part : parts) {
      const uint64_t ids = std::filesystem::file_size(part) / bytes_;
      total += ids;
      if (length_ > 0) padding += ids - tokens_in(std::filesystem::path(part).replace_extension(".docs"));
      names.push_back(std::filesystem::path(part).filename().string());
    }
    nlohmann::ordered_json about = {{"dtype", bytes_ == 2 ? "uint16" : "uint32"},
                                    {"eos", tokenizer_->spec().eos},
                                    {"vocabulary", tokenizer_->size()},
                                    {"tokens", total},
                                    {"model", model_},
                                    {"files", names}};
    if (length_ > 0)
      about.update({{"length", length_},
                    {"sequences", total / length_},
                    {"padding", padding},
                    {"pack", packing_ == Packing::kConcat ? "concat" : "bestfit"}});
    write_text_file(path_ + "/tokens.json", about.dump(1) + "\n");
  }

 private:
  // Text that spells a control token stays text.
  std::vector<int32_t> document(std::string_view text) const {
    std::vector<int32_t> ids = tokenizer_->encode(text, {.add_special = false, .parse_special = false});
    if (tokenizer_->spec().add_bos && tokenizer_->spec().bos >= 0) ids.insert(ids.begin(), tokenizer_->spec().bos);
    ids.push_back(tokenizer_->spec().eos);
    return ids;
  }

  std::string path_, model_;
  size_t length_;
  Packing packing_;
  std::unique_ptr<Tokenizer> tokenizer_;
  size_t bytes_ = 4;
};

const Register<MakeEnd> kTokens(
    {.kind = "data",
     .role = "sink",
     .name = "tokens",
     .help = "writes token ids for training, documents parted by the end token",
     .params = {ParamInfo::text("path", "a folder"),
                ParamInfo::text("model", "whose tokenizer: a GGUF file or a Hugging Face directory"),
                ParamInfo::integer("length", "cut into sequences of so many tokens; 0: one stream")
                    .preset("0")
                    .within(0, 1 << 28),
                ParamInfo::choice("pack", {"concat", "bestfit"},
                                  "sequences hold the stream as it is cut, or documents whole where they fit")
                    .preset("concat")}},
    [](const Args& a, bool) {
      End end;
      end.sink = std::make_unique<TokensSink>(a.text("path"), a.text("model"), static_cast<size_t>(a.integer("length")),
                                              a.text("pack") == "concat" ? Packing::kConcat : Packing::kBestFit);
      return end;
    });

}  // namespace
}  // namespace frugal::data
