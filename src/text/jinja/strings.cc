// See strings.h.
#include "text/jinja/strings.h"

#include <algorithm>

#include "text/jinja/bind.h"
#include "text/jinja/unicode.h"

namespace frugal::jinja {
namespace {

std::string interleave(Interpreter& interpreter, const std::string& text, const std::string& with, uint64_t limit) {
  const uint64_t places = std::min<uint64_t>(limit, character_count(text) + 1);
  interpreter.charge_text(places > kMaxStringBytes ? places : text.size() + places * with.size());
  std::string out;
  uint64_t done = 0;
  for (std::string_view character : Characters(text)) {
    if (done++ < limit) out += with;
    out += character;
  }
  if (done < limit) out += with;
  return out;
}

std::vector<Value> reversed_words(std::vector<Value> parts) {
  std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<Value> split_spaces(std::string_view text, uint64_t limit) {
  std::vector<Value> parts;
  text = strip(text, Side::kLeft);
  while (!text.empty() && parts.size() < limit) {
    size_t end = 0;
    while (end < text.size() && !is_space(code_point(text.substr(end)))) end += character_length(text.substr(end));
    parts.emplace_back(text.substr(0, end));
    text = strip(text.substr(end), Side::kLeft);
  }
  if (!text.empty()) parts.emplace_back(text);
  return parts;
}

std::vector<Value> rsplit_spaces(std::string_view text, uint64_t limit) {
  std::vector<Value> words = split_spaces(text, UINT64_MAX);
  if (words.size() <= limit) return words;
  std::vector<Value> parts;
  text = strip(text, Side::kRight);
  for (uint64_t i = 0; i < limit; ++i) {
    const std::string& word = words[words.size() - 1 - i].text();
    parts.emplace_back(word);
    text = strip(text.substr(0, text.size() - word.size()), Side::kRight);
  }
  if (!text.empty()) parts.emplace_back(text);
  return reversed_words(std::move(parts));
}

std::vector<Value> split_at(std::string_view text, std::string_view separator, uint64_t limit) {
  std::vector<Value> parts;
  for (size_t at; parts.size() < limit && (at = text.find(separator)) != std::string_view::npos;) {
    parts.emplace_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  parts.emplace_back(text);
  return parts;
}

std::vector<Value> rsplit_at(std::string_view text, std::string_view separator, uint64_t limit) {
  std::vector<Value> parts;
  for (size_t at; parts.size() < limit && (at = text.rfind(separator)) != std::string_view::npos;) {
    parts.emplace_back(text.substr(at + separator.size()));
    text = text.substr(0, at);
  }
  parts.emplace_back(text);
  return reversed_words(std::move(parts));
}

}  // namespace

std::string replace_text(Interpreter& interpreter, const std::string& text, const std::string& old,
                         const std::string& with, int64_t limit) {
  const uint64_t most = limit < 0 ? UINT64_MAX : static_cast<uint64_t>(limit);
  if (old.empty()) return interleave(interpreter, text, with, most);
  interpreter.charge_search(text, old);
  uint64_t count = 0;
  for (size_t at = text.find(old); at != std::string::npos && count < most; at = text.find(old, at + old.size()))
    ++count;
  interpreter.charge_text(text.size() + count * with.size());
  std::string out;
  size_t from = 0;
  for (; count > 0; --count) {
    const size_t at = text.find(old, from);
    out.append(text, from, at - from).append(with);
    from = at + old.size();
  }
  return out.append(text, from);
}

Value split_text(Interpreter& interpreter, const std::string& text, const Value* separator, int64_t limit,
                 bool from_right) {
  const uint64_t most = limit < 0 ? UINT64_MAX : static_cast<uint64_t>(limit);
  if (!separator || separator->is_none()) {
    interpreter.charge(text.size() / 2);
    return make_seq(from_right ? rsplit_spaces(text, most) : split_spaces(text, most));
  }
  const std::string& mark = string_of(*separator);
  if (mark.empty()) raise("empty separator");
  interpreter.charge_search(text, mark);
  uint64_t count = 0;
  for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + mark.size())) ++count;
  interpreter.charge(4 * std::min(count, most));
  return make_seq(from_right ? rsplit_at(text, mark, most) : split_at(text, mark, most));
}

std::string pad_text(Interpreter& interpreter, std::string_view text, int64_t width, int where, std::string_view fill) {
  const auto size = static_cast<int64_t>(character_count(text));
  if (character_count(fill) != 1) raise("the fill character must be exactly one character long");
  const int64_t missing = width - size;
  if (missing <= 0) return std::string(text);
  interpreter.charge_text(text.size() + static_cast<uint64_t>(missing) * 4);
  const int64_t left = where > 0 ? missing : where < 0 ? 0 : missing / 2 + (missing & width & 1);
  std::string out;
  for (int64_t i = 0; i < left; ++i) out += fill;
  out += text;
  for (int64_t i = left; i < missing; ++i) out += fill;
  return out;
}

std::string join_text(Interpreter& interpreter, const std::vector<Value>& items, std::string_view separator) {
  std::string out;
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string text = to_text(items[i]);
    interpreter.charge(1 + (text.size() + separator.size()) / 32);
    if (out.size() + text.size() + separator.size() > kMaxStringBytes) interpreter.charge_text(UINT64_MAX);
    if (i > 0) out += separator;
    out += text;
  }
  return out;
}

}  // namespace frugal::jinja
