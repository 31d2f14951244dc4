#include "measure/drafting.h"

#include <algorithm>

#include "base/error.h"

namespace frugal {
namespace {

struct Run {
  double tok_s = 0;
  int64_t tokens = 0, steps = 0;
  size_t cache_bytes = 0;
};

std::vector<Request> requests_of(const SpeedCase& what, std::span<const int32_t> text) {
  std::vector<Request> list(static_cast<size_t>(what.batch));
  const size_t length = static_cast<size_t>(std::max<int64_t>(1, what.depth));
  for (size_t b = 0; b < list.size(); ++b) {
    for (size_t i = 0; i < length; ++i) list[b].prompt.push_back(text[(b * length + i) % text.size()]);
    list[b].generation.max_new = what.tokens + 1;  // the first comes of the prompt
  }
  return list;
}

Run run_once(Engine& engine, const std::vector<Request>& requests) {
  std::vector<int64_t> ids;
  ids.reserve(requests.size());
  for (const Request& r : requests) ids.push_back(engine.submit(r));
  Run run;
  double seconds = 0;
  for (int64_t id : ids) {
    const Answer a = engine.wait(id);
    if (!a.error.empty()) fail(ErrorCode::kBadInput, "bench", "{}", a.error);
    if (a.finish != Finish::kLength)
      fail(ErrorCode::kUsage, "bench", "the context is full after {} tokens",
           a.stats.prompt_tokens + a.stats.new_tokens);
    run.tokens += a.stats.new_tokens - 1;
    run.steps += a.stats.steps - 1;
    run.cache_bytes += a.stats.cache_bytes;
    seconds = std::max(seconds, a.stats.decode_s);
  }
  run.tok_s = static_cast<double>(run.tokens) / std::max(1e-9, seconds);
  return run;
}

}  // namespace

DraftedSpeed measure_drafted(Engine& engine, const SpeedCase& what, std::span<const int32_t> text, int repeats) {
  if (text.empty()) fail(ErrorCode::kUsage, "bench", "the text has no tokens");
  const std::vector<Request> requests = requests_of(what, text);
  run_once(engine, requests);
  DraftedSpeed d;
  SpeedResult& s = d.speed;
  s.what = what;
  for (int i = 0; i < repeats; ++i) {
    const Run run = run_once(engine, requests);
    s.tok_s.push_back(run.tok_s);
    s.cache_bytes = run.cache_bytes;
    d.accepted_per_step = static_cast<double>(run.tokens) / static_cast<double>(std::max<int64_t>(1, run.steps));
  }
  s.summarise();
  return d;
}

}  // namespace frugal
