// Which of a checkpoint's files hold its tokenizer: GGUF metadata, or beside safetensors tokenizer.json,
// tokenizer.model or spiece.model in this order, with tokenizer_config.json, chat_template.jinja and
// generation_config.json over them.
#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/mapped_file.h"
#include "io/config_reader.h"
#include "io/json_file.h"
#include "io/model_config.h"
#include "io/sentencepiece_model.h"
#include "io/tokenizer_gguf.h"
#include "io/tokenizer_json.h"

namespace frugal {
namespace {

namespace fs = std::filesystem;

std::string_view text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

TokenizerSpec read_model_file(const fs::path& folder) {
  if (const fs::path path = folder / "tokenizer.json"; fs::exists(path))
    return tokenizer_from_json(read_large_json_file(path.string()), nullptr);
  for (const char* name : {"tokenizer.model", "spiece.model"})
    if (const fs::path path = folder / name; fs::exists(path))
      return tokenizer_from_sentencepiece(MappedFile(path.string()).bytes());
  fail(ErrorCode::kNotFound, "tokenizer", "{} has none of tokenizer.json, tokenizer.model and spiece.model",
       folder.string());
}

// Every id that ends a turn, not only the tokenizer's own.
void add_stops(const nlohmann::ordered_json& generation, TokenizerSpec& s) {
  for (int32_t id : Fields(generation, "generation_config.json").ids("eos_token_id"))
    if (std::find(s.stops.begin(), s.stops.end(), id) == s.stops.end()) s.stops.push_back(id);
}

TokenizerSpec read_hugging_face(const fs::path& folder) {
  TokenizerSpec s = read_model_file(folder);
  if (const fs::path path = folder / "tokenizer_config.json"; fs::exists(path))
    apply_tokenizer_config(read_json_file(path.string()), s);
  if (const fs::path path = folder / "chat_template.jinja"; fs::exists(path))
    s.chat_template = text_of(MappedFile(path.string()));
  if (const fs::path path = folder / "generation_config.json"; fs::exists(path))
    add_stops(read_json_file(path.string()), s);
  return s;
}

const TensorView* embedding_of(const Checkpoint& file) {
  for (const char* name : {"token_embd.weight", "model.embed_tokens.weight"})
    if (const TensorView* t = file.find(name)) return t;
  return nullptr;
}

}  // namespace

TokenizerSpec read_tokenizer(const Checkpoint& file) {
  const fs::path path = file.path;
  TokenizerSpec s = file.format == "gguf" ? tokenizer_from_gguf(file.metadata)
                                          : read_hugging_face(fs::is_directory(path) ? path : path.parent_path());
  const TensorView* embedding = embedding_of(file);
  if (embedding != nullptr && static_cast<int64_t>(s.pieces.size()) > embedding->rows())
    fail(ErrorCode::kBadInput, "tokenizer", "{} has {} tokens, its embedding {} rows", file.path, s.pieces.size(),
         embedding->rows());
  return s;
}

}  // namespace frugal
