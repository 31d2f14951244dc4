#include "io/hf_directory.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/error.h"
#include "io/hf_tokenizer.h"
#include "io/json_file.h"
#include "io/model_metadata.h"
#include "io/output_file.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

const char* torch_name(DType dtype) {
  return dtype == DType::kF16 ? "float16" : dtype == DType::kBF16 ? "bfloat16" : "float32";
}

constexpr const char* kCopied[] = {
    "config.json",     "generation_config.json",  "tokenizer.json",    "tokenizer_config.json",
    "tokenizer.model", "special_tokens_map.json", "added_tokens.json", "vocab.json",
    "merges.txt",      "chat_template.jinja",     "chat_template.json"};

HfFiles copied_files(const std::string& folder, DType dtype) {
  HfFiles files;
  for (const char* name : kCopied) {
    const std::string path = folder + "/" + name;
    if (!fs::exists(path)) continue;
    std::ifstream in(path, std::ios::binary);
    files[name] = {std::istreambuf_iterator<char>(in), {}};
  }
  Json config = read_json_file(folder + "/config.json");
  config[config.contains("dtype") ? "dtype" : "torch_dtype"] = torch_name(dtype);
  files["config.json"] = config.dump(2) + "\n";
  return files;
}

}  // namespace

std::string folder_of(const Checkpoint& in) {
  if (fs::is_directory(in.path)) return in.path;
  const std::string parent = fs::path(in.path).parent_path().string();
  return parent.empty() ? "." : parent;
}

HfFiles hugging_face_files(const Checkpoint& in, const ModelConfig& config, DType dtype) {
  if (in.format != "gguf") return copied_files(folder_of(in), dtype);
  HfFiles files;
  files["config.json"] = hugging_face_config(config, torch_name(dtype)).dump(2) + "\n";
  files["generation_config.json"] = generation_config(config).dump(2) + "\n";
  const std::string model = in.metadata.value("tokenizer.ggml.model", Json("none")).dump();
  if (model == "\"none\"" || model == "\"no_vocab\"") return files;
  const TokenizerSpec tokenizer = read_tokenizer(in);
  files["tokenizer.json"] = tokenizer_json_of(tokenizer);
  files["tokenizer_config.json"] = tokenizer_config_of(tokenizer, config.context).dump(2) + "\n";
  return files;
}

void write_files(const HfFiles& files, const std::string& folder) {
  for (const auto& [name, content] : files) write_text_file(folder + "/" + name, content);
}

}  // namespace frugal
