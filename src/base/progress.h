// Progress of long work: a bar that redraws itself on a terminal, a line every few seconds anywhere else.
//
//   Progress progress(stderr_progress(), "scoring", texts.size());
//   for (...) progress.add(1);
//
// Where the text goes is the sink's business, so that a server or a notebook shows it in its own way and
// tests read it. Nothing is written in the first interval: short work stays silent. add() may be called from
// any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace frugal {

struct ProgressSink {
  std::function<void(std::string_view)> write;  // empty: no progress at all
  bool terminal = false;                        // understands \r and "erase to the end of the line"
  double interval_s = 5;                        // between two lines or redraws
  std::function<double()> clock_s = now_s;
};
ProgressSink stderr_progress();  // a bar every 0.1 s when stderr is a terminal, a line every 5 s when it is not

class Progress {
 public:
  // total: 0 when it is unknown.
  Progress(ProgressSink sink, std::string title, int64_t total);
  ~Progress();  // the last state, if any was shown
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void add(int64_t n);
  int64_t done() const { return done_.load(std::memory_order_relaxed); }

 private:
  void show(bool last);
  std::string line(double elapsed_s) const;

  ProgressSink sink_;
  std::string title_;
  int64_t total_;
  double start_s_;
  std::atomic<int64_t> done_{0};
  std::atomic<double> next_s_;
  std::mutex mutex_;
  bool shown_ = false;
};

std::string show_count(double n);           // 950, 12.3k, 4.56M
std::string show_duration(double seconds);  // 4.2s, 3m10s, 2h05m

}  // namespace frugal
