#include "data/sha1.h"

#include <bit>
#include <cstring>
#include <string>

namespace frugal::data {
namespace {

struct Round {
  uint32_t constant, value;
};

Round round(int i, uint32_t b, uint32_t c, uint32_t d) {
  if (i < 20) return {0x5A827999, (b & c) | (~b & d)};
  if (i < 40) return {0x6ED9EBA1, b ^ c ^ d};
  if (i < 60) return {0x8F1BBCDC, (b & c) | (b & d) | (c & d)};
  return {0xCA62C1D6, b ^ c ^ d};
}

void block(const unsigned char* at, std::array<uint32_t, 5>& h) {
  uint32_t w[80];
  for (int i = 0; i < 16; ++i)
    w[i] = uint32_t{at[i * 4]} << 24 | uint32_t{at[i * 4 + 1]} << 16 | uint32_t{at[i * 4 + 2]} << 8 | at[i * 4 + 3];
  for (int i = 16; i < 80; ++i) w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  auto [a, b, c, d, e] = h;
  for (int i = 0; i < 80; ++i) {
    const Round r = round(i, b, c, d);
    const uint32_t next = std::rotl(a, 5) + r.value + e + r.constant + w[i];
    e = d, d = c, c = std::rotl(b, 30), b = a, a = next;
  }
  h = {h[0] + a, h[1] + b, h[2] + c, h[3] + d, h[4] + e};
}

}  // namespace

std::array<uint8_t, 20> sha1(std::string_view bytes) {
  std::array<uint32_t, 5> h = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  size_t at = 0;
  for (; at + 64 <= bytes.size(); at += 64) block(reinterpret_cast<const unsigned char*>(bytes.data()) + at, h);
  unsigned char tail[128] = {};
  const size_t left = bytes.size() - at, size = left < 56 ? 64 : 128;
  if (left > 0) std::memcpy(tail, bytes.data() + at, left);
  tail[left] = 0x80;
  for (size_t i = 0; i < 8; ++i) tail[size - 1 - i] = static_cast<unsigned char>(uint64_t{bytes.size()} * 8 >> (8 * i));
  for (size_t i = 0; i < size; i += 64) block(tail + i, h);
  std::array<uint8_t, 20> out{};
  for (size_t i = 0; i < 20; ++i) out[i] = static_cast<uint8_t>(h[i / 4] >> (24 - 8 * (i % 4)));
  return out;
}

uint64_t sha1_64(std::string_view bytes) {
  const auto digest = sha1(bytes);
  uint64_t value = 0;
  for (size_t i = 8; i-- > 0;) value = value << 8 | digest[i];
  return value;
}

}  // namespace frugal::data
