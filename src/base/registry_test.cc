#include "base/registry.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/edit_distance.h"
#include "base/error.h"

namespace frugal {
namespace {

struct Thing {
  std::string said;
};
using MakeThing = std::unique_ptr<Thing>(const Args&);

std::unique_ptr<Thing> say(const Args& a) { return std::make_unique<Thing>(Thing{to_string(a.canonical())}); }

const Register<MakeThing> kStreaming(
    {.kind = "test_kv",
     .role = "policy",
     .name = "streaming",
     .title = "A title",
     .authors = "A. Author",
     .year = 2023,
     .arxiv = "2309.17453",
     .help = "first rows and newest rows",
     .params = {ParamInfo::integer("sink", "first rows kept").preset("4").within(0, 1024),
                ParamInfo::budget("window", "newest rows kept"),
                ParamInfo::real("decay", "how fast").preset("auto").above(0, 1).words({"auto"}),
                ParamInfo::flag("rotate", "re-index").preset("true"),
                ParamInfo::choice("mean", {"mean", "max", "sum"}, "over the group").preset("mean")},
     .abilities = {"moves rows"},
     .conflicts = {{"merging", "a merged row has no position to move to"}}},
    say);
const Register<MakeThing> kCam(
    {.kind = "test_kv", .role = "policy", .name = "cam", .help = "merges", .abilities = {"merging"}}, say);
const Register<MakeThing> kQ8({.kind = "test_kv", .role = "codec", .name = "q8", .help = "eight bits"}, say);
const Register<MakeThing> kModel({.kind = "test_draft",
                                  .name = "model",
                                  .help = "a smaller model",
                                  .params = {ParamInfo::text("path", "its file").preset(""),
                                             ParamInfo::spec("kv", "test_kv", "its cache").preset("q8"),
                                             ParamInfo::list("layers", "which").preset("[]"),
                                             ParamInfo::bytes("memory", "at most").preset("1GiB")}},
                                 say);

Args bound(const char* kind, const char* text) {
  const Unit unit = parse_unit(text);
  return bind(unit, need_method(kind, unit.name));
}

template <typename Work>
std::string refusal(Work work) {
  try {
    work();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUsage);
    return e.what();
  }
  return "no error";
}
std::string bind_error(const char* kind, const char* text) {
  return refusal([&] { bound(kind, text); });
}

TEST(Registry, BindsByPositionByNameAndByDefault) {
  const Args a = bound("test_kv", "streaming(8, 20%, mean=max)");
  EXPECT_EQ(a.integer("sink"), 8);
  EXPECT_EQ(a.budget("window"), (Budget{Budget::Kind::kPercent, 20}));
  EXPECT_EQ(a.text("decay"), "auto");
  EXPECT_TRUE(a.flag("rotate"));
  EXPECT_EQ(a.text("mean"), "max");
  EXPECT_TRUE(a.given("sink"));
  EXPECT_FALSE(a.given("rotate"));
  const Args b = bound("test_kv", "streaming(window=512,decay=0.5,rotate=off)");
  EXPECT_EQ(b.integer("sink"), 4);
  EXPECT_EQ(b.budget("window"), (Budget{Budget::Kind::kRows, 512}));
  EXPECT_EQ(b.real("decay"), 0.5);
  EXPECT_EQ(b.text("decay"), "");
  EXPECT_FALSE(b.flag("rotate"));
  EXPECT_EQ(bound("test_kv", "streaming(window=64MiB)").budget("window"), (Budget{Budget::Kind::kBytes, 67108864}));
}

TEST(Registry, BindsSpecsListsTextAndBytes) {
  const Args a = bound("test_draft", "model(7, kv=(streaming(4,252) | k:q8), layers=3, memory=1000)");
  EXPECT_EQ(a.text("path"), "7");
  EXPECT_EQ(to_string(a.spec("kv")), "streaming(4,252) | k:q8");
  ASSERT_EQ(a.list("layers").size(), 1u);
  EXPECT_EQ(a.list("layers")[0], Value::of(3.0));
  EXPECT_EQ(a.bytes("memory"), 1000);
  EXPECT_EQ(bound("test_draft", "model").text("path"), "");
  EXPECT_EQ(to_string(bound("test_draft", "model(kv=k:q8)").spec("kv")), "k:q8");
  EXPECT_EQ(to_string(bound("test_draft", "model").spec("kv")), "q8");
  EXPECT_TRUE(bound("test_draft", "model").list("layers").empty());
}

TEST(Registry, RefusesWithReasons) {
  const std::pair<const char*, const char*> cases[] = {
      {"streaming(window=0.2)",
       "[streaming] found window = 0.2, expected a budget with its unit: 20% of the prompt, 512 (rows) or "
       "64MiB"},
      {"streaming(window=120%)",
       "[streaming] found window = 120%, expected a share of the prompt above 0% and of at most 100%"},
      {"streaming(window=10.5)",
       "[streaming] found window = 10.5, expected a budget: 20% of the prompt, 512 (a whole number of rows) "
       "or 64MiB"},
      {"streaming(window=half)",
       "[streaming] found window = half, expected a budget: 20% of the prompt, 512 (a whole number of rows) "
       "or 64MiB"},
      {"streaming(sink=2)", "[streaming] found no window, expected one (budget): newest rows kept"},
      {"streaming(2000,64)", "[streaming] found sink = 2000, expected a whole number from 0 to 1024"},
      {"streaming(2.5,64)", "[streaming] found sink = 2.5, expected a whole number from 0 to 1024"},
      {"streaming(4,64,0)", "[streaming] found decay = 0, expected a number above 0, at most 1 or auto"},
      {"streaming(4,64,rotate=maybe)", "[streaming] found rotate = maybe, expected true or false"},
      {"streaming(4,64,mean=maks)", "[streaming] found mean = maks, expected mean | max | sum, did you mean 'max'?"},
      {"streaming(4,64,1,true,max,9)",
       "[streaming] found more values than parameters, expected at most 5: sink, window, decay, rotate, "
       "mean"},
      {"streaming(4,64,sink=4)", "[streaming] found sink twice, expected it once"},
      {"streaming(windo=64)", "[streaming] found no parameter 'windo', did you mean 'window'?"},
      {"streaming(4,{64,128})",
       "[streaming] found window = {64,128}, expected one value; a sweep is for verbs that compare"},
      {"q8(3)", "[q8] found more values than parameters, expected at most 0"},
      {"q8(bits=3)", "[q8] found a parameter 'bits', expected none"},
      {"straeming(4,64)", "[test_kv] found no method 'straeming', did you mean 'streaming'?"},
      {"zzz", "[test_kv] found no method 'zzz', expected one of q8, cam, streaming"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(bind_error("test_kv", text), expected);
  EXPECT_EQ(bind_error("test_draft", "model(kv=q9)"), "[test_kv] found no method 'q9', did you mean 'q8'?");
  EXPECT_EQ(bind_error("test_draft", "model(memory=-1)"), "[model] found memory = -1, expected a size such as 64MiB");
}

TEST(Registry, RefusesPairsThatCannotCombine) {
  check_spec("test_kv", parse_spec("streaming(4,64) | k:q8"));
  EXPECT_EQ(refusal([] { check_spec("test_kv", parse_spec("cam | streaming(4,64)")); }),
            "[test_kv] streaming cannot combine with cam: a merged row has no position to move to");
}

TEST(Registry, OneCanonicalFormForOneConfiguration) {
  EXPECT_EQ(to_string(canonical("test_kv", parse_spec("streaming(8,20%) | k:q8"))),
            "streaming(sink=8,window=20%) | k:q8");
  EXPECT_EQ(to_string(canonical("test_kv", parse_spec("streaming(window=20%,sink=8)"))),
            "streaming(sink=8,window=20%)");
  EXPECT_EQ(to_string(canonical("test_draft", parse_spec("model(kv=streaming(4,9))"))),
            "model(kv=streaming(sink=4,window=9))");
}

TEST(Registry, MakesWhatWasRegistered) {
  EXPECT_EQ(make_method<MakeThing>("test_kv", parse_unit("streaming(4,64)"))->said, "streaming(sink=4,window=64)");
}

TEST(Registry, Catalogue) {
  EXPECT_EQ(method_names("test_kv"), (std::vector<std::string>{"q8", "cam", "streaming"}));  // by role, then name
  EXPECT_GE(catalogue().size(), 4u);
  EXPECT_EQ(find_method("test_kv", "nothing"), nullptr);
  const MethodInfo& m = *find_method("test_kv", "streaming");
  EXPECT_EQ(m.params[0].range(), "[0, 1024]");
  EXPECT_EQ(m.params[1].range(), "(0%, 100%] | rows | bytes");
  EXPECT_EQ(m.params[2].range(), "(0, 1] | auto");
  EXPECT_EQ(m.params[4].range(), "mean | max | sum");
  EXPECT_EQ(ParamInfo::integer("n", "").at_least(1).range(), "[1, inf)");
}

TEST(EditDistance, CountsSlips) {
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("stremaing", "streaming"), 1u);  // a swap is one slip
  EXPECT_EQ(edit_distance("H2O", "h2o"), 0u);
  EXPECT_EQ(nearest_name("top_q", {"top_k", "top_p", "typical"}), "top_k");  // the first of equals
  EXPECT_EQ(nearest_name("xyz", {"top_k", "top_p"}), "");
  EXPECT_EQ(nearest_name(std::string(1000, 'a'), {"a"}), "");
}

}  // namespace
}  // namespace frugal
