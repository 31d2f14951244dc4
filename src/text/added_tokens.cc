#include "text/added_tokens.h"

#include <algorithm>

#include "text/unicode.h"

namespace frugal {
namespace {

// The character that ends at `end`.
Char char_before(std::string_view text, size_t end) {
  size_t at = end - 1;
  while (at > 0 && end - at < 4 && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;
  const Char c = char_at(ClassTable::get(), text, at);
  return at + c.size == end ? c : Char{kNoChar, 1, 0};
}

bool in_word(Char c) { return c.is(kLetter | kNumber | kMark) || c.code == '_'; }

bool stands_alone(std::string_view text, size_t begin, size_t end) {
  if (begin > 0 && in_word(char_before(text, begin))) return false;
  return end == text.size() || !in_word(char_at(ClassTable::get(), text, end));
}

}  // namespace

AddedTokens::AddedTokens(const std::vector<AddedToken>& tokens) : begins_(1 << 16), empty_(tokens.empty()) {
  for (const AddedToken& a : tokens) {
    const size_t first = static_cast<unsigned char>(a.text[0]);
    by_first_[first].push_back(a);
    for (size_t second = 0; second < 256; ++second)
      if (a.text.size() == 1 || second == static_cast<unsigned char>(a.text[1])) begins_[first << 8 | second] = true;
  }
  for (auto& list : by_first_)
    std::stable_sort(list.begin(), list.end(),
                     [](const AddedToken& a, const AddedToken& b) { return a.text.size() > b.text.size(); });
}

bool AddedTokens::may_begin(std::string_view text, size_t at) const {
  const size_t second = at + 1 < text.size() ? static_cast<unsigned char>(text[at + 1]) : 0;
  return begins_[static_cast<size_t>(static_cast<unsigned char>(text[at])) << 8 | second];
}

const AddedToken* AddedTokens::at(std::string_view text, size_t at, bool parse_special) const {
  for (const AddedToken& a : by_first_[static_cast<unsigned char>(text[at])])
    if ((parse_special || !a.special) && text.compare(at, a.text.size(), a.text) == 0 &&
        (!a.single_word || stands_alone(text, at, at + a.text.size())))
      return &a;
  return nullptr;
}

bool AddedTokens::find(std::string_view text, size_t from, bool parse_special, Match& match) const {
  if (empty_) return false;
  const ClassTable& table = ClassTable::get();
  for (size_t i = from; i < text.size(); ++i) {
    const AddedToken* a = may_begin(text, i) ? at(text, i, parse_special) : nullptr;
    if (a == nullptr) continue;
    match = {i, i + a->text.size(), a->id};
    while (a->lstrip && match.begin > from && char_before(text, match.begin).is(kSpace))
      match.begin -= char_before(text, match.begin).size;
    while (a->rstrip && match.end < text.size() && char_at(table, text, match.end).is(kSpace))
      match.end += char_at(table, text, match.end).size;
    return true;
  }
  return false;
}

}  // namespace frugal
