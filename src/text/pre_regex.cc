// Pre-tokenizer patterns that no scanner knows.
#include <algorithm>

#include "text/pattern.h"
#include "text/pre_tokenizer.h"

namespace frugal {
namespace {

class RegexSplitter : public PreTokenizer {
 public:
  explicit RegexSplitter(const std::string& source) : pattern_(source, "pre-tokenizer") {}

  void split(std::string_view text, Emit emit) const override {
    size_t at = 0, from = 0;
    while (at < text.size()) {
      const auto [begin, end] = pattern_.find(text, at);
      if (begin >= text.size()) break;
      at = std::max(end, begin + 1);
      if (end == begin) continue;
      if (begin > from) emit(text.substr(from, begin - from));
      emit(text.substr(begin, end - begin));
      from = end;
    }
    if (from < text.size()) emit(text.substr(from));
  }

 private:
  Pattern pattern_;
};

}  // namespace

std::unique_ptr<PreTokenizer> make_regex_splitter(const std::string& pattern) {
  return std::make_unique<RegexSplitter>(pattern);
}

}  // namespace frugal
