// Time, for measuring: seconds on a clock that never jumps.
#pragma once

#include <chrono>

namespace frugal {

inline double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Stopwatch {
 public:
  double seconds() const { return now_s() - start_; }
  void restart() { start_ = now_s(); }
  // Seconds since the start or the last lap.
  double lap() {
    const double before = start_;
    start_ = now_s();
    return start_ - before;
  }

 private:
  double start_ = now_s();
};

}  // namespace frugal
