// The finders of pii.h: each looks at a place where its kind may begin, by hand-written scans; a text without @, and
// without digits, costs one pass.
#include <algorithm>
#include <array>
#include <optional>

#include "data/rules/pii.h"

namespace frugal::data {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }
bool local_char(char c) { return digit(c) || letter(c) || std::string_view("._%+-").find(c) != std::string_view::npos; }
bool word_char(char c) { return digit(c) || letter(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }
char at(std::string_view t, size_t i) { return i < t.size() ? t[i] : '\0'; }

// The end of a domain name that begins at i, with a last label of two or more letters; 0: none.
size_t domain_end(std::string_view t, size_t i) {
  size_t end = 0;
  int labels = 0;
  for (;;) {
    const size_t begin = i;
    while (digit(at(t, i)) || letter(at(t, i)) || (at(t, i) == '-' && i > begin)) ++i;
    if (i == begin || at(t, i - 1) == '-' || i - begin > 63) break;
    ++labels;
    const bool letters =
        std::all_of(t.begin() + static_cast<std::ptrdiff_t>(begin), t.begin() + static_cast<std::ptrdiff_t>(i), letter);
    if (labels > 1 && letters && i - begin >= 2) end = i;
    if (at(t, i) != '.') break;
    ++i;
  }
  return end;
}

std::optional<PiiSpan> email(std::string_view t, size_t sign, size_t floor) {
  size_t begin = sign;
  while (begin > floor && local_char(t[begin - 1]) && sign - begin < 64) --begin;
  while (begin < sign && (t[begin] == '.' || t[begin] == '-' || t[begin] == '%' || t[begin] == '+')) ++begin;
  const size_t end = domain_end(t, sign + 1);
  if (begin == sign || t[sign - 1] == '.' || end == 0) return {};
  std::string domain(t.substr(sign + 1, end - sign - 1));
  std::transform(domain.begin(), domain.end(), domain.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (domain == "example.com" || domain == "example.org" || domain == "example.net") return {};
  return PiiSpan{begin, end, Pii::kEmail};
}

bool routed(const std::array<int, 4>& a) {
  if (a[0] == 0 || a[0] == 10 || a[0] == 127 || a[0] >= 224) return false;
  if (a[0] == 100 && a[1] >= 64 && a[1] < 128) return false;
  if (a[0] == 169 && a[1] == 254) return false;
  if (a[0] == 172 && a[1] >= 16 && a[1] < 32) return false;
  if (a[0] == 192 && (a[1] == 168 || (a[1] == 0 && (a[2] == 0 || a[2] == 2)))) return false;
  if (a[0] == 198 && (a[1] == 18 || a[1] == 19 || (a[1] == 51 && a[2] == 100))) return false;
  return !(a[0] == 203 && a[1] == 0 && a[2] == 113);
}

std::optional<PiiSpan> ip(std::string_view t, size_t begin) {
  std::array<int, 4> part{};
  size_t i = begin;
  for (int& p : part) {
    if (&p != &part[0] && at(t, i++) != '.') return {};
    const size_t from = i;
    while (digit(at(t, i)) && i - from < 4) p = p * 10 + (t[i++] - '0');
    if (i == from || i - from > 3 || p > 255) return {};
  }
  if (word_char(at(t, i)) || (at(t, i) == '.' && digit(at(t, i + 1))) || !routed(part)) return {};
  if (begin > 0 && (word_char(t[begin - 1]) || (t[begin - 1] == '.'))) return {};
  return PiiSpan{begin, i, Pii::kIp};
}

// Issuers' prefixes and lengths (ISO/IEC 7812 as published by them).
bool issued(const std::string& n) {
  const auto head = [&](size_t size) { return std::stoi(n.substr(0, size)); };
  const size_t size = n.size();
  if (n[0] == '4') return size == 13 || size == 16 || size == 19;                                   // Visa
  if ((head(2) >= 51 && head(2) <= 55) || (head(4) >= 2221 && head(4) <= 2720)) return size == 16;  // Mastercard
  if (head(2) == 34 || head(2) == 37) return size == 15;                                            // American Express
  if (head(4) == 6011 || head(2) == 65 || (head(3) >= 644 && head(3) <= 649))
    return size == 16 || size == 19;                          // Discover
  if (head(4) >= 3528 && head(4) <= 3589) return size >= 16;  // JCB
  if (head(2) == 36 || head(2) == 38 || head(2) == 39 || (head(3) >= 300 && head(3) <= 305))
    return size >= 14;                 // Diners
  return head(2) == 62 && size >= 16;  // UnionPay
}

// Groups of digits parted by single blanks or dashes; the longest number of whole groups that is a card's.
std::optional<PiiSpan> card(std::string_view t, size_t begin) {
  if (begin > 0 && (word_char(t[begin - 1]) || t[begin - 1] == '.')) return {};
  std::optional<PiiSpan> found;
  std::string digits;
  for (size_t i = begin; i < t.size() && digits.size() < 19; ++i) {
    if (digit(t[i])) {
      digits += t[i];
      if (digits.size() >= 13 && !word_char(at(t, i + 1)) && issued(digits) && luhn(digits))
        found = PiiSpan{begin, i + 1, Pii::kCard};
    } else if ((t[i] != ' ' && t[i] != '-') || !digit(at(t, i + 1))) {
      break;
    }
  }
  return found;
}

// The end of an extension, x751, that follows a number at i; i where there is none.
size_t extension_end(std::string_view t, size_t i) {
  size_t end = i + 1;
  if ((at(t, i) | 32) != 'x') return i;
  while (end - i < 7 && digit(at(t, end))) ++end;
  return end > i + 1 && !word_char(at(t, end)) ? end : i;
}

// (814) 360-8593, 814-360-8593, 814.360.8593x12, +1 814 360 8593, +44 20 7946 0958, 001-814-360-8593, (07) 5331 0577.
std::optional<PiiSpan> phone(std::string_view t, size_t begin) {
  if (begin > 0 && (word_char(t[begin - 1]) || t[begin - 1] == '.' || t[begin - 1] == '-' || t[begin - 1] == '#'))
    return {};
  size_t i = begin;
  std::string digits;
  int signs = 0;
  const bool plus = at(t, i) == '+';
  for (i += plus ? 1 : 0; i < t.size() && digits.size() < 17; ++i) {
    if (digit(t[i]))
      digits += t[i];
    else if (std::string_view(" -.()").find(t[i]) == std::string_view::npos ||
             (!digit(at(t, i + 1)) && std::string_view(" (").find(at(t, i + 1)) == std::string_view::npos))
      break;
    else
      ++signs;
  }
  const size_t n = digits.size(), size = i - begin;
  i = extension_end(t, i);
  if (word_char(at(t, i)) || (at(t, i) == '.' && digit(at(t, i + 1)))) return {};
  const bool north_america = n == 10 && digits[0] >= '2' && digits[3] >= '2' && signs >= 2 && size <= 16;
  const bool zeros = t.substr(begin).starts_with("00") && digits[2] != '0' && at(t, begin + 3) == '-' && n >= 11;
  const bool abroad = (plus || zeros) && n >= 8 && n <= 15 && size <= 24;
  const bool area = t.substr(begin).starts_with("(0") && n >= 9 && n <= 11 && at(t, begin + 2) != ')' && size <= 16;
  if (!north_america && !abroad && !area) return {};
  return PiiSpan{begin, i, Pii::kPhone};
}

std::optional<PiiSpan> iban(std::string_view t, size_t begin) {
  if (begin > 0 && word_char(t[begin - 1])) return {};
  std::string account;
  size_t i = begin, end = begin;
  for (; i < t.size() && account.size() < 34; ++i) {
    if (digit(t[i]) || (t[i] >= 'A' && t[i] <= 'Z'))
      account += t[i], end = i + 1;
    else if (t[i] != ' ' || !(digit(at(t, i + 1)) || (at(t, i + 1) >= 'A' && at(t, i + 1) <= 'Z')))
      break;
  }
  if (account.size() < 15 || word_char(at(t, end))) return {};
  int rest = 0;
  for (size_t k = 0; k < account.size(); ++k) {  // the first four letters come last
    const char c = account[(k + 4) % account.size()];
    rest = digit(c) ? (rest * 10 + (c - '0')) % 97 : (rest * 100 + (c - 'A' + 10)) % 97;
  }
  if (rest != 1) return {};
  return PiiSpan{begin, end, Pii::kIban};
}

}  // namespace

bool luhn(std::string_view digits) {
  int sum = 0;
  bool twice = false;
  for (size_t i = digits.size(); i-- > 0; twice = !twice) {
    const int d = (digits[i] - '0') * (twice ? 2 : 1);
    sum += d > 9 ? d - 9 : d;
  }
  return sum % 10 == 0;
}

void find_pii(std::string_view text, uint32_t kinds, std::vector<PiiSpan>& out) {
  out.clear();
  const auto wants = [&](Pii kind) { return (kinds >> static_cast<int>(kind) & 1) != 0; };
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t floor = out.empty() ? 0 : out.back().end;
    const char c = text[i];
    std::optional<PiiSpan> found;
    const auto take = [&](std::optional<PiiSpan> span) {
      if (span && (!found || span->end > found->end)) found = span;
    };
    if (c == '@' && wants(Pii::kEmail)) take(email(text, i, floor));
    if (digit(c) && (i == 0 || !digit(text[i - 1]))) {
      if (wants(Pii::kIp)) take(ip(text, i));
      if (wants(Pii::kCard)) take(card(text, i));
    }
    if (wants(Pii::kPhone) && (c == '+' || c == '(' || (digit(c) && (i == 0 || !digit(text[i - 1])))))
      take(phone(text, i));
    if (wants(Pii::kIban) && c >= 'A' && c <= 'Z' && at(text, i + 1) >= 'A' && at(text, i + 1) <= 'Z' &&
        digit(at(text, i + 2)) && digit(at(text, i + 3)))
      take(iban(text, i));
    if (!found) continue;
    out.push_back(*found);
    i = found->end - 1;
  }
}

}  // namespace frugal::data
