// Splits text into the pieces that BPE merges stay inside.
//
// Models write their pre-tokenizer as a chain of regular expressions, each isolating its matches inside the pieces of
// the one before. Expressions that are known, or simple runs of one set of characters, are hand-written scanners
// (pre_words.cc, pre_runs.cc); all others go to PCRE2 (pre_regex.cc). Both give the same pieces, which the tests
// compare.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace frugal {

// A reference to any callable, for the length of a call: std::function without the allocation.
class Emit {
 public:
  // Lambdas are passed as they are, and the constraint, which the check does not see, leaves copies alone.
  template <typename F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Emit>) Emit(F&& f)  // NOLINT(bugprone-forwarding-reference-overload)
      : object_(const_cast<void*>(static_cast<const void*>(&f))),
        call_([](void* o, std::string_view piece) { (*static_cast<std::remove_reference_t<F>*>(o))(piece); }) {}
  void operator()(std::string_view piece) const { call_(object_, piece); }

 private:
  void* object_;
  void (*call_)(void*, std::string_view);
};

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  // Calls emit for every piece in order; together they are the text. Safe from several threads.
  virtual void split(std::string_view text, Emit emit) const = 0;
};

// patterns, when there are any, are applied in turn; else name's (gpt-2, smollm, llama-bpe, qwen2, ...: GGUF's names).
// Throws Error for a name that is not known or a pattern that is wrong.
std::unique_ptr<PreTokenizer> make_pre_tokenizer(const std::string& name, const std::vector<std::string>& patterns);

// What name stands for (throws Error when it is not known), and a name for patterns, empty when there is none.
const std::vector<std::string>& pre_tokenizer_patterns(const std::string& name);
std::string pre_tokenizer_name(const std::vector<std::string>& patterns);

// Patterns that readers of other formats need by name.
extern const char kGpt2Pattern[];
extern const char kLlama3Pattern[];
extern const char kQwen2Pattern[];
extern const char kDigitPattern[];   // one digit apart from the next
extern const char kDigitsPattern[];  // runs of digits
extern const char
    kByteDigitsPattern[];  // the same where a Digits part stands behind the byte alphabet; not an expression
extern const char kPunctuationPattern[];

// The parts of a chain. The first two give nullptr for a pattern that they have no scanner for.
std::unique_ptr<PreTokenizer> make_word_scanner(const std::vector<std::string>& patterns);
std::unique_ptr<PreTokenizer> make_run_scanner(const std::string& pattern);
std::unique_ptr<PreTokenizer> make_regex_splitter(const std::string& pattern);

}  // namespace frugal
