// The two sources of a ModelConfig; read_model_config picks one and checks the result against the tensors.
#pragma once

#include "io/model_config.h"

namespace frugal {

ModelConfig config_from_gguf(const Checkpoint& checkpoint);
// config: config.json; generation: generation_config.json or null.
ModelConfig config_from_json(const nlohmann::ordered_json& config, const nlohmann::ordered_json& generation);

// Typed access to a JSON object that nobody vouches for: the default when the key is absent or null, Error when it is
// of another type.
class Fields {
 public:
  Fields(const nlohmann::ordered_json& json, std::string where) : json_(json), where_(std::move(where)) {}
  bool has(const std::string& key) const { return json_.is_object() && json_.contains(key) && !json_[key].is_null(); }
  double number(const std::string& key, double otherwise) const;
  int64_t whole(const std::string& key, int64_t otherwise) const;
  bool flag(const std::string& key, bool otherwise) const;
  std::string text(const std::string& key, const std::string& otherwise) const;
  std::vector<int32_t> ids(const std::string& key) const;  // one number or a list of them
  const nlohmann::ordered_json& at(const std::string& key) const { return json_[key]; }

 private:
  [[noreturn]] void wrong(const std::string& key, const char* expected) const;
  const nlohmann::ordered_json& json_;
  std::string where_;
};

// Throws Error when a size is outside what any model has: before anything is allocated by it.
void check_sizes(const ModelConfig& config, const std::string& where);

}  // namespace frugal
