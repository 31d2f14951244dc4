#include "text/byte_alphabet.h"

#include <array>
#include <unordered_map>

#include "text/utf8.h"

namespace frugal {
namespace {

// Printable Latin-1 stands for itself, the other bytes follow from U+0100 on in order.
std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> t = {};
  uint32_t next = 256;
  for (uint32_t b = 0; b < 256; ++b) t[b] = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174 ? b : next++;
  return t;
}
const std::array<uint32_t, 256>& table() {
  static const auto t = make_table();
  return t;
}

}  // namespace

std::string to_byte_alphabet(std::string_view bytes) {
  std::string out;
  for (char c : bytes) append_utf8(table()[static_cast<unsigned char>(c)], out);
  return out;
}

std::string from_byte_alphabet(std::string_view piece) {
  static const auto reverse = [] {
    std::unordered_map<uint32_t, char> map;
    for (uint32_t b = 0; b < 256; ++b) map[table()[b]] = static_cast<char>(b);
    return map;
  }();
  std::string out;
  while (!piece.empty()) {
    const size_t n = utf8_length(piece);
    auto it = reverse.find(decode_utf8(piece.substr(0, n)));
    if (it != reverse.end())
      out += it->second;
    else
      out += piece.substr(0, n);
    piece.remove_prefix(n);
  }
  return out;
}

}  // namespace frugal
