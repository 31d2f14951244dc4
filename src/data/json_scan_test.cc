// JSON that the reader of JSON lines passes on: strict, by the table of JSONTestSuite.
#include "data/json_scan.h"

#include <gtest/gtest.h>

#include "data/data_test_files.h"

namespace frugal::data {
namespace {

struct JsonCase {
  std::string name, bytes;
};
std::vector<JsonCase> json_cases() {
  std::vector<JsonCase> cases;
  for (const auto& row : gz_rows("json.jsonl.gz")) {
    JsonCase c{row["name"], ""};
    const std::string text = row["bytes"];
    for (size_t i = 0; i < text.size(); i += utf8_length(std::string_view(text).substr(i)))
      c.bytes += static_cast<char>(
          decode_utf8(std::string_view(text).substr(i, utf8_length(std::string_view(text).substr(i)))));
    cases.push_back(c);
  }
  return cases;
}

TEST(JsonScan, MembersAreStrict) {
  for (const JsonCase& c : json_cases()) {
    if (c.name.find("utf") != std::string::npos) continue;  // bytes are checked elsewhere
    EXPECT_EQ(valid_members("\"m\":" + c.bytes + " , \"n\":1"), c.name[0] == 'y') << c.name << ": " << c.bytes;
  }
  EXPECT_TRUE(valid_members(" "));
  EXPECT_FALSE(valid_members("\"a\":1,"));
  EXPECT_FALSE(valid_members("\"a\":1]"));
  EXPECT_FALSE(valid_members("\"a\":\"\\"));
  EXPECT_TRUE(valid_members("\"a\":" + std::string(900, '[') + std::string(900, ']')));
  EXPECT_FALSE(valid_members("\"a\":" + std::string(1000000, '[')));
}

// A line is a document and comes out as JSON, or is counted; one wrong line does not harm the next.
TEST(JsonScan, LinesAreTakenOrCounted) {
  TestFolder tmp;
  std::string in;
  size_t good = 0, all = 0;
  for (const JsonCase& c : json_cases()) {
    in += "{\"text\":\"x\",\"m\":" + c.bytes + "}\n";
    good += c.name[0] == 'y' ? 1 : 0;
    ++all;
  }
  const Report report = run_spec(fmt::format("jsonl(\"{}\") | jsonl(\"{}\")", tmp.write("in.jsonl", in), tmp / "out"));
  const auto rows = json_rows(all_text(tmp / "out"));
  EXPECT_EQ(rows.size(), good);
  EXPECT_EQ(report.counts.faults.at("bad JSON"), all - good);
  for (const auto& row : rows) EXPECT_TRUE(row.contains("m"));
}

}  // namespace
}  // namespace frugal::data
