#include "decode/stop.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace frugal {
namespace {

std::vector<size_t> borders(const std::string& text) {
  std::vector<size_t> border(text.size() + 1, 0);
  for (size_t n = 2, b = 0; n <= text.size(); ++n) {
    while (b > 0 && text[b] != text[n - 1]) b = border[b];
    if (text[b] == text[n - 1]) ++b;
    border[n] = b;
  }
  return border;
}

}  // namespace

StopMatcher::StopMatcher(std::vector<std::string> stops) {
  for (std::string& text : stops) {
    if (text.empty()) fail(ErrorCode::kUsage, "stop", "found an empty stop text, expected at least one character");
    std::vector<size_t> border = borders(text);
    patterns_.push_back({std::move(text), std::move(border)});
  }
}

void StopMatcher::Pattern::step(char c) {
  while (state > 0 && text[state] != c) state = border[state];
  if (text[state] == c) ++state;
}

std::string StopMatcher::push(std::string_view text) {
  if (stopped()) return "";
  std::string out;
  for (char c : text) {
    held_ += c;
    size_t waits = 0, longest = 0;
    for (size_t i = 0; i < patterns_.size(); ++i) {
      Pattern& p = patterns_[i];
      p.step(c);
      waits = std::max(waits, p.state);
      if (p.state == p.text.size() && p.state > longest) longest = p.state, matched_ = static_cast<int>(i);
    }
    if (stopped()) return out + held_.substr(0, held_.size() - longest);
    out.append(held_, 0, held_.size() - waits);
    held_.erase(0, held_.size() - waits);
  }
  return out;
}

std::string StopMatcher::finish(std::string_view text) {
  std::string out = push(text);
  return stopped() ? out : out + std::exchange(held_, "");
}

}  // namespace frugal
