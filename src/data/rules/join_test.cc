// Dolma's own regression data through our operators (join, threshold, url_dedup, lines), and sites dropped by their
// personal data.
#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "data/data_test_files.h"

namespace frugal::data {
namespace {

using Json = nlohmann::json;
std::vector<Json> dolma(const std::string& name) { return gz_rows("dolma/" + name + ".jsonl.gz"); }
std::string dolma_path(const std::string& name) { return golden_path("dolma/" + name + ".jsonl.gz"); }

std::vector<Json> rows_of(const TestFolder& tmp, const std::string& source, const std::string& stages) {
  static int run = 0;
  const std::string out = tmp / std::to_string(run++);
  run_spec(fmt::format("jsonl(\"{}\") | {} | jsonl(\"{}\")", source, stages, out));
  return json_rows(all_text(out));
}

TEST(DolmaExpected, MixerFiltersByAttributesAndMetadata) {
  TestFolder tmp;
  const auto got =
      rows_of(tmp, dolma_path("documents"),
              fmt::format("join([\"{}\",\"{}\"]) | threshold(metadata.length,<,10000) | "
                          "threshold(metadata.length,>=,500) | threshold(attributes.pii.too_much_pii,==,0) "
                          "| threshold(attributes.toxicity,<=,0.8)",
                          dolma_path("pii"), dolma_path("toxicity")));
  const auto expected = dolma("expected-mixer");
  std::map<std::string, Json> documents;
  for (const Json& d : dolma("documents")) documents[d["id"]] = d;
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    Json document = documents.at(expected[i]["id"]);
    document["attributes"] = expected[i]["attributes"];
    Json row = got[i];
    row.erase("values");
    EXPECT_EQ(row, document);
  }
}

TEST(DolmaExpected, DuplicateAddresses) {
  TestFolder tmp;
  std::vector<std::string> kept, expected;
  for (const Json& r : rows_of(tmp, dolma_path("deduper"), "url_dedup(keep=first,url=metadata.url)"))
    kept.push_back(r["id"]);
  for (const Json& r : dolma("expected-url"))
    if (r["attributes"].empty()) expected.push_back(r["id"]);
  EXPECT_EQ(kept, expected);
}

// The spans are in characters, a line's break belongs to it.
std::string without_spans(const std::string& text, const Json& spans) {
  std::vector<size_t> at;  // where characters begin
  for (size_t i = 0; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) at.push_back(i);
  const auto byte = [&](size_t c) { return c < at.size() ? at[c] : text.size(); };
  std::string out;
  size_t from = 0;
  for (const Json& s : spans) {
    out += text.substr(from, byte(s[0]) - from);
    from = byte(s[1]);
  }
  out += text.substr(from);
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

TEST(DolmaExpected, DuplicateParagraphs) {
  TestFolder tmp;
  const auto got = rows_of(tmp, dolma_path("deduper"), "lines(max=1,keep=first6)");
  const auto documents = dolma("deduper"), expected = dolma("expected-paragraphs");
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    const Json& spans = expected[i]["attributes"]["bff_duplicate_paragraph_spans"];
    EXPECT_EQ(got[i]["values"]["lines_removed"], spans.size()) << got[i]["id"];
    EXPECT_EQ(got[i]["text"].get<std::string>(), without_spans(documents[i]["text"], spans));
  }
}

TEST(Join, MergesFilesAndSaysWhatItMissed) {
  TestFolder tmp;
  const std::string in = tmp.write("in.jsonl", R"({"id":"a","text":"x","tags":{"old":1,"n":1}}
{"id":"b","text":"y","n":2}
)");
  const std::string more = tmp.write("tags", R"({"id":"a","tags":{"n":5,"deep":{"flag":true}}}
{"id":"unknown","tags":{}}
)");
  const auto rows = rows_of(tmp, in, fmt::format("join([\"{}\"],member=tags)", more));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["tags"], Json::parse(R"({"old":1,"n":5,"deep":{"flag":true}})"));
  EXPECT_EQ(rows[0]["values"]["join_found"], 1);
  EXPECT_FALSE(rows[1].contains("tags"));
  EXPECT_EQ(rows[1]["values"]["join_found"], 0);
  EXPECT_EQ(rows_of(tmp, in, fmt::format("join([\"{}\"],member=tags) | threshold(tags.deep.flag,<,1)", more)).size(),
            1u);
  EXPECT_EQ(rows_of(tmp, in, "threshold(n,>,2)").size(), 1u);
  for (const char* bad : {"[1]", "{\"id\":1,\"tags\":{}}", "{\"id\":\"a\"}", "no json"})
    EXPECT_THROW(rows_of(tmp, in, fmt::format("join([\"{}\"],member=tags)", tmp.write("bad", bad))), Error) << bad;
  const std::string deep = "{\"id\":\"a\",\"tags\":{\"x\":" + std::string(100000, '[');
  EXPECT_THROW(rows_of(tmp, in, fmt::format("join([\"{}\"],member=tags)", tmp.write("deep", deep))), Error);
}

// Ten documents of a site with four matches in each, ten of one with a single match in all, two of a third; hosts of
// one registered domain are one site.
TEST(PiiDensity, DropsSitesWhole) {
  TestFolder tmp;
  std::string in;
  const std::string filler(180, 'x');
  const auto add = [&](const std::string& id, const std::string& host, int matches) {
    std::string text = filler;
    for (int m = 0; m < matches; ++m) text += fmt::format(" a{}@b{}.org", m, m);
    in += Json{{"id", id}, {"text", text}, {"url", "http://" + host + "/" + id}}.dump() + "\n";
  };
  for (int i = 0; i < 10; ++i)
    add(fmt::format("full{}", i), i % 2 ? "www.people.co.uk" : "list.People.co.uk.", i == 3 ? 0 : 4);
  for (int i = 0; i < 10; ++i) add(fmt::format("fine{}", i), "other.co.uk", i == 3);
  for (int i = 0; i < 2; ++i) add(fmt::format("few{}", i), "two.com", 4);
  in += "{\"id\":\"none\",\"text\":\"a@b.org c@d.org\"}\n";
  const std::string file = tmp.write("in.jsonl", in);
  for (const char* stages : {"pii_density(max=100)", "pii([email,phone],action=count) | pii_density(max=100)"}) {
    const auto rows = rows_of(tmp, file, stages);
    ASSERT_EQ(rows.size(), 13u) << stages;
    for (const Json& r : rows) EXPECT_FALSE(r["id"].get<std::string>().starts_with("full")) << r["id"];
    const double chars = 10 * 180 + 10;
    EXPECT_NEAR(rows[0]["values"]["pii_density"].get<double>(), 1 / chars * 1e4, 1e-9) << stages;
    EXPECT_EQ(rows[0]["values"]["pii_density_docs"], 10);
    EXPECT_FALSE(rows.back().value("values", Json::object()).contains("pii_density"));
  }
  EXPECT_EQ(rows_of(tmp, file, "pii_density(max=100,min_docs=2)").size(), 11u);
  EXPECT_EQ(rows_of(tmp, file, "pii_density(max=100,kinds=[card])").size(), 23u);
}

}  // namespace
}  // namespace frugal::data
