// Chat templates from anywhere: the input's bytes are the template, rendered over one fixed conversation.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "text/chat_template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto kVariables = nlohmann::ordered_json::parse(R"({
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": " Hi é "},
                 {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1.5}}}]}],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
    "add_generation_prompt": true, "bos_token": "<s>", "eos_token": "</s>", "x": 3, "items": [3, 1, 2]})");
  try {
    frugal::ChatTemplate(std::string(reinterpret_cast<const char*>(data), size)).render(kVariables, 1700000000);
  } catch (const frugal::Error&) {
  }
  return 0;
}
