// See pattern.h.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/pattern.h"

#include <pcre2.h>

#include <new>

#include "base/error.h"

namespace frugal {
namespace {

constexpr char kSpaces[] = R"(\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";

// \s, and \S outside sets, spelled out.
std::string spell_spaces(const std::string& pattern) {
  std::string out;
  bool in_set = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i], next = i + 1 < pattern.size() ? pattern[i + 1] : 0;
    if (c == '\\' && (next == 's' || (next == 'S' && !in_set))) {
      out += in_set ? kSpaces : (next == 's' ? "[" : "[^") + std::string(kSpaces) + "]";
      ++i;
    } else if (c == '\\' && next != 0) {
      out += c, out += next;
      ++i;
    } else {
      in_set = c == '[' || (in_set && c != ']');
      out += c;
    }
  }
  return out;
}

// What a match needs beside the code; one a thread.
struct Workspace {
  static constexpr size_t kStackStart = 32 << 10, kStackMost = 1 << 20;
  static constexpr uint32_t kMostSteps = 1 << 20;
  pcre2_match_data* match = pcre2_match_data_create(1, nullptr);
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_jit_stack* stack = pcre2_jit_stack_create(kStackStart, kStackMost, nullptr);
  Workspace() {
    if (match == nullptr || context == nullptr || stack == nullptr) throw std::bad_alloc();
    pcre2_jit_stack_assign(context, nullptr, stack);
    pcre2_set_match_limit(context, kMostSteps);
  }
  ~Workspace() {
    pcre2_jit_stack_free(stack);
    pcre2_match_context_free(context);
    pcre2_match_data_free(match);
  }
  static Workspace& get() {
    static thread_local Workspace workspace;
    return workspace;
  }
};

}  // namespace

struct Pattern::Code {
  pcre2_code* code = nullptr;
  ~Code() { pcre2_code_free(code); }
};

Pattern::Pattern(const std::string& source, const char* part) : code_(std::make_unique<Code>()) {
  const std::string pattern = spell_spaces(source);
  constexpr uint32_t kOptions =
      PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_MULTILINE | PCRE2_DOTALL | PCRE2_NEVER_BACKSLASH_C;
  int error = 0;
  PCRE2_SIZE at = 0;
  pcre2_compile_context* context = pcre2_compile_context_create(nullptr);
  if (context == nullptr) throw std::bad_alloc();
  pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  code_->code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), kOptions, &error, &at, context);
  pcre2_compile_context_free(context);
  if (code_->code == nullptr) {
    PCRE2_UCHAR text[128];
    pcre2_get_error_message(error, text, sizeof text);
    fail(ErrorCode::kBadInput, part, "pattern {} is wrong: {}", source, reinterpret_cast<const char*>(text));
  }
  pcre2_jit_compile(code_->code, PCRE2_JIT_COMPLETE);
}

Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;

std::pair<size_t, size_t> Pattern::find(std::string_view text, size_t at) const {
  Workspace& w = Workspace::get();
  const int n =
      pcre2_match(code_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at, 0, w.match, w.context);
  if (n < 0) return {text.size(), text.size()};
  const PCRE2_SIZE* span = pcre2_get_ovector_pointer(w.match);
  return {span[0], span[1]};
}

}  // namespace frugal
