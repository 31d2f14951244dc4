// Recipes say the same as specs, and what is wrong in one is named with its line.
#include "data/recipe.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/spec.h"
#include "data/data_test_files.h"

namespace frugal::data {
namespace {

std::string refused(const std::string& toml) {
  try {
    parse_recipe(toml, "r.toml");
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Recipe, SaysTheSameAsASpec) {
  const Recipe r = parse_recipe(R"toml(
    input = { jsonl = { path = "in (1),|.jsonl", longest = "1MiB" } }
    stages = [
      "gopher_quality(min_words=20)",
      { minhash = { bands = 10, rows = 4 } },   # a table
      { c4 = { punctuation = false } },
      { gopher_repetition = {} },
    ]
    output = "parquet(out,columns=[url,date])"
    workers = 3
    rejects = "dropped"
  )toml",
                                "r.toml");
  EXPECT_EQ(parse_spec(r.spec),
            parse_spec("jsonl(longest=1MiB,path=\"in (1),|.jsonl\") | gopher_quality(min_words=20) | "
                       "minhash(bands=10,rows=4) | c4(punctuation=false) | gopher_repetition | "
                       "parquet(out,columns=[url,date])"));
  EXPECT_EQ(r.workers, 3);
  EXPECT_EQ(r.rejects, "dropped");
  EXPECT_FALSE(r.report.has_value());
}

TEST(Recipe, StagesMayBeTablesOfTheirOwn) {
  const Recipe r = parse_recipe(
      "input = 'text(in)'\noutput = { jsonl = { path = 'out' } }\n[[stages]]\nlines = { bucket = 1000, keep = 'none' "
      "}\n",
      "r.toml");
  EXPECT_EQ(parse_spec(r.spec), parse_spec("text(in) | lines(bucket=1000,keep=none) | jsonl(path=out)"));
}

TEST(Recipe, MistakesAreNamed) {
  const std::string ends = "input = 'text(in)'\noutput = 'jsonl(out)'\n";
  EXPECT_NE(refused(ends + "stage = []").find("r.toml:3: found the key 'stage'"), std::string::npos);
  EXPECT_NE(refused(ends + "stage = []").find("did you mean 'stages'?"), std::string::npos);
  EXPECT_NE(refused("input = 'text(in)'").find("found no 'output'"), std::string::npos);
  EXPECT_NE(refused(ends + "workers = 'two'").find("r.toml:3: found another kind of value for workers"),
            std::string::npos);
  EXPECT_NE(refused(ends + "stages = [ 3 ]").find("expected a spec in quotes"), std::string::npos);
  EXPECT_NE(refused(ends + "stages = [ { minhsh = {} } ]").find("did you mean 'minhash'"), std::string::npos);
  EXPECT_NE(refused(ends + "stages = [ { minhash = { band = 3 } } ]").find("r.toml:3: found the parameter 'band' of"),
            std::string::npos);
  EXPECT_NE(refused(ends + "stages = [").find("r.toml:3: "), std::string::npos);
  EXPECT_NE(refused(ends + "\xd2\x99 = 1").find("r.toml:3: "), std::string::npos);
  const std::string words = "# \xc3\xa9\nrejects = '\xc3\xa9'\nreport = \"\"\"\\\"\"\xc3\xa9\"\"\"\n";
  EXPECT_EQ(parse_recipe(ends + words, "r.toml").report, "\"\"\xc3\xa9");
  EXPECT_NE(refused("a = [1,}").find("r.toml:1: "), std::string::npos);
  EXPECT_NE(refused("\xff\xfe\n").find("r.toml:1: "), std::string::npos);
  EXPECT_THROW(read_recipe("none.toml"), Error);
}

}  // namespace
}  // namespace frugal::data
