#include "data/dedup/line_key.h"

#include <algorithm>

#include "data/hash.h"
#include "data/rules/lines.h"
#include "data/words/word_tables.h"
#include "text/jinja/unicode.h"
#include "text/utf8.h"

namespace frugal::data {
namespace {

bool taken_out(uint32_t c) {
  static constexpr uint32_t kSigns[] = {0xAB,   0xB4,   0xBB,   0x2013, 0x2014, 0x2019, 0x201C, 0x201D, 0x201E,
                                        0x2026, 0x2236, 0x2501, 0x25BA, 0x3001, 0x3002, 0x3008, 0x3009, 0x300A,
                                        0x300B, 0x300C, 0x300D, 0x3010, 0x3011, 0xFF01, 0xFF05, 0xFF08, 0xFF09,
                                        0xFF0C, 0xFF0E, 0xFF11, 0xFF1A, 0xFF1B, 0xFF1F, 0xFF5E};
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || std::binary_search(std::begin(kSigns), std::end(kSigns), c);
}

void normalise_wide(std::string_view line, std::string& out) {
  const std::string lower = jinja::lower(line);
  for (size_t at = 0; at < lower.size();) {
    const std::string_view rest = std::string_view(lower).substr(at);
    const size_t n = utf8_length(rest);
    const bool whole = n > 1 || static_cast<unsigned char>(rest[0]) < 0x80;
    const uint32_t c = whole ? decode_utf8(rest.substr(0, n)) : 0xfffd;
    if (c < 0x80 ? c >= '0' && c <= '9' : in_ranges(digit_ranges(), c))
      out += '0';
    else if (!taken_out(c))
      out += rest.substr(0, n);
    at += n;
  }
}

}  // namespace

void normalise_line(std::string_view line, std::string& out) {
  out.clear();
  line = strip(line);
  for (size_t at = 0; at < line.size(); ++at) {
    const auto c = static_cast<unsigned char>(line[at]);
    if (c >= 0x80) return out.clear(), normalise_wide(line, out);
    if (c >= 0x20 && c != 0x7f)
      out += c >= '0' && c <= '9' ? '0' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  }
}

uint64_t line_key(std::string_view line, std::string& room) {
  normalise_line(line, room);
  return room.empty() ? 0 : std::max<uint64_t>(hash_bytes(room), 1);
}

}  // namespace frugal::data
