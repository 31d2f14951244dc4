// The interpreter against jinja2's own output (tests/golden/templates) and against hostile templates.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "text/chat_template.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

const std::filesystem::path kTemplateGoldens = std::filesystem::path(FRUGAL_SOURCE_DIR) / "tests/golden/templates";

Json read_golden(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  return Json::parse(file);
}

// What rendering gives: the text, or the error's message.
struct Outcome {
  bool failed = false;
  std::string text;
};

Outcome render_outcome(const std::string& source, const Json& variables, int64_t now = 0) {
  try {
    return {false, ChatTemplate(source).render(variables, now)};
  } catch (const Error& error) {
    return {true, error.what()};
  }
}

void expect_golden(const std::string& source, const Json& variables, int64_t now, const Json& golden) {
  const Outcome outcome = render_outcome(source, variables, now);
  if (golden.contains("expected")) {
    EXPECT_EQ(outcome.text, golden["expected"].get<std::string>());
    return;
  }
  ASSERT_TRUE(outcome.failed) << "rendered: " << outcome.text;
  const Json& error = golden["error"];
  EXPECT_NE(outcome.text.find("column "), std::string::npos) << outcome.text;
  if (error.contains("line")) {
    EXPECT_NE(outcome.text.find("line " + error["line"].dump() + ","), std::string::npos)
        << outcome.text << " " << error;
  }
  if (error.contains("message")) {
    EXPECT_TRUE(outcome.text.ends_with(": " + error["message"].get<std::string>())) << outcome.text << " " << error;
  }
}

TEST(Jinja, SnippetsRenderAsJinja2Does) {
  setenv("TZ", "UTC", 1);
  const Json golden = read_golden(kTemplateGoldens / "snippets.json");
  ASSERT_GT(golden["snippets"].size(), 200u);
  for (const Json& snippet : golden["snippets"]) {
    SCOPED_TRACE(snippet["template"].get<std::string>());
    expect_golden(snippet["template"], golden["variables"], golden["now"], snippet);
  }
}

TEST(Jinja, ModelTemplatesRenderAsJinja2Does) {
  const Json conversations = read_golden(kTemplateGoldens / "conversations.json");
  int templates = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kTemplateGoldens)) {
    if (entry.path().extension() != ".json") continue;
    const Json golden = read_golden(entry.path());
    if (!golden.contains("template")) continue;
    ++templates;
    for (const auto& [name, expected] : golden["cases"].items()) {
      SCOPED_TRACE(entry.path().filename().string() + ": " + name);
      expect_golden(golden["template"], conversations.at(name), golden["now"], expected);
    }
  }
  EXPECT_GE(templates, 5);
}

TEST(Jinja, InputsBecomeVariables) {
  ChatTemplate::Inputs inputs;
  inputs.messages = Json::parse(R"([{"role": "user", "content": "Hi"}])");
  inputs.bos_token = "<s>";
  inputs.eos_token = "</s>";
  inputs.extra = {{"mood", "calm"}};
  const ChatTemplate chat(
      "{{ bos_token }}{{ messages[0].content }}{{ tools is none }}{{ add_generation_prompt }}{{ mood }}{{ "
      "eos_token }}");
  EXPECT_EQ(chat.render(inputs), "<s>HiTrueTruecalm</s>");
  inputs.extra = Json::array();
  EXPECT_THROW(chat.render(inputs), Error);
}

TEST(Jinja, ErrorsSayWhere) {
  EXPECT_EQ(render_outcome("a\n  {{ 1 / 0 }}", {}).text, "[chat template] line 2, column 8: division by zero");
  EXPECT_EQ(render_outcome("{{ x.y }}", {}).text, "[chat template] line 1, column 5: 'x' is undefined");
  EXPECT_EQ(render_outcome("é{% if x %}", {}).text,
            "[chat template] line 1, column 12: Unexpected end of template: looking for 'elif' or 'else' or "
            "'endif'");
}

