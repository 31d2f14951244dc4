// Web archives, right and wrong, and what is taken out of pages.
#include <gtest/gtest.h>

#include "base/clock.h"
#include "data/data_test_files.h"
#include "data/web/page_text.h"
#include "data/web/warc.h"

namespace frugal::data {
namespace {

std::string record(const std::string& type, const std::string& body, const std::string& more = "", long length = -1) {
  return fmt::format(
      "WARC/1.0\r\nWARC-Type: {}\r\nWARC-Target-URI: http://a.org/{}\r\nWARC-Date: "
      "2024-01-01T00:00:00Z\r\nWARC-Record-ID: <urn:x:{}>\r\n{}Content-Length: {}\r\n\r\n{}\r\n\r\n",
      type, body.size(), body.size(), more, length < 0 ? static_cast<long>(body.size()) : length, body);
}
std::string page(const std::string& text, const std::string& header = "Content-Type: text/html\r\n", int status = 200) {
  return fmt::format("HTTP/1.1 {} OK\r\n{}\r\n{}", status, header, text);
}

struct Read {
  std::vector<std::string> texts;
  Faults faults;
};
Read read_warc(const std::string& bytes, const std::string& options = "") {
  TestFolder tmp;
  const std::string in = tmp.write("in.warc", bytes);
  const Report r = run_spec(fmt::format("warc(\"{}\"{}) | jsonl(\"{}\")", in, options, tmp / "out"));
  Read read;
  for (const auto& row : json_rows(all_text(tmp / "out"))) read.texts.push_back(row.at("text"));
  for (const auto& [name, n] : r.counts.faults) read.faults[name] = n;
  return read;
}
using Texts = std::vector<std::string>;

TEST(Warc, ReadsPagesAndCountsTheRest) {
  const Read r = read_warc(
      record("warcinfo", "software: x") + record("request", "GET / HTTP/1.1") + record("response", page("<p>one")) +
      record("response", page("gone", "Content-Type: text/html\r\n", 404)) +
      record("response", page("GIF", "Content-Type: image/gif\r\n")) +
      record("resource", "two", "Content-Type: text/plain\r\n") +
      record("conversion", "three", "Content-Type: text/plain\r\n") + record("response", "no http"));
  EXPECT_EQ(r.texts, (Texts{"<p>one", "two", "three"}));
  EXPECT_EQ(r.faults,
            (Faults{{"no HTTP response", 1}, {"no text", 1}, {"record of another kind", 2}, {"status 404", 1}}));
}

TEST(Warc, WrongLengthsAndNoise) {
  const std::string good = record("conversion", "good one"), last = record("conversion", "last");
  EXPECT_EQ(read_warc(good + record("conversion", "too short", "", 4) + last).texts,
            (Texts{"good one", "too ", "last"}));
  const Read longer =
      read_warc(good + record("conversion", "too long", "", 20) + last);  // swallows the start of the next
  EXPECT_EQ(longer.texts.front(), "good one");
  EXPECT_GE(longer.faults.at("wrong record length"), 1u);
  EXPECT_EQ(read_warc("noise\nmore noise\n" + good + "WARC/1.0\r\nno length: 1\r\n\r\n" + last).texts,
            (Texts{"good one", "last"}));
  EXPECT_EQ(read_warc(good + record("conversion", "cut", "", 1000000)).faults.at("record cut short"), 1u);
  EXPECT_EQ(read_warc(good + record("conversion", std::string(3000000, 'x')) + last, ",longest=1MiB").texts,
            (Texts{"good one", "last"}));
  EXPECT_EQ(read_warc(good + record("conversion", "x", "", 9223372036854775807L)).texts, (Texts{"good one"}));
  EXPECT_EQ(read_warc("").texts, Texts{});
}

TEST(Warc, TruncatedRecordsByChoice) {
  const std::string cut = record("conversion", "half", "WARC-Truncated: length\r\n");
  EXPECT_EQ(read_warc(cut).texts, Texts{"half"});
  EXPECT_EQ(read_warc(cut, ",truncated=drop").texts, Texts{});
  EXPECT_EQ(read_warc(cut, ",truncated=drop").faults.at("truncated, dropped"), 1u);
}

TEST(Warc, ChunksPackingAndCharacterSets) {
  std::string packed = "<p>packed page";
  pack_bytes(".gz", packed);
  const std::string html = "Content-Type: text/html\r\n";
  const Read r = read_warc(
      record("response", page("5\r\n<p>ab\r\n3;x=y\r\ncde\r\n0\r\n\r\n", html + "Transfer-Encoding: chunked\r\n")) +
      record("response", page(packed, html + "Content-Encoding: gzip\r\n")) +
      record("response", page("<p>caf\xe9 \x93q\x94", "Content-Type: text/html; charset=ISO-8859-1\r\n")) +
      record("response", page("<meta charset='koi8-r'><p>\xf4\xc5\xd3\xd4", html)) +
      record("response", page("<p>caf\xc3\xa9", html)) + record("response", page("<p>caf\xe9", html)) +
      record("response", page(std::string("\xff\xfe<\0p\0>\0e\0", 10), html)) +
      record("response", page("<meta name=a><p>charset=koi8-r caf\xc3\xa9", html)));
  ASSERT_EQ(r.texts.size(), 8u) << nlohmann::json(r.faults).dump();
  EXPECT_EQ(r.texts.at(0), "<p>abcde");
  EXPECT_EQ(r.texts.at(1), "<p>packed page");
  EXPECT_EQ(r.texts.at(2), "<p>caf\xc3\xa9 \xe2\x80\x9cq\xe2\x80\x9d");
  EXPECT_EQ(r.texts.at(3), "<meta charset='koi8-r'><p>\xd0\xa2\xd0\xb5\xd1\x81\xd1\x82");
  EXPECT_EQ(r.texts.at(4), "<p>caf\xc3\xa9");
  EXPECT_EQ(r.texts.at(5), "<p>caf\xc3\xa9");
  EXPECT_EQ(r.texts.at(6), "<p>e");
  EXPECT_EQ(r.texts.at(7), "<meta name=a><p>charset=koi8-r caf\xc3\xa9");  // only a <meta> names one
}

TEST(Warc, RealAndBrokenFiles) {
  TestFolder tmp;
  const auto run = [&](const std::string& file) {
    return run_spec(
        fmt::format("warc(\"{}\") | extract | jsonl(\"{}\")", golden_path("warc/" + file), tmp / (file + ".out")));
  };
  EXPECT_EQ(run("warcio__example.warc.gz").counts.out_docs, 1u);
  EXPECT_EQ(run("warcio__example-iana.org-chunked.warc").counts.out_docs, 1u);
  EXPECT_GE(run("warcio__example-wrong-chunks.warc.gz").counts.source_docs, 1u);
  EXPECT_NO_THROW(run("warcio__example-trunc.warc"));
  run("whirlwind-python__whirlwind.warc.gz");
  run("whirlwind-python__whirlwind.warc.wet.gz");
  const std::string ours = json_rows(all_text(tmp / "whirlwind-python__whirlwind.warc.gz.out")).at(0).at("text");
  const std::string wet = json_rows(all_text(tmp / "whirlwind-python__whirlwind.warc.wet.gz.out")).at(0).at("text");
  EXPECT_GT(ours.size(), 500u);
  EXPECT_LT(ours.size(), wet.size());  // Common Crawl's text has the page's frame in it
}

std::string extracted(const std::string& html) {
  HtmlParser parser;
  return main_text(parser.parse(html));
}
const std::string kProse =
    "This is a sentence of the article that people came to read, and it goes on for a while so that nobody takes it "
    "for a menu. ";

TEST(Extract, TakesTheFrameAway) {
  const std::string html =
      "<html><head><title>T</title><style>x{}</style></head><body><nav><a href=a>Home</a><a href=b>News</a></nav><div "
      "class='cookie-banner'>We use cookies</div>"
      "<main><h1>Title</h1><p>" +
      kProse + "</p><script>var x = '<p>no</p>';</script><p>" + kProse + kProse +
      "</p><pre>int main() {\n  return 0;\n}</pre></main>"
      "<footer>Copyright</footer></body></html>";
  const std::string text = extracted(html);
  EXPECT_TRUE(text.starts_with("Title\n\nThis is a sentence"));
  EXPECT_NE(text.find("int main() {\n  return 0;\n}"), std::string::npos);
  for (const char* gone : {"Home", "cookies", "var x", "Copyright"})
    EXPECT_EQ(text.find(gone), std::string::npos) << gone;
}

TEST(Extract, FormulaeByTheirSource) {
  const std::string text =
      extracted("<body><main><p>" + kProse + "<math alttext='E = mc^2'><mi>E</mi></math> holds.</p></main></body>");
  EXPECT_NE(text.find("E = mc^2 holds."), std::string::npos);
  EXPECT_EQ(text.find("EE"), std::string::npos);
}

TEST(Extract, NamesThatHoldMostOfThePageAreNotBelieved) {
  EXPECT_NE(extracted("<body><div class='sidebar widget'><p>" + kProse + kProse + kProse + "</p></div><p>x</p></body>")
                .find("people came to read"),
            std::string::npos);
}

TEST(Extract, BombsEndSoon) {
  const double begin = now_s();
  for (const char* tag :
       {"<div>", "<b>", "<ul><li>", "<b><div>", "<table><tr><td>", "<svg><g>", "<p><a href=x>", "<form><div>"}) {
    std::string html = "<html><body>";
    for (int i = 0; i < 30000; ++i) html += tag;
    RuleRunner rule("extract");
    rule(html + "text");
  }
  EXPECT_LT(now_s() - begin, 60);
  EXPECT_EQ(RuleRunner("extract")("<html>" + std::string(5000, ' ') +
                                  [] {
                                    std::string s;
                                    for (int i = 0; i < 5000; ++i) s += "<div>";
                                    return s;
                                  }())
                .reason,
            "extract_nesting");
}

TEST(Extract, PlainTextPasses) {
  EXPECT_EQ(RuleRunner("extract")("Just 1 < 2 text").text, "Just 1 < 2 text");
  EXPECT_EQ(RuleRunner("extract")("<html><body><script>x</script></body></html>").reason, "extract_empty");
  EXPECT_EQ(RuleRunner("extract")("<html><title>A \"b\"</title><body><p>" + kProse + "</p></body></html>").meta,
            "\"title\":\"A \\\"b\\\"\"");
}

}  // namespace
}  // namespace frugal::data
