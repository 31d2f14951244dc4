// Chat templates: an interpreter for the part of Jinja that models' templates use.
#pragma once

#include <nlohmann/json.hpp>

#include <memory>
#include <string>

namespace frugal {

class ChatTemplate {
 public:
  // Compiles source. Throws Error with line and column when it is not a template this interpreter understands.
  explicit ChatTemplate(const std::string& source);
  ~ChatTemplate();
  ChatTemplate(ChatTemplate&&) noexcept;

  struct Inputs {
    nlohmann::ordered_json messages;  // [{role, content, ...}]
    nlohmann::ordered_json tools;     // array or null
    bool add_generation_prompt = true;
    std::string bos_token, eos_token;
    nlohmann::ordered_json extra;  // further variables by name (object or null)
    int64_t now = 0;               // seconds since 1970 for strftime_now; 0: the real clock
  };
  // Renders. Throws Error (raise_exception's message, or what failed) with line and column.
  std::string render(const Inputs& inputs) const;
  // Renders with arbitrary variables.
  std::string render(const nlohmann::ordered_json& variables, int64_t now = 0) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace frugal
