#include "model/program.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>

namespace frugal {

void Program::run(ThreadTeam& team, const StepParams& step) const {
  team.run([&](int thread, int threads) {
    for (const auto& call : calls_) {
      call->run(step, {thread, threads});
      if (call->barrier) team.barrier();
    }
  });
}

std::vector<std::pair<std::string, double>> Program::profile(ThreadTeam& team, const StepParams& step) const {
  std::map<std::string, double> seconds;
  team.run([&](int thread, int threads) {
    for (const auto& call : calls_) {
      const auto start = std::chrono::steady_clock::now();
      call->run(step, {thread, threads});
      const auto ran = std::chrono::steady_clock::now();
      if (call->barrier) team.barrier();
      if (thread != 0) continue;
      seconds[call->name()] += std::chrono::duration<double>(ran - start).count();
      seconds["barrier"] += std::chrono::duration<double>(std::chrono::steady_clock::now() - ran).count();
    }
  });
  std::vector<std::pair<std::string, double>> sorted(seconds.begin(), seconds.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  return sorted;
}

size_t Program::bytes() const {
  size_t total = 0;
  for (const AlignedBuffer& b : buffers_) total += b.size();
  return total;
}

}  // namespace frugal
