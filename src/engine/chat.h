// From messages to prompt ids: the model's chat template, then its tokenizer.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace frugal {

class Chat {
 public:
  // Throws Error when the tokenizer's model has no chat template.
  explicit Chat(const Tokenizer& tokenizer);
  std::string render(const nlohmann::ordered_json& messages, bool add_generation_prompt = true) const;
  std::vector<int32_t> ids(const nlohmann::ordered_json& messages) const;

 private:
  const Tokenizer& tokenizer_;
  ChatTemplate template_;
};

inline bool has_chat(const Tokenizer& t) { return !t.spec().chat_template.empty(); }

// Every id that ends an answer: the tokenizer's, and generation_config's.
std::vector<int32_t> stop_ids(const Tokenizer& tokenizer, const std::vector<int32_t>& from_config);

}  // namespace frugal
