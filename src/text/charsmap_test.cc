// Why: SentencePiece's character map is a double array from a file; a hostile one must rewrite text at worst. (That
// real ones rewrite as SentencePiece does, the goldens of its models show.)
#include "text/charsmap.h"

#include <gtest/gtest.h>

#include <random>

#include "base/error.h"

namespace frugal {
namespace {

std::string charsmap_bytes(const std::vector<uint32_t>& units, const std::string& replacements) {
  auto number = [](uint32_t v) { return std::string(reinterpret_cast<const char*>(&v), sizeof v); };
  std::string out = number(static_cast<uint32_t>(units.size() * sizeof(uint32_t)));
  for (uint32_t u : units) out += number(u);
  return out + replacements;
}

TEST(Charsmap, LongestSequenceWinsAndUnknownBytesAreReplaced) {
  // "a" -> "x", "ab" -> "yz": the root's children lie at 2 ^ byte, those of "a" at 4 ^ byte (units fill 128 places).
  std::vector<uint32_t> units(128, 0);
  units[0] = 2u << 10;                                     // root: offset 2
  units[2 ^ 'a'] = 'a' | 1u << 8 | (4u ^ 2u ^ 'a') << 10;  // has a value at place 4
  units[4] = 1u << 31 | 0;                                 // "x"
  units[4 ^ 'b'] = 'b' | 1u << 8 | (8u ^ 4u ^ 'b') << 10;  // has a value at place 8
  units[8] = 1u << 31 | 2;                                 // "yz"
  const Charsmap map(charsmap_bytes(units, std::string("x\0yz\0", 5)));
  EXPECT_EQ(map.apply("aabbca"), "xyzbcx");
  EXPECT_EQ(map.apply("\xff"
                      "a\xc3"),
            "\xef\xbf\xbdx\xef\xbf\xbd");
  EXPECT_EQ(Charsmap().apply("a\u00e9"), "a\u00e9");
}

TEST(Charsmap, RandomUnitsDoNoHarm) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::vector<uint32_t> units(1 + random() % 300);
    for (uint32_t& u : units) u = random() % 3 == 0 ? random() : (random() & 0x1ff) | (random() % 300) << 10;
    const Charsmap map(charsmap_bytes(units, std::string("ab\0c\0", 5)));
    std::string text(random() % 40, ' ');
    for (char& c : text) c = static_cast<char>(random());
    EXPECT_LE(map.apply(text).size(), 3 * text.size());
  }
}

TEST(Charsmap, SizesAreChecked) {
  EXPECT_THROW(Charsmap("abc"), Error);
  EXPECT_THROW(Charsmap(charsmap_bytes({}, std::string(1, '\0'))), Error);
  EXPECT_THROW(Charsmap(charsmap_bytes({0}, "")), Error);
  EXPECT_THROW(Charsmap(charsmap_bytes({0}, "open")), Error);
  EXPECT_THROW(Charsmap(std::string("\x08\0\0\0abcd\0", 9)), Error);
  EXPECT_THROW(Charsmap(std::string("\x03\0\0\0abc\0", 8)), Error);
}

}  // namespace
}  // namespace frugal
