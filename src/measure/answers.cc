#include "measure/answers.h"

#include <set>
#include <sstream>

#include "base/error.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kRun = 8;  // tokens
constexpr double kMostRepeated = 0.2;

bool texts(const Json& list) {
  for (const Json& t : list)
    if (!t.is_string()) return false;
  return !list.empty();
}

}  // namespace

std::vector<PromptCase> read_prompts(const std::string& jsonl, int64_t most) {
  std::vector<PromptCase> cases;
  std::map<std::string, int64_t> count;
  std::istringstream in(jsonl);
  size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const Json j = Json::parse(line, nullptr, false);
    PromptCase c;
    if (j.is_object() && j.contains("category") && j["category"].is_string()) c.category = j["category"];
    if (j.is_object() && j.contains("prompt") && j["prompt"].is_string()) c.turns.push_back(j["prompt"]);
    if (j.is_object() && j.contains("turns") && j["turns"].is_array() && texts(j["turns"]))
      c.turns = j["turns"].get<std::vector<std::string>>();
    if (c.turns.empty())
      fail(ErrorCode::kBadInput, "prompts", "found line {}: {}, expected an object with \"prompt\" or \"turns\"",
           number, line.substr(0, 60));
    if (most == 0 || ++count[c.category] <= most) cases.push_back(std::move(c));
  }
  if (cases.empty()) fail(ErrorCode::kBadInput, "prompts", "found no prompt, expected a JSON object a line");
  return cases;
}

void AnswerStats::add(const RequestStats& s) {
  ++answers;
  prompt_tokens += s.prompt_tokens;
  new_tokens += s.new_tokens;
  steps += s.steps;
  prompt_s += s.prompt_s;
  decode_s += s.decode_s;
  predicted_tokens += s.predicted_tokens;
  predicted_s += s.predicted_s;
  cache_bytes = std::max(cache_bytes, s.cache_bytes);
}

void CategoryStats::add(const RequestStats& s, bool repeats) {
  all.add(s);
  if (!repeats) varied.add(s);
}

bool repeats_itself(std::span<const int32_t> ids) {
  std::set<std::vector<int32_t>> seen;
  int again = 0, all = 0;
  for (size_t i = 0; i + kRun <= ids.size(); ++i, ++all)
    again += !seen.insert({ids.begin() + static_cast<std::ptrdiff_t>(i),
                           ids.begin() + static_cast<std::ptrdiff_t>(i) + kRun})
                  .second;
  return all > 0 && again > kMostRepeated * all;
}

AnswersResult measure_answers(Engine& engine, const Tokenizer& tokenizer, const Chat* chat,
                              const std::vector<PromptCase>& cases, const AnswersOptions& options,
                              const std::function<void()>& on_answer) {
  AnswersResult result;
  for (const PromptCase& c : cases) {
    Json messages = Json::array();
    for (const std::string& turn : c.turns) {
      messages.push_back({{"role", "user"}, {"content", turn}});
      Request r;
      r.prompt = chat != nullptr ? chat->ids(messages) : tokenizer.encode(turn);
      r.generation.max_new = options.max_new;
      r.generation.sample = options.sample;
      r.generation.stop_ids = options.stop_ids;
      const Answer a = engine.generate(std::move(r));
      if (!a.error.empty()) fail(ErrorCode::kBadInput, "answers", "{}", a.error);
      messages.push_back({{"role", "assistant"}, {"content", a.text}});
      const bool repeats = repeats_itself(a.ids);
      result.add(a.stats, repeats);
      result.by_category[c.category].add(a.stats, repeats);
      result.ids.push_back(a.ids);
      if (on_answer) on_answer();
    }
  }
  return result;
}

}  // namespace frugal
