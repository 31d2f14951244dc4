// Why own code: what hosts mean to a browser (octal and hexadecimal IPv4, zeros left out, percent signs) is in no
// library of the distribution. Which characters other scripts become is ICU's part: Unicode Technical Standard 46,
// not transitional, with the checks of bidirectional text and joiners, without those of hyphens and lengths, as the
// standard asks. Hosts that are ASCII need none of it and take one pass.
#include "data/web/url_host.h"

#include <unicode/uidna.h>

#include <algorithm>
#include <array>
#include <vector>

#include "data/web/percent.h"
#include "text/utf8.h"

namespace frugal::data {
namespace {

constexpr size_t kLongestForeignHost = 4096;  // bytes; names have at most 253, and ICU's work grows with the square

bool digit(char c) { return c >= '0' && c <= '9'; }
bool ascii(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

constexpr std::array<uint8_t, 256> forbidden() {  // 1: in opaque hosts, 2: in domains
  std::array<uint8_t, 256> table{};
  for (size_t c = 0; c <= 0x20; ++c) table[c] = 2;
  table[0x7f] = table['%'] = 2;
  for (unsigned char c : {'\0', '\t', '\n', '\r', ' ', '#', '/', ':', '<', '>', '?', '@', '[', '\\', ']', '^', '|'})
    table[c] = 3;
  return table;
}
bool holds_forbidden(std::string_view text, uint8_t which) {
  static constexpr std::array<uint8_t, 256> kForbidden = forbidden();
  return std::any_of(text.begin(), text.end(),
                     [which](char c) { return (kForbidden[static_cast<unsigned char>(c)] & which) != 0; });
}

// A number of an IPv4 address, decimal, 0octal or 0xhexadecimal; what is too large for one is 2^32.
std::optional<uint64_t> ipv4_number(std::string_view text) {
  if (text.empty()) return {};
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    base = (text[1] | 32) == 'x' ? 16 : 8;
    text.remove_prefix(base == 16 ? 2 : 1);
  }
  uint64_t value = 0;
  for (char c : text) {
    const int d = hex_digit(c);
    if (d < 0 || d >= base) return {};
    value = std::min<uint64_t>(value * static_cast<uint64_t>(base) + static_cast<uint64_t>(d), uint64_t{1} << 32);
  }
  return value;
}

std::string_view without_last_dot(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

bool ends_in_number(std::string_view host) {
  host = without_last_dot(host);
  const std::string_view last = host.substr(host.rfind('.') + 1);  // npos + 1 is 0
  if (last.empty() || !digit(last[0])) return false;
  return std::all_of(last.begin(), last.end(), digit) || ipv4_number(last).has_value();
}

std::optional<std::string> ipv4(std::string_view host) {
  host = without_last_dot(host);
  uint64_t address = 0;
  for (int part = 0; part < 4; ++part) {
    const size_t dot = host.find('.');
    const std::optional<uint64_t> number = ipv4_number(host.substr(0, dot));
    const bool last = dot == std::string_view::npos;
    if (!number || (last ? *number >> (8 * (4 - part)) != 0 : *number > 255)) return {};
    address |= last ? *number : *number << (8 * (3 - part));
    if (last)
      return std::to_string(address >> 24) + '.' + std::to_string(address >> 16 & 255) + '.' +
             std::to_string(address >> 8 & 255) + '.' + std::to_string(address & 255);
    host.remove_prefix(dot + 1);
  }
  return {};
}

using Pieces = std::array<uint16_t, 8>;

// The four decimal numbers at the end of an IPv6 address, as its last two pieces.
bool ipv4_tail(std::string_view text, Pieces& pieces, size_t at) {
  if (at > 6) return false;
  for (size_t part = 0; part < 4; ++part) {
    const size_t dot = text.find('.');
    const std::string_view number = text.substr(0, dot);
    if (number.empty() || number.size() > 3 || (number[0] == '0' && number.size() > 1)) return false;
    int value = 0;
    for (char c : number) {
      if (!digit(c)) return false;
      value = value * 10 + (c - '0');
    }
    if (value > 255 || (dot == std::string_view::npos) != (part == 3)) return false;
    uint16_t& piece = pieces[at + part / 2];
    piece = static_cast<uint16_t>(piece * 256 + value);
    text.remove_prefix(part == 3 ? text.size() : dot + 1);
  }
  return true;
}

// The part without brackets.
std::optional<Pieces> ipv6_pieces(std::string_view text) {
  Pieces pieces{};
  size_t count = 0, gap = 8;  // gap: the piece before which :: stands
  if (text.starts_with(':')) {
    if (!text.starts_with("::")) return {};
    text.remove_prefix(2), gap = 0;
  }
  while (!text.empty()) {
    if (count == 8) return {};
    if (text[0] == ':') {
      if (gap != 8) return {};
      text.remove_prefix(1), gap = count;
      continue;
    }
    size_t size = 0;
    int value = 0;
    for (; size < text.size() && size < 4 && hex_digit(text[size]) >= 0; ++size)
      value = value * 16 + hex_digit(text[size]);
    if (size < text.size() && text[size] == '.') {
      if (size == 0 || !ipv4_tail(text, pieces, count)) return {};
      count += 2;
      break;
    }
    pieces[count++] = static_cast<uint16_t>(value);
    text.remove_prefix(size);
    if (text.empty()) break;
    if (text[0] != ':' || text.size() == 1) return {};
    text.remove_prefix(1);
  }
  if (gap == 8 ? count != 8 : count == 8) return {};
  const auto at = [&pieces](size_t i) { return pieces.begin() + static_cast<std::ptrdiff_t>(i); };
  if (gap != 8) std::rotate(at(gap), at(count), pieces.end());
  return pieces;
}

std::string ipv6_text(const Pieces& pieces) {
  size_t begin = 0, longest = 1;  // of the run of zeros to leave out: at least two, the first of equals
  for (size_t i = 0; i < 8; ++i) {
    size_t end = i;
    while (end < 8 && pieces[end] == 0) ++end;
    if (end - i > longest) begin = i, longest = end - i;
  }
  if (longest == 1) begin = 8;
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "[";
  for (size_t i = 0; i < 8; ++i) {
    if (i == begin) {
      out += i == 0 ? "::" : ":";
      i += longest - 1;
      continue;
    }
    bool led = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
      const int d = pieces[i] >> shift & 15;
      if (led || d != 0 || shift == 0) out += kHex[d], led = true;
    }
    if (i != 7) out += ':';
  }
  return out + ']';
}

// A domain of other scripts as ASCII.
std::optional<std::string> foreign_domain(const std::string& domain) {
  struct Tables {
    Tables() {
      handle = uidna_openUTS46(UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ | UIDNA_NONTRANSITIONAL_TO_ASCII, &error);
    }
    ~Tables() { uidna_close(handle); }
    UErrorCode error = U_ZERO_ERROR;
    UIDNA* handle = nullptr;
  };
  static constexpr uint32_t kAllowed = UIDNA_ERROR_LEADING_HYPHEN | UIDNA_ERROR_TRAILING_HYPHEN |
                                       UIDNA_ERROR_HYPHEN_3_4 | UIDNA_ERROR_EMPTY_LABEL | UIDNA_ERROR_LABEL_TOO_LONG |
                                       UIDNA_ERROR_DOMAIN_NAME_TOO_LONG;
  static const Tables tables;
  if (U_FAILURE(tables.error) || domain.size() > kLongestForeignHost) return {};
  std::string out(8 * domain.size() + 64, '\0');
  UIDNAInfo info = UIDNA_INFO_INITIALIZER;
  UErrorCode error = U_ZERO_ERROR;
  const int32_t size = uidna_nameToASCII_UTF8(tables.handle, domain.data(), static_cast<int32_t>(domain.size()),
                                              out.data(), static_cast<int32_t>(out.size()), &info, &error);
  if (U_FAILURE(error) || (info.errors & ~kAllowed) != 0 || size < 0) return {};
  out.resize(static_cast<size_t>(size));
  return out;
}

std::optional<std::string> domain_or_ipv4(std::string_view text) {
  std::string domain = text.find('%') == std::string_view::npos ? std::string(text) : percent_decode(text);
  if (ascii(domain)) {
    for (char& c : domain) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  } else {
    const std::optional<std::string> ascii_form = foreign_domain(domain);
    if (!ascii_form) return {};
    domain = *ascii_form;
  }
  if (domain.empty() || holds_forbidden(domain, 2)) return {};
  if (ends_in_number(domain)) return ipv4(domain);
  return domain;
}

}  // namespace

std::optional<std::string> parse_host(std::string_view text, bool opaque) {
  if (text.starts_with('[')) {
    if (!text.ends_with(']')) return {};
    const std::optional<Pieces> pieces = ipv6_pieces(text.substr(1, text.size() - 2));
    return pieces ? std::optional(ipv6_text(*pieces)) : std::nullopt;
  }
  if (!opaque) return domain_or_ipv4(text);
  if (holds_forbidden(text, 1)) return {};
  std::string out;
  percent_encode(text, EncodeSet::kControl, out);
  return out;
}

}  // namespace frugal::data
