#include "engine/chat.h"

#include <algorithm>

#include "base/error.h"

namespace frugal {
namespace {

const std::string& source_of(const Tokenizer& t) {
  if (!has_chat(t)) fail(ErrorCode::kUsage, "chat", "the model has no chat template; --raw takes the prompt as it is");
  return t.spec().chat_template;
}

std::string piece(const Tokenizer& t, int32_t id) { return id >= 0 && id < t.size() ? std::string(t.bytes(id)) : ""; }

}  // namespace

Chat::Chat(const Tokenizer& tokenizer) : tokenizer_(tokenizer), template_(source_of(tokenizer)) {}

std::string Chat::render(const nlohmann::ordered_json& messages, bool add_generation_prompt) const {
  ChatTemplate::Inputs inputs;
  inputs.messages = messages;
  inputs.add_generation_prompt = add_generation_prompt;
  inputs.bos_token = piece(tokenizer_, tokenizer_.spec().bos);
  inputs.eos_token = piece(tokenizer_, tokenizer_.spec().eos);
  return template_.render(inputs);
}

std::vector<int32_t> Chat::ids(const nlohmann::ordered_json& messages) const {
  const std::string text = render(messages);
  const std::string bos = piece(tokenizer_, tokenizer_.spec().bos);
  const bool has_bos = !bos.empty() && text.rfind(bos, 0) == 0;  // templates write it themselves
  return tokenizer_.encode(text, {.add_special = !has_bos, .parse_special = true});
}

std::vector<int32_t> stop_ids(const Tokenizer& tokenizer, const std::vector<int32_t>& from_config) {
  std::vector<int32_t> ids = tokenizer.spec().stops;
  if (tokenizer.spec().eos >= 0) ids.push_back(tokenizer.spec().eos);
  ids.insert(ids.end(), from_config.begin(), from_config.end());
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace frugal
