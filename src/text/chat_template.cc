// The public face of the interpreter in jinja/: positions and variables in, text or frugal::Error out.
#include "text/chat_template.h"

#include "base/error.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/lexer.h"
#include "text/jinja/parser.h"

namespace frugal {
namespace {

constexpr const char* kPart = "chat template";

[[noreturn]] void report(const jinja::Failure& failure) {
  if (failure.position.line == 0) fail(ErrorCode::kBadInput, kPart, "{}", failure.what());
  fail(ErrorCode::kBadInput, kPart, "line {}, column {}: {}", failure.position.line, failure.position.column,
       failure.what());
}

nlohmann::ordered_json variables_of(const ChatTemplate::Inputs& inputs) {
  nlohmann::ordered_json variables = inputs.extra.is_null() ? nlohmann::ordered_json::object() : inputs.extra;
  if (!variables.is_object())
    fail(ErrorCode::kUsage, kPart, "extra variables: expected an object, found {}", variables.type_name());
  variables["messages"] = inputs.messages;
  variables["tools"] = inputs.tools;
  variables["add_generation_prompt"] = inputs.add_generation_prompt;
  variables["bos_token"] = inputs.bos_token;
  variables["eos_token"] = inputs.eos_token;
  return variables;
}

}  // namespace

struct ChatTemplate::Impl {
  jinja::Body body;
};

ChatTemplate::ChatTemplate(const std::string& source) : impl_(std::make_unique<Impl>()) {
  try {
    impl_->body = jinja::parse(jinja::normalize_newlines(source));
  } catch (const jinja::Failure& failure) {
    report(failure);
  }
}

ChatTemplate::~ChatTemplate() = default;
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;

std::string ChatTemplate::render(const Inputs& inputs) const { return render(variables_of(inputs), inputs.now); }

std::string ChatTemplate::render(const nlohmann::ordered_json& variables, int64_t now) const {
  if (!variables.is_object() && !variables.is_null()) {
    fail(ErrorCode::kUsage, kPart, "variables: expected an object, found {}", variables.type_name());
  }
  try {
    const jinja::Value values = jinja::from_json(variables.is_null() ? nlohmann::ordered_json::object() : variables);
    return jinja::Interpreter(impl_->body, now).run(*values.dict());
  } catch (const jinja::Failure& failure) {
    report(failure);
  }
}

}  // namespace frugal
