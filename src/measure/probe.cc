#include "measure/probe.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "decode/sampler/candidates.h"
#include "engine/score.h"

namespace frugal {
namespace {

using Json = nlohmann::json;

// Calls take(line number, object, prompt text) for each line of text.
template <typename Take>
void each_line(const std::string& jsonl, const char* wanted, Take take) {
  std::istringstream in(jsonl);
  size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const Json j = Json::parse(line, nullptr, false);
    if (!j.is_object() || !j.contains("prompt") || !j["prompt"].is_string() || !take(j))
      fail(ErrorCode::kBadInput, "eval", "found line {}: {}, expected an object with {}", number, line.substr(0, 60),
           wanted);
  }
}

std::string category_of(const Json& j) {
  return j.contains("category") && j["category"].is_string() ? j["category"].get<std::string>() : "";
}

}  // namespace

ProbeScore run_probe(Runner& runner, const Probe& probe) {
  auto seq = runner.sequence();
  ProbeScore score{0, true};
  const int64_t vocab = runner.vocab();
  size_t at = 0;
  const auto take = [&](int64_t, const float* logits) {
    const int32_t id = probe.answer[at++];
    score.nll += kernels().log_sum_exp(logits, vocab) - static_cast<double>(logits[id]);
    score.exact = score.exact && argmax({logits, static_cast<size_t>(vocab)}) == id;
  };
  std::vector<int32_t> ids = probe.prompt;
  ids.insert(ids.end(), probe.answer.begin(), probe.answer.end() - 1);
  const int64_t prompt = static_cast<int64_t>(probe.prompt.size());
  for_each_row(runner, *seq, ids, prompt - 1, true, take, prompt);
  score.nll /= static_cast<double>(probe.answer.size());
  return score;
}

// The ids of both texts together, cut where the prompt's own end; one that merges into the answer is the answer's.
Probe make_probe(const Tokenizer& tokenizer, const std::string& prompt, const std::string& answer,
                 const std::string& category) {
  Probe p{tokenizer.encode(prompt), {}, category};
  const std::vector<int32_t> all = tokenizer.encode(prompt + answer);
  size_t same = 0;
  while (same < p.prompt.size() && same < all.size() && p.prompt[same] == all[same]) ++same;
  p.prompt.resize(same);
  p.answer.assign(all.begin() + static_cast<std::ptrdiff_t>(same), all.end());
  return p;
}

ProbeScore run_choice(Runner& runner, const Choice& choice) {
  ProbeScore best{std::numeric_limits<double>::infinity(), false}, right;
  for (size_t i = 0; i < choice.options.size(); ++i) {
    const ProbeScore s = run_probe(runner, choice.options[i]);
    if (i == choice.right) right = s;
    if (s.nll < best.nll) best = {s.nll, i == choice.right};
  }
  return {right.nll, best.exact};
}

void TaskScore::add(const ProbeScore& s) {
  ++n;
  right += s.exact;
  nll_sum += s.nll;
}

std::pair<double, double> TaskScore::interval() const {
  if (n == 0) return {0, 1};
  const double z = 1.959963984540054, m = n, p = score(), z2 = z * z / m;
  const double middle = (p + z2 / 2) / (1 + z2), half = z * std::sqrt(p * (1 - p) / m + z2 / (4 * m)) / (1 + z2);
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

std::vector<Probe> read_probes(const Tokenizer& tokenizer, const std::string& jsonl) {
  std::vector<Probe> probes;
  each_line(jsonl, "\"prompt\" and \"answer\", texts that are not empty", [&](const Json& j) {
    if (!j.contains("answer") || !j["answer"].is_string()) return false;
    probes.push_back(make_probe(tokenizer, j["prompt"], j["answer"], category_of(j)));
    return !probes.back().prompt.empty() && !probes.back().answer.empty();
  });
  return probes;
}

std::vector<Choice> read_choices(const Tokenizer& tokenizer, const std::string& jsonl) {
  std::vector<Choice> list;
  each_line(jsonl, "\"prompt\", \"choices\" (two texts or more) and \"answer\" (the right one's index)",
            [&](const Json& j) {
              if (!j.contains("choices") || !j["choices"].is_array() || j["choices"].size() < 2 ||
                  !j.contains("answer") || !j["answer"].is_number_unsigned())
                return false;
              Choice c{{}, j["answer"], category_of(j)};
              for (const Json& text : j["choices"]) {
                if (!text.is_string()) return false;
                c.options.push_back(make_probe(tokenizer, j["prompt"], text, ""));
                if (c.options.back().prompt.empty() || c.options.back().answer.empty()) return false;
              }
              list.push_back(std::move(c));
              return list.back().right < list.back().options.size();
            });
  return list;
}

}  // namespace frugal
