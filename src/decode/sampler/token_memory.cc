#include "decode/sampler/token_memory.h"

#include <algorithm>

namespace frugal {

TokenMemory::TokenMemory(int64_t window, bool prompt) : window_(static_cast<size_t>(window)), prompt_(prompt) {}

void TokenMemory::reset(std::span<const int32_t> prompt) {
  counts_.clear();
  ring_.clear();
  next_ = 0;
  if (!prompt_) return;
  if (window_ > 0 && prompt.size() > window_) prompt = prompt.last(window_);
  for (int32_t token : prompt) advance(token);
}

void TokenMemory::advance(int32_t token) {
  add(token, 1);
  if (window_ == 0) return;
  if (ring_.size() < window_) return ring_.push_back(token);
  add(ring_[next_], -1);
  ring_[next_] = token;
  next_ = (next_ + 1) % window_;
}

void TokenMemory::add(int32_t token, int32_t times) {
  auto at = std::lower_bound(counts_.begin(), counts_.end(), token,
                             [](const auto& entry, int32_t id) { return entry.first < id; });
  if (at == counts_.end() || at->first != token) at = counts_.insert(at, {token, 0});
  at->second += times;
  if (at->second == 0) counts_.erase(at);
}

std::vector<ParamInfo> TokenMemory::params(std::vector<ParamInfo> before, bool prompt) {
  before.push_back(ParamInfo::integer("window", "newest tokens that count; 0: all").preset("0").within(0, 1 << 24));
  before.push_back(ParamInfo::flag("prompt", "do the prompt's tokens count?").preset(prompt ? "true" : "false"));
  return before;
}

}  // namespace frugal
