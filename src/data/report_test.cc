#include "data/report.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "data/data_test_files.h"

namespace frugal::data {
namespace {

TEST(HtmlReport, HoldsFunnelReasonsSpreadAndSamples) {
  TestFolder tmp;
  Plan plan = make_plan(fmt::format("jsonl(\"{}\") | gopher_quality | lang(any,0,model=\"{}\") | jsonl(\"{}\")",
                                    golden_path("rules.jsonl.gz"), golden_path("fasttext/hs.ftz"), tmp / "out"));
  const Report run = run_pipeline(plan, {.rejects = tmp / "rejects"});
  write_report(plan, run, tmp / "rejects", tmp / "a.html");
  write_report(plan, run, tmp / "rejects", tmp / "b.html");
  const std::string html = file_text(tmp / "a.html");
  EXPECT_EQ(html, file_text(tmp / "b.html"));
  for (const char* part :
       {"gopher_quality: gopher_short_doc", "Languages kept", "gopher_word_length", "<svg", "<summary>kept ("})
    EXPECT_NE(html.find(part), std::string::npos) << part;
  EXPECT_EQ(html.find("<script"), std::string::npos);  // documents come escaped
}

TEST(HtmlReport, NeedsOutputThatCanBeRead) {
  TestFolder tmp;
  Plan plan = make_plan(fmt::format("jsonl(\"{}\") | unigrams(\"{}\")", golden_path("rules.jsonl.gz"), tmp / "counts"));
  const Report run = run_pipeline(plan, {});
  EXPECT_THROW(write_report(plan, run, "", tmp / "a.html"), Error);
}

}  // namespace
}  // namespace frugal::data
