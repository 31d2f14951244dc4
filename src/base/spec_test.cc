#include "base/spec.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/error.h"

namespace frugal {
namespace {

std::string canonical_text(const std::string& text) { return to_string(parse_spec(text)); }

std::string spec_error(const std::string& text) {
  try {
    parse_spec(text);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUsage);
    return e.what();
  }
  return "no error";
}

TEST(Spec, ReadsUnitsScopesAndValues) {
  const Spec s = parse_spec("h2o(budget=20%) | k:kivi(2, group = 32) | L0-1,5:v:q8 | L12-:full");
  ASSERT_EQ(s.size(), 4u);
  EXPECT_EQ(s[0].unit.name, "h2o");
  EXPECT_EQ(s[0].unit.args[0].name, "budget");
  EXPECT_EQ(s[0].unit.args[0].value.kind, Value::Kind::kPercent);
  EXPECT_EQ(s[0].unit.args[0].value.number, 20);
  EXPECT_FALSE(s[0].scope.narrows());
  EXPECT_EQ(s[1].scope.side, 'k');
  EXPECT_TRUE(s[1].unit.args[0].name.empty());
  EXPECT_EQ(s[1].unit.args[0].value, Value::of(2.0));
  EXPECT_EQ(s[2].scope.side, 'v');
  EXPECT_EQ(s[2].scope.layers, (std::vector<std::pair<int, int>>{{0, 1}, {5, 5}}));
  EXPECT_TRUE(s[2].scope.covers(1) && s[2].scope.covers(5));
  EXPECT_FALSE(s[2].scope.covers(2));
  EXPECT_TRUE(s[3].scope.covers(12) && s[3].scope.covers(Scope::kLastLayer + 1));
  EXPECT_FALSE(s[3].scope.covers(11));
}

TEST(Spec, CanonicalForm) {
  const std::pair<const char*, const char*> cases[] = {
      {" full ", "full"},
      {"full()", "full"},
      {"top-k(40)", "top_k(40)"},
      {"temp=0.7,top_p=0.9", "temp(0.7) | top_p(0.9)"},
      {"temp=0.7, top-k=40 |min_p(0.05)", "temp(0.7) | top_k(40) | min_p(0.05)"},
      {"k:L0-1:q8", "L0-1:k:q8"},
      {"L5,3-4,0:q8", "L0,3-5:q8"},
      {"L2,1-:q8", "L1-:q8"},
      {"a(1.50, 1e3,.5,-0.25)", "a(1.5,1000,0.5,-0.25)"},
      {"a(64MiB,1024KiB,1536KiB,0.5MiB,5B,1MB,3GiB)", "a(64MiB,1MiB,1536KiB,512KiB,5B,1000000B,3GiB)"},
      {"a(12.5%)", "a(12.5%)"},
      {"warc(in/*.gz)", "warc(in/*.gz)"},
      {"m(targets=q+k+v+o)", "m(targets=q+k+v+o)"},
      {"m(\"plain\")", "m(plain)"},
      {"m(\"20%\",\"7\",\"a,b\",\" x\",\"\",\"a=b\")", "m(\"20%\",\"7\",\"a,b\",\" x\",\"\",\"a=b\")"},
      {"m(\"say \\\"hi\\\" C:\\dir\")", "m(\"say \\\"hi\\\" C:\\\\dir\")"},
      {"m(C:\\dir)", "m(C:\\dir)"},
      {"m(007,4bit,1.2.3)", "m(007,4bit,1.2.3)"},
      {"m([1, a ,[b]],[])", "m([1,a,[b]],[])"},
      {"model(layers=12,kv=streaming(sink=4,window=252))", "model(layers=12,kv=streaming(sink=4,window=252))"},
      {"m(kv=(streaming(4,252) | k:q8))", "m(kv=(streaming(4,252) | k:q8))"},
      {"m(kv=(streaming(4,252)))", "m(kv=streaming(4,252))"},
      {"m(kv=(L0-1,5:k:q8|full))", "m(kv=(L0-1,5:k:q8 | full))"},
      {"m(kv=(full))", "m(kv=(full))"},
      {"h2o(budget={10%,20%,50%})", "h2o(budget={10%,20%,50%})"},
      {"m(x={full,h2o({10%,512})})", "m(x={full,h2o({10%,512})})"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(canonical_text(text), expected) << text;
    EXPECT_EQ(canonical_text(expected), expected);
    EXPECT_EQ(parse_spec(canonical_text(text)), parse_spec(text)) << text;
  }
}

TEST(Spec, TextAsAnyBytesRoundTrips) {
  std::mt19937 random(7);
  const std::string letters = "ab0 1.%-=,()|{}[]\"\\:LkM";
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (size_t n = random() % 8; n > 0; --n) text += letters[random() % letters.size()];
    Spec s(1);
    s[0].unit = {"m", {{i % 2 ? "p" : "", Value::of(text)}}};
    EXPECT_EQ(parse_spec(to_string(s)), s) << text;
  }
}

TEST(Spec, ErrorsSayWhereAndWhat) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "[spec] at column 1 of : found the end, expected the name of a method"},
      {"full |", "[spec] at column 7 of full |: found the end, expected the name of a method"},
      {"full x", "[spec] at column 6 of full x: found 'x', expected '(', '|' or the end"},
      {"temp(0.7", "[spec] at column 9 of temp(0.7: found the end, expected ',' or ')'"},
      {"temp(0.7))", "[spec] at column 10 of temp(0.7)): found ')', expected '|' or the end"},
      {"m(a=1,a=2)", "[spec] at column 7 of m(a=1,a=2): found 'a', expected 'a' only once"},
      {"m(,1)", "[spec] at column 3 of m(,1): found ',', expected a value"},
      {"m(x=)", "[spec] at column 5 of m(x=): found ')', expected a value"},
      {"m(\"abc)", "[spec] at column 3 of m(\"abc): found '\"', expected a closing '\"'"},
      {"m([1,2)", "[spec] at column 7 of m([1,2): found ')', expected ',' or ']'"},
      {"m({})", "[spec] at column 4 of m({}): found '}', expected a value"},
      {"m(a b(1))", "[spec] at column 6 of m(a b(1)): found '(', expected ',' or ')'"},
      {"L3-1:q8", "[spec] at column 2 of L3-1:q8: found '3', expected a range of layers that ascends"},
      {"k:v:q8", "[spec] at column 3 of k:v:q8: found 'v', expected at most one of k: and v:"},
      {"L1:L2:q8", "[spec] at column 4 of L1:L2:q8: found 'L', expected one list of layers"},
      {"7up", "[spec] at column 1 of 7up: found '7', expected the name of a method"},
      {"{a,b}", "[spec] at column 1 of {a,b}: found '{', expected the name of a method"},
      {"a,b", "[spec] at column 2 of a,b: found ',', expected '(', '|' or the end"},
      {"m(\xc3\xa9) \xc3\xa9", "[spec] at column 7 of m(\xc3\xa9) \xc3\xa9: found '\xc3\xa9', expected '|' or the end"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(spec_error(text), expected);
  EXPECT_NE(spec_error("L9999999999:q8").find("a layer of at most"), std::string::npos);
}