// Templates that would recurse, loop or grow without end: each an Error, soon.
TEST(Jinja, HostileTemplatesEnd) {
  const auto repeat = [](const std::string& text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
  };
  const std::string loop = "{% for i in range(100000) %}";
  const std::vector<std::string> hostile = {
      "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
      "{{ " + repeat("(", 100000) + "1" + repeat(")", 100000) + " }}",
      "{{ " + repeat("[", 5000) + repeat("]", 5000) + " }}",
      "{{ " + repeat("not ", 100000) + "1 }}",
      "{{ " + repeat("-", 100000) + "1 }}",
      "{{ 1" + repeat(" + 1", 100000) + " }}",
      "{{ x" + repeat("|string", 100000) + " }}",
      "{{ x" + repeat(".a", 100000) + " }}",
      repeat("{% if 1 %}", 100000),
      loop + loop + "{% endfor %}{% endfor %}",
      loop + loop + "x{% endfor %}{% endfor %}",
      "{{ 'a' * 1000000000000 }}",
      "{{ [1] * 1000000000000 }}",
      "{{ 'a'.center(1000000000) }}",
      "{{ '%1000000000d' % 1 }}",
      "{{ '{:1000000000}'.format(1) }}",
      "{{ 'a' | indent(1000000000) }}{{ [1] | tojson(indent=1000000000) | length // 0 }}",
      "{{ [1] | batch(1000000000000, 0) | list }}",
      "{{ [1] | slice(1000000000000) | list }}",
      "{{ strftime_now('%9999999Y') }}",
      "{% set ns = namespace(s='ab') %}" + loop + "{% set ns.s = ns.s + ns.s %}{% endfor %}",
      "{% set ns = namespace(s='aaaaaaaa') %}" + loop + "{% set ns.s = ns.s.replace('a', ns.s) %}{% endfor %}",
      "{% set ns = namespace(l=[]) %}" + loop + "{% set ns.l = [ns.l] %}{% endfor %}",
      "{% set ns = namespace(l=[]) %}" + loop + "{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
      "{% set ns = namespace(l=[1]) %}{% for i in range(150) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}" +
          std::string("{{ ns.l == [ns.l] }}{{ ns.l }}"),
      "{% set s = 'a' * 8000000 %}{{ (s + 'b') in (s + s) }}",
      "{% set s = 'a' * 8000000 %}{% for c in s %}{% endfor %}",
      "{% set ns = namespace() %}{% set ns.self = ns %}" + loop + loop +
          "{% set ns.self = ns %}{% endfor %}{% endfor %}",
      "{{ 9223372036854775807 + 1 }}",
      "{{ 10 ** 100 }}",
      "{{ (-9223372036854775807 - 1) // -1 }}",
      "{{ 99999999999999999999 }}",
  };
  for (const std::string& source : hostile) {
    SCOPED_TRACE(source.substr(0, 100));
    EXPECT_TRUE(render_outcome(source, {}).failed);
  }
}

TEST(Jinja, CyclesThroughNamespacesAreFreed) {
  EXPECT_EQ(
      render_outcome("{% set ns = namespace() %}{% set ns.me = ns %}{% set ns.l = [ns] %}{{ ns.me.l | length }}", {})
          .text,
      "1");
  EXPECT_EQ(
      render_outcome("{% set ns = namespace() %}{% macro m() %}{{ ns.n }}{% endmacro %}{% set ns.n = m %}ok", {}).text,
      "ok");
}

TEST(Jinja, DeepOrHugeInputsAreErrors) {
  Json deep = 1;
  for (int i = 0; i < 1000; ++i) deep = Json::array({std::move(deep)});
  EXPECT_TRUE(render_outcome("x", Json{{"deep", std::move(deep)}}).failed);
  EXPECT_TRUE(render_outcome("x", Json{{"big", UINT64_MAX}}).failed);
}

TEST(Jinja, InvalidUtf8PassesThrough) {
  const Json variables = {{"text", std::string("a\xff\xc3")}};
  EXPECT_EQ(render_outcome("{{ text | upper }}{{ text | length }}", variables).text, std::string("A\xff\xc3") + "3");
}

// The inputs kept in tests/fuzz/template, where tools/fuzz.sh starts from: whatever they do, they end.
TEST(Jinja, KeptFuzzInputsEnd) {
  const std::filesystem::path seeds = std::filesystem::path(FRUGAL_SOURCE_DIR) / "tests/fuzz/template";
  for (const auto& entry : std::filesystem::directory_iterator(seeds)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string source((std::istreambuf_iterator<char>(file)), {});
    const Json messages = Json::parse(R"([{"role": "user", "content": "Hi"}])");
    const Outcome outcome = render_outcome(source, Json{{"messages", messages}, {"x", 3}});
    EXPECT_EQ(outcome.failed, entry.path().filename() == "doubling") << outcome.text;
  }
}

}  // namespace
}  // namespace frugal
