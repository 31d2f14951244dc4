#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/pre_tokenizer.h"

#include <pcre2.h>

#include <map>

#include "base/error.h"

namespace frugal {
namespace {

constexpr char kGpt2[] = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr char kLlama3[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr char kQwen2[] =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

const std::map<std::string, std::vector<std::string>>& named() {
  static const std::map<std::string, std::vector<std::string>> map = {
      {"default", {kGpt2}},   {"gpt-2", {kGpt2}},      {"gpt2", {kGpt2}},
      {"smollm", {R"(\p{N})", kGpt2}}, {"starcoder", {R"(\p{N})", kGpt2}},
      {"llama-bpe", {kLlama3}}, {"llama3", {kLlama3}}, {"llama-v3", {kLlama3}}, {"qwen2", {kQwen2}},
      {"falcon", {R"([\p{P}\$\+<=>\^~\|`]+)", kGpt2, R"(\p{N}+)", R"([0-9][0-9][0-9])"}},
  };
  return map;
}

class Pattern {
 public:
  explicit Pattern(const std::string& source) {
    int error = 0;
    PCRE2_SIZE at = 0;
    code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(source.data()), source.size(), PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF, &error, &at, nullptr);
    if (code_ == nullptr) {
      PCRE2_UCHAR text[128];
      pcre2_get_error_message(error, text, sizeof text);
      fail(ErrorCode::kBadInput, "pre-tokenizer", "pattern {} is wrong at {}: {}", source, at, reinterpret_cast<const char*>(text));
    }
    pcre2_jit_compile(code_, PCRE2_JIT_COMPLETE);
  }
  ~Pattern() { pcre2_code_free(code_); }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  // Cuts text into matches and what lies between them.
  template <typename F>
  void split(std::string_view text, F f) const {
    pcre2_match_data* match = pcre2_match_data_create(1, nullptr);
    size_t at = 0, from = 0;
    while (at < text.size()) {
      const int n = pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at, 0, match, nullptr);
      if (n < 0) break;
      const PCRE2_SIZE* span = pcre2_get_ovector_pointer(match);
      if (span[1] == span[0]) {
        at = span[1] + 1;
        continue;
      }
      if (span[0] > from) f(text.substr(from, span[0] - from));
      f(text.substr(span[0], span[1] - span[0]));
      at = from = span[1];
    }
    pcre2_match_data_free(match);
    if (from < text.size()) f(text.substr(from));
  }

 private:
  pcre2_code* code_ = nullptr;
};

class Chain : public PreTokenizer {
 public:
  explicit Chain(const std::vector<std::string>& patterns) {
    for (const std::string& p : patterns) patterns_.push_back(std::make_unique<Pattern>(p));
  }
  void split(std::string_view text, const std::function<void(std::string_view)>& f) const override { level(0, text, f); }

 private:
  void level(size_t i, std::string_view text, const std::function<void(std::string_view)>& f) const {
    if (i == patterns_.size()) return f(text);
    patterns_[i]->split(text, [&](std::string_view piece) { level(i + 1, piece, f); });
  }
  std::vector<std::unique_ptr<Pattern>> patterns_;
};

}  // namespace

std::unique_ptr<PreTokenizer> make_pre_tokenizer(const std::string& name, const std::vector<std::string>& patterns) {
  if (!patterns.empty()) return std::make_unique<Chain>(patterns);
  auto it = named().find(name);
  if (it == named().end()) {
    std::string known;
    for (const auto& [n, p] : named()) known += (known.empty() ? "" : ", ") + n;
    fail(ErrorCode::kUnsupported, "pre-tokenizer", "'{}' is not known; known are {}", name, known);
  }
  return std::make_unique<Chain>(it->second);
}

}  // namespace frugal
