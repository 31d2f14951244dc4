// Why: Qwen's and other tokenizers normalise before they split; a wrong order of marks or a composition too many
// changes ids. Expected values are lines of Unicode's NormalizationTest.txt (Unicode licence v3) and the rules of UAX
// #15.
#include "text/unicode_normal.h"

#include <gtest/gtest.h>

#include "text/rewrite.h"

namespace frugal {
namespace {

struct NormalRow {
  const char *source, *nfc, *nfd, *nfkc, *nfkd;
};

constexpr NormalRow kNormalRows[] = {
    {"\u1e0a", "\u1e0a", "D\u0307", "\u1e0a", "D\u0307"},
    {"D\u0307\u0323", "\u1e0c\u0307", "D\u0323\u0307", "\u1e0c\u0307", "D\u0323\u0307"},
    {"\u1e0a\u031b\u0323", "\u1e0c\u031b\u0307", "D\u031b\u0323\u0307", "\u1e0c\u031b\u0307", "D\u031b\u0323\u0307"},
    {"\u1e14", "\u1e14", "E\u0304\u0300", "\u1e14", "E\u0304\u0300"},
    {"E\u0300\u0304", "\u00c8\u0304", "E\u0300\u0304", "\u00c8\u0304", "E\u0300\u0304"},
    {"\u1100\uac00\u11a8\u11a8", "\u1100\uac01\u11a8", "\u1100\u1100\u1161\u11a8\u11a8", "\u1100\uac01\u11a8",
     "\u1100\u1100\u1161\u11a8\u11a8"},
    {"\u1100\u1161\u11a8", "\uac01", "\u1100\u1161\u11a8", "\uac01", "\u1100\u1161\u11a8"},
    {"\u00af", "\u00af", "\u00af", " \u0304", " \u0304"},
    {"\u00b5", "\u00b5", "\u00b5", "\u03bc", "\u03bc"},
    {"\u00bc", "\u00bc", "\u00bc", "1\u20444", "1\u20444"},
    {"\u212b \u2126", "\u00c5 \u03a9", "A\u030a \u03a9", "\u00c5 \u03a9", "A\u030a \u03a9"},  // singletons
    {"\u0958", "\u0915\u093c", "\u0915\u093c", "\u0915\u093c", "\u0915\u093c"},  // excluded from composition
    {"\u09c7\u09be", "\u09cb", "\u09c7\u09be", "\u09cb", "\u09c7\u09be"},        // two starters compose
    {"a\u0315\u0300\u05ae\u0316b", "\u00e0\u05ae\u0316\u0315b", "a\u05ae\u0316\u0300\u0315b", nullptr, nullptr},
    {"\ufb01 \u3392 \uff76\uff9e", "\ufb01 \u3392 \uff76\uff9e", "\ufb01 \u3392 \uff76\uff9e", "fi MHz \u30ac",
     "fi MHz \u30ab\u3099"},
    {"\u0301a", "\u0301a", "\u0301a", "\u0301a", "\u0301a"},  // a mark with nothing before it
};

TEST(UnicodeNormal, StandardsOwnCases) {
  for (const NormalRow& row : kNormalRows) {
    EXPECT_EQ(normalise(row.source, NormalForm::kNfd), row.nfd == nullptr ? "" : normalise(row.nfd, NormalForm::kNfd));
    if (row.nfkc == nullptr) continue;
    EXPECT_EQ(normalise(row.source, NormalForm::kNfc), row.nfc);
    EXPECT_EQ(normalise(row.source, NormalForm::kNfd), row.nfd);
    EXPECT_EQ(normalise(row.source, NormalForm::kNfkc), row.nfkc);
    EXPECT_EQ(normalise(row.source, NormalForm::kNfkd), row.nfkd);
  }
}

TEST(UnicodeNormal, BytesThatAreNoCharacterStay) {
  const std::string text = "e\xcc\x81\xff\xcc\x81\xe2\x82 \xc3";
  EXPECT_EQ(normalise(text, NormalForm::kNfc), "\xc3\xa9\xff\xcc\x81\xe2\x82 \xc3");
  EXPECT_EQ(normalise("", NormalForm::kNfkc), "");
}

TEST(Rewriter, StepsApplyInOrder) {
  const Rewriter r({{Rewrite::kNfd, "", ""},
                    {Rewrite::kStripMarks, "", ""},
                    {Rewrite::kLowercase, "", ""},
                    {Rewrite::kStripLeft, "", ""},
                    {Rewrite::kReplaceRegex, R"(\s+)", "_"},
                    {Rewrite::kReplace, "b", "cc"},
                    {Rewrite::kPrepend, "", ">"}});
  EXPECT_EQ(r.apply("\u3000\u00c9t\u00e9  B\n\u017d"), ">ete_cc_z");
  EXPECT_EQ(r.apply(""), "");
  EXPECT_TRUE(Rewriter({}).empty());
}

}  // namespace
}  // namespace frugal