TEST(Spec, BoundsWhatStrangersSend) {
  std::string deep = "m";
  for (int i = 0; i < 40; ++i) deep = "m(" + deep + ")";
  EXPECT_NE(spec_error(deep).find("inside one another"), std::string::npos);
  EXPECT_NE(spec_error("m(" + std::string(5000, '[')).find("inside one another"), std::string::npos);
  EXPECT_NE(spec_error(std::string(20000, 'x')).find("found 20000 characters"), std::string::npos);
  EXPECT_THROW(expand_sweeps(parse_spec("m({1,2,3,4,5,6,7,8},{1,2,3,4,5,6,7,8},{1,2,3,4,5,6,7,8},{1,2,3})")), Error);
  std::string many = "m({1}";
  for (int i = 0; i < 2000; ++i) many += ",{1}";
  EXPECT_THROW(expand_sweeps(parse_spec(many + ")")), Error);
}

TEST(Spec, RandomBytesNeverBreakTheParser) {
  std::mt19937 random(11);
  const std::string letters = "kvL01-,:|(){}[]\"\\=% .eMiB\n\xc3\xa9";
  int parsed = 0;
  for (int i = 0; i < 100000; ++i) {
    std::string text = "m";
    for (size_t n = random() % 12; n > 0; --n) text += letters[random() % letters.size()];
    try {
      const Spec s = parse_spec(text);
      EXPECT_EQ(parse_spec(to_string(s)), s) << text;
      ++parsed;
    } catch (const Error&) {
    }
  }
  EXPECT_GT(parsed, 100);
}

TEST(Spec, ExpandsSweepsFirstSlowest) {
  auto all = [](const char* text) {
    std::vector<std::string> out;
    for (const Spec& s : expand_sweeps(parse_spec(text))) out.push_back(to_string(s));
    return out;
  };
  using Strings = std::vector<std::string>;
  EXPECT_EQ(all("full"), (Strings{"full"}));
  EXPECT_EQ(all("a({1,2}) | b(x={p,q})"),
            (Strings{"a(1) | b(x=p)", "a(1) | b(x=q)", "a(2) | b(x=p)", "a(2) | b(x=q)"}));
  EXPECT_EQ(all("m(kv={full,h2o({10%,20%})},n=3)"),
            (Strings{"m(kv=full,n=3)", "m(kv=h2o(10%),n=3)", "m(kv=h2o(20%),n=3)"}));
  EXPECT_EQ(all("m([{1,2}])"), (Strings{"m([1])", "m([2])"}));
}

TEST(Spec, UnitAndValueAlone) {
  EXPECT_EQ(parse_unit("q8(group=32)").name, "q8");
  EXPECT_THROW(parse_unit("a | b"), Error);
  EXPECT_THROW(parse_unit("k:a"), Error);
  EXPECT_EQ(parse_value("20%").kind, Value::Kind::kPercent);
  EXPECT_EQ(parse_value("streaming(4)").kind, Value::Kind::kSpec);
  EXPECT_THROW(parse_value("1,2"), Error);
}

}  // namespace
}  // namespace frugal
