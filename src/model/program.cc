#include "model/program.h"

#include <time.h>
#include <algorithm>
#include <functional>
#include <map>
#include <string>

namespace frugal {

namespace {

// This thread's own time on a core: what others do on the machine does not count.
double thread_seconds() {
  timespec t = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

}  // namespace

void Program::run(ThreadTeam& team, const StepParams& step) const {
  const auto walk = [&](int thread, int threads) {
    for (const auto& call : calls_) {
      call->run(step, {thread, threads});
      if (call->barrier) team.barrier();
    }
  };
  team.run(std::ref(walk));  // by reference: a std::function would keep a copy on the heap
}

std::vector<std::pair<std::string, double>> Program::profile(ThreadTeam& team, const StepParams& step) const {
  std::map<std::string, double> seconds;
  team.run([&](int thread, int threads) {
    for (const auto& call : calls_) {
      const double start = thread_seconds();
      call->run(step, {thread, threads});
      const double ran = thread_seconds();
      if (call->barrier) team.barrier();
      if (thread != 0) continue;
      seconds[call->name()] += ran - start;
      seconds["barrier"] += thread_seconds() - ran;
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
