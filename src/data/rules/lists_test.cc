// Lists of addresses and words, personal data.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "data/byte_stream.h"
#include "data/data_test_files.h"
#include "data/rules/pii.h"

namespace frugal::data {
namespace {

TEST(UrlFilter, EveryListAndItsBorders) {
  TestFolder tmp;
  std::string gz = "example.com\n# a comment\nBAD.org\n";
  pack_bytes(".gz", gz);
  const std::string spec =
      fmt::format("url_filter(domains=\"{}\",urls=\"{}\",words=\"{}\",soft_words=\"{}\",subwords=\"{}\")",
                  tmp.write("d/domains.gz", gz), tmp.write("urls", "host.net/bad\n"), tmp.write("words", "sex\n"),
                  tmp.write("soft", "hot\ncold\n"), tmp.write("sub", "xxx\n"));
  RuleRunner rule(spec);
  const auto reason = [&](const std::string& url) { return rule("text", "\"url\":\"" + url + "\"").reason; };
  EXPECT_EQ(reason("http://example.com/a"), "url_domain");
  EXPECT_EQ(reason("https://sub.a.example.com"), "url_domain");
  EXPECT_EQ(reason("https://www.bad.org:8080/"), "url_domain");
  EXPECT_EQ(reason("http://notexample.com/"), "");
  EXPECT_EQ(reason("http://www.host.net/bad/page?x=1"), "url_address");
  EXPECT_EQ(reason("http://host.net/badly"), "");
  EXPECT_EQ(reason("http://a.org/essex-town"), "");
  EXPECT_EQ(reason("http://a.org/Sex_ed"), "url_word");
  EXPECT_EQ(reason("http://a.org/hot-hot"), "");
  EXPECT_EQ(reason("http://a.org/hot-cold"), "url_soft_words");
  EXPECT_EQ(reason("http://a.org/ax-xx"), "url_subword");
  EXPECT_EQ(rule("text", "\"a\":1").reason, "");
}

TEST(BadWords, BordersPhrasesAndShares) {
  TestFolder tmp;
  const std::string list = tmp.write("list", "arse\nbloody hell\n\xd0\xb6\xd0\xbe\xd0\xbf\xd0\xb0\n");
  RuleRunner any("bad_words(\"" + list + "\")");
  EXPECT_EQ(any("A parsed course of Parsees").reason, "");
  EXPECT_EQ(any("Kick his ARSE!").reason, "bad_words");
  EXPECT_EQ(any("bloody Hell").reason, "bad_words");
  EXPECT_EQ(any("bloody hello").reason, "");
  EXPECT_EQ(any("\xd0\x96\xd0\x9e\xd0\x9f\xd0\x90").reason, "bad_words");
  RuleRunner share("bad_words(\"" + list + "\",max=100,share=0.2,distinct=2)");
  EXPECT_EQ(share("arse one two three four five").reason, "");
  EXPECT_EQ(share("arse arse one").reason, "bad_words_share");
  EXPECT_EQ(share("arse bloody hell one two three four five six seven eight nine ten").reason, "bad_words_distinct");
  EXPECT_EQ(RuleRunner("bad_words(\"" + list + "\",borders=false)")("parsed").reason, "bad_words");
}

std::string kinds_in(const std::string& text) {
  std::vector<PiiSpan> spans;
  find_pii(text, 31, spans);
  std::string out;
  for (const PiiSpan& s : spans)
    out += "eipcb"[static_cast<size_t>(s.kind)] + (":" + text.substr(s.begin, s.end - s.begin)) + " ";
  return out;
}

TEST(Pii, Finds) {
  EXPECT_EQ(kinds_in("Mail John.Doe+x@mail.example.co.uk, or a@b.c"), "e:John.Doe+x@mail.example.co.uk ");
  EXPECT_EQ(kinds_in("ping 8.8.8.8 and 10.41.21.72, 192.168.0.12, v1.2.3.4.5 or 1.2.3.4."), "i:8.8.8.8 i:1.2.3.4 ");
  EXPECT_EQ(kinds_in("4111111111111111 4111111111111112 378282246310005"), "c:4111111111111111 c:378282246310005 ");
  EXPECT_EQ(kinds_in("card 4929-3813-3266-4295."), "c:4929-3813-3266-4295 ");
  EXPECT_EQ(kinds_in("call (814) 360-8593 or +44 20 7946 0958"), "p:(814) 360-8593 p:+44 20 7946 0958 ");
  EXPECT_EQ(kinds_in("986.291.2294x751, 001-420-335-7509x38548 or (07) 5331 0577"),
            "p:986.291.2294x751 p:001-420-335-7509x38548 p:(07) 5331 0577 ");
  EXPECT_EQ(kinds_in("12 (1999) 123-145, 00 12 34, 1080x720, 986.291.2294x7y, 0.0.1 (05) 12"), "");
  EXPECT_EQ(kinds_in("IBAN DE89 3704 0044 0532 0130 00 and GB82WEST12345698765432"),
            "b:DE89 3704 0044 0532 0130 00 b:GB82WEST12345698765432 ");
  EXPECT_EQ(kinds_in("version 2.0.1, 2024-05-01, ISBN 978-3-16-148410-0, $1,234.56"), "");
}

// Every span of two other projects' sentences and no other, but for addresses that no public route knows and telephone
// numbers that look like any other number.
TEST(Pii, SentencesOfPresidioAndNemo) {
  const std::set<std::string> left = {"p:(96) 627-277", "p:041-412-293", "p:21 212 133 2727", "p:027 896 92 86",
                                      "p:69 987 88 37", "p:2312322334",  "i:10.41.21.72",     "i:192.168.0.12"};
  size_t expected_left = left.size(), found = 0;
  for (const auto& row : gz_rows("pii.jsonl.gz")) {
    const std::string text = row["text"];
    std::vector<PiiSpan> spans;
    find_pii(text, 31, spans);
    std::vector<std::string> got, expected;
    for (const PiiSpan& s : spans)
      got.push_back("eipcb"[static_cast<size_t>(s.kind)] + (":" + text.substr(s.begin, s.end - s.begin)));
    for (const std::string span : row["spans"]) left.contains(span) ? void(--expected_left) : expected.push_back(span);
    std::sort(got.begin(), got.end());
    EXPECT_EQ(got, expected) << text;
    found += got.size();
  }
  EXPECT_EQ(found, 31u);
  EXPECT_EQ(expected_left, 0u);
}

TEST(Pii, LuhnCheckDigits) {
  EXPECT_TRUE(luhn("4111111111111111"));
  EXPECT_TRUE(luhn("378282246310005"));
  EXPECT_FALSE(luhn("4111111111111112"));
}

TEST(Pii, ReplacesOnceAndForAll) {
  RuleRunner rule("pii([email,ip,phone,card,iban])");
  const RuleResult first =
      rule("Write to me@here.org at 9.9.9.9, pay 4111111111111111, dial (814) 360-8593, DE89370400440532013000 ok");
  EXPECT_EQ(first.text.find("me@here.org"), std::string::npos);
  EXPECT_EQ(first.numbers, (std::vector<double>{1, 1, 1, 1, 1}));
  EXPECT_TRUE(first.text.ends_with(" ok"));
  const RuleResult second = rule(first.text);
  EXPECT_EQ(second.text, first.text);
  EXPECT_EQ(second.numbers, (std::vector<double>{0, 0, 0, 0, 0}));
  EXPECT_EQ(RuleRunner("pii(max=1)")("a@b.org c@d.org").reason, "pii_too_many");
  EXPECT_EQ(RuleRunner("pii(action=count)")("a@b.org").text, "a@b.org");
  EXPECT_THROW(RuleRunner("pii([name])"), Error);
}

TEST(Pii, LongRunsEndSoon) {
  std::string digits, signs;
  for (int i = 0; i < 200000; ++i) digits += "1 ", signs += "@a.";
  EXPECT_NO_THROW(kinds_in(digits));
  EXPECT_NO_THROW(kinds_in(signs));
}

}  // namespace
}  // namespace frugal::data
