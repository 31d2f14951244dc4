// Addresses against the URL standard's own tables, and what deduplication and block lists make of them.
#include "data/web/url.h"

#include <gtest/gtest.h>

#include <map>

#include "data/data_test_files.h"
#include "data/web/url_host.h"
#include "text/utf8.h"

namespace frugal::data {
namespace {

// The parts as the table names them.
std::map<std::string, std::string> shown(const Url& u) {
  const std::string port = u.port ? std::to_string(*u.port) : "", host = u.host.value_or("");
  const auto with = [](char sign, const std::optional<std::string>& s) { return s && !s->empty() ? sign + *s : ""; };
  return {{"href", u.href()},
          {"protocol", u.scheme + ":"},
          {"username", u.username},
          {"password", u.password},
          {"host", port.empty() ? host : host + ":" + port},
          {"hostname", host},
          {"port", port},
          {"pathname", u.path},
          {"search", with('?', u.query)},
          {"hash", with('#', u.fragment)}};
}

TEST(WhatwgUrl, TheStandardsTable) {
  const auto rows = gz_rows("urls.jsonl.gz");
  ASSERT_GT(rows.size(), 800u);
  for (const auto& row : rows) {
    const std::string input = row["input"];
    SCOPED_TRACE(row.dump());
    std::optional<Url> base;
    if (row.contains("base")) base = parse_url(row["base"].get<std::string>());
    const bool based = !row.contains("base") || base.has_value();
    const std::optional<Url> url = based ? parse_url(input, base ? &*base : nullptr) : std::nullopt;
    ASSERT_EQ(url.has_value(), row.contains("href"));
    if (!url) continue;
    for (const auto& [name, value] : shown(*url)) EXPECT_EQ(value, row.value(name, value)) << name;
    EXPECT_EQ(parse_url(url->href()).value().href(), url->href());
  }
}

// Characters that Unicode 15.1 to 17 allows or maps otherwise than the 15.0 of Debian's ICU: U+180E and U+206B are
// ignored, U+1E9E is a sharp s, capitals without a mapping became what their small letters are, one ideograph is new,
// one is no longer forbidden as half of a correction.
bool of_later_unicode(const std::string& domain) {
  for (size_t i = 0; i < domain.size();) {
    const size_t size = utf8_length(std::string_view(domain).substr(i));
    const uint32_t c = decode_utf8(std::string_view(domain).substr(i, size));
    for (uint32_t later : {0x4c0u, 0x180eu, 0x1e9eu, 0x206bu, 0x2183u, 0x2f868u, 0x32b9au})
      if (c == later) return true;
    if (c >= 0x10a0 && c <= 0x10c5) return true;  // Georgian capitals
    i += size;
  }
  return false;
}

TEST(WhatwgUrl, DomainsOfAllScripts) {
  size_t later = 0, same = 0;
  for (const auto& row : gz_rows("domains.jsonl.gz")) {
    const std::string input = row["input"];
    const std::string expected = row["output"].is_null() ? "failure" : row["output"].get<std::string>();
    const std::string got = input.empty() ? "" : parse_host(input, false).value_or("failure");
    ++(got == expected ? same : later);
    EXPECT_TRUE(got == expected || of_later_unicode(input)) << input << ": " << got << ", expected " << expected;
  }
  EXPECT_GE(same, 400u);
  EXPECT_LE(later, 20u);
}

// What no line of the table has: bytes that are no UTF-8, hosts too long to be any.
TEST(WhatwgUrl, TakesAnything) {
  EXPECT_EQ(parse_url("http://a.org/\xff?\xc3").value().href(), "http://a.org/%EF%BF%BD?%EF%BF%BD");
  EXPECT_FALSE(parse_url("http://" + std::string(5000, '\xff') + "/"));
  EXPECT_EQ(parse_url("http://" + std::string(5000, 'A')).value().host, std::string(5000, 'a'));
  EXPECT_FALSE(parse_url("http://a.org:99999999999999999999/"));
  EXPECT_EQ(parse_url("").has_value(), false);
}

TEST(Url, OneFormForOnePage) {
  const UrlForm form;
  EXPECT_EQ(canonical_url("HTTP://user:pw@WWW.Example.com:80/a/./b/../c/?b=2&utm_x=1&a=1#f", form),
            "example.com/a/c?b=2&a=1");
  EXPECT_EQ(canonical_url("http://example.com/%7euser/%e4 x", form), "example.com/~user/%E4%20x");
  EXPECT_EQ(canonical_url("https://example.com.:8443?gclid=1", form), "example.com:8443");
  EXPECT_EQ(canonical_url("http://b\xc3\xbc"
                          "cher.example/%c3%bc",
                          form),
            canonical_url("http://xn--bcher-kva.example/\xc3\xbc", form));
  EXPECT_EQ(canonical_url("http://0x7f.1/%2Fa%zz%4", form), "127.0.0.1/%2Fa%zz%4");
  EXPECT_EQ(canonical_url("http://www.a.org/?utm_source=x", {true, true, true}), "http://www.a.org?utm_source=x");
  EXPECT_EQ(canonical_url(" not an address ", form), "not an address");
  EXPECT_EQ(canonical_url("mailto:A@b.org", form), "mailto:A@b.org");
}

TEST(Url, RegisteredDomain) {
  EXPECT_EQ(registered_domain("a.b.example.co.uk"), "example.co.uk");
  EXPECT_EQ(registered_domain("sub.example.com"), "example.com");
  EXPECT_EQ(registered_domain("a.someone.github.io"), "someone.github.io");
  EXPECT_EQ(registered_domain("a.city.kawasaki.jp"), "city.kawasaki.jp");
  EXPECT_EQ(registered_domain("co.uk"), "co.uk");
  EXPECT_EQ(registered_domain("192.168.0.1"), "192.168.0.1");
  EXPECT_EQ(registered_domain("[::1]"), "[::1]");
}

}  // namespace
}  // namespace frugal::data
