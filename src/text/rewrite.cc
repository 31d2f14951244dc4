#include "text/rewrite.h"

#include <locale.h>
#include <wctype.h>

#include <algorithm>
#include <optional>

#include "text/charsmap.h"
#include "text/pattern.h"
#include "text/unicode.h"
#include "text/unicode_normal.h"

namespace frugal {
namespace {

std::string lowercase(std::string_view text) {
  static const locale_t kLocale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  std::string out;
  while (!text.empty()) {
    const size_t n = utf8_length(text);
    const auto c = static_cast<wint_t>(decode_utf8(text.substr(0, n)));
    if (n == 1)
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : text[0];
    else if (c == 0x130)
      out += "i\xcc\x87";  // the one capital whose small form is two characters
    else
      append_utf8(kLocale == locale_t{} ? c : towlower_l(c, kLocale), out);
    text.remove_prefix(n);
  }
  return out;
}

std::string without_marks(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const Char c = char_at(ClassTable::get(), text, at);
    if (!c.is(kMark)) out += text.substr(at, c.size);
    at += c.size;
  }
  return out;
}

std::string_view strip_left(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const Char c = char_at(ClassTable::get(), text, at);
    if (!c.is(kSpace)) break;
    at += c.size;
  }
  return text.substr(at);
}

std::string_view strip_right(std::string_view text) {
  size_t end = 0;
  for (size_t at = 0; at < text.size();) {
    const Char c = char_at(ClassTable::get(), text, at);
    at += c.size;
    if (!c.is(kSpace)) end = at;
  }
  return text.substr(0, end);
}

}  // namespace

struct Rewriter::Step {
  Rewrite what;
  std::optional<Pattern> pattern;  // kReplaceRegex
  Charsmap charsmap;               // kCharsmap

  explicit Step(Rewrite w) : what(std::move(w)) {
    if (what.kind == Rewrite::kReplaceRegex) pattern.emplace(what.from, "normalizer");
    if (what.kind == Rewrite::kCharsmap) charsmap = Charsmap(what.from);
  }

  std::string apply(std::string_view text) const {
    switch (what.kind) {
      case Rewrite::kNfc: return normalise(text, NormalForm::kNfc);
      case Rewrite::kNfd: return normalise(text, NormalForm::kNfd);
      case Rewrite::kNfkc: return normalise(text, NormalForm::kNfkc);
      case Rewrite::kNfkd: return normalise(text, NormalForm::kNfkd);
      case Rewrite::kLowercase: return lowercase(text);
      case Rewrite::kStripMarks: return without_marks(text);
      case Rewrite::kStripLeft: return std::string(strip_left(text));
      case Rewrite::kStripRight: return std::string(strip_right(text));
      case Rewrite::kReplace: return replace(text);
      case Rewrite::kReplaceRegex: return replace_matches(text);
      case Rewrite::kCharsmap: return charsmap.apply(text);
      case Rewrite::kPrepend: return text.empty() ? "" : what.to + std::string(text);
    }
    return std::string(text);
  }

  std::string replace(std::string_view text) const {
    if (what.from.empty()) return std::string(text);
    std::string out;
    for (size_t at; (at = text.find(what.from)) != std::string_view::npos; text.remove_prefix(at + what.from.size())) {
      out += text.substr(0, at);
      out += what.to;
    }
    return out += text;
  }

  std::string replace_matches(std::string_view text) const {
    std::string out;
    size_t from = 0, at = 0;
    while (at < text.size()) {
      const auto [begin, end] = pattern->find(text, at);
      if (begin >= text.size()) break;
      at = std::max(end, begin + 1);
      if (end == begin) continue;
      out += text.substr(from, begin - from);
      out += what.to;
      from = end;
    }
    return out += text.substr(from);
  }
};

Rewriter::Rewriter(const std::vector<Rewrite>& steps) {
  for (const Rewrite& r : steps) steps_.emplace_back(r);
}
Rewriter::~Rewriter() = default;
Rewriter::Rewriter(Rewriter&&) noexcept = default;

bool Rewriter::empty() const { return steps_.empty(); }

std::string Rewriter::apply(std::string_view text) const {
  std::string out(text);
  for (const Step& step : steps_) out = step.apply(out);
  return out;
}

}  // namespace frugal
