#include "text/charsmap.h"

#include <cstring>

#include "base/error.h"
#include "text/utf8.h"

namespace frugal {
namespace {

constexpr char kReplacement[] = "\xef\xbf\xbd";  // U+FFFD

uint32_t offset(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }
uint32_t label(uint32_t unit) { return unit & (1u << 31 | 0xff); }
bool has_value(uint32_t unit) { return (unit >> 8 & 1) != 0; }

}  // namespace

Charsmap::Charsmap(std::string_view bytes) {
  if (bytes.empty()) return;
  uint32_t size = 0;
  if (bytes.size() >= sizeof size) std::memcpy(&size, bytes.data(), sizeof size);
  if (size == 0 || size % sizeof(uint32_t) != 0 || size > bytes.size() - sizeof size)
    fail(ErrorCode::kBadInput, "tokenizer", "the precompiled character map of {} bytes says that its trie has {}",
         bytes.size(), size);
  units_.resize(size / sizeof(uint32_t));
  std::memcpy(units_.data(), bytes.data() + sizeof size, size);
  replacements_ = bytes.substr(sizeof size + size);
  if (replacements_.empty() || replacements_.back() != '\0')
    fail(ErrorCode::kBadInput, "tokenizer", "the precompiled character map does not end its last replacement");
}

Charsmap::Match Charsmap::longest(std::string_view text) const {
  Match best;
  if (units_.empty()) return best;
  uint32_t at = offset(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    at ^= byte;
    if (at >= units_.size() || label(units_[at]) != byte) break;
    const uint32_t unit = units_[at];
    at ^= offset(unit);
    if (!has_value(unit) || at >= units_.size()) continue;
    const uint32_t value = units_[at] & 0x7fffffff;
    if (value < replacements_.size()) best = {i + 1, replacements_.data() + value};
  }
  return best;
}

std::string Charsmap::apply(std::string_view text) const {
  std::string out;
  while (!text.empty()) {
    Match m = longest(text);
    if (m.length == 0) {
      m.length = utf8_length(text);
      m.to = m.length == 1 && (text[0] & 0x80) ? kReplacement : text.substr(0, m.length);
    }
    out += m.to;
    text.remove_prefix(m.length);
  }
  return out;
}

}  // namespace frugal
