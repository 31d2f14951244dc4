// Speed of a model under one set of options: medians of several runs, with the bytes and operations behind them.
#pragma once

#include <string>
#include <vector>

#include "model/runner.h"

namespace frugal {

struct SpeedCase {
  bool decode = true;
  int batch = 1;      // sequences decoding together (prompt: 1)
  int64_t depth = 0;  // rows already cached in each sequence
  int tokens = 128;   // prompt length, or new tokens of each sequence
};

struct SpeedResult {
  SpeedCase what;
  std::vector<double> tok_s;  // by run
  double median = 0, lowest = 0, highest = 0;
  double bytes_per_step = 0;  // weights and cache read by one decoding step (mean over the run)
  double flop_per_token = 0;  // multiply-adds counted twice
  size_t cache_bytes = 0;
  void summarise();  // median, lowest and highest of tok_s
};

// Runs the case repeats times after one warm-up. Throws Error when the cache cannot hold it.
SpeedResult measure_speed(Runner& runner, const SpeedCase& what, int repeats);

// Seconds of one step of the case in each kind of call, mean over repeats, longest first (thread 0's view).
std::vector<std::pair<std::string, double>> profile_step(Runner& runner, const SpeedCase& what, int repeats);

// What this machine can do with so many threads, measured: bytes a second read from memory by all threads, and
// operations a second of the best dot product (int8, bf16 or float).
struct MachinePeak {
  double read_bytes_s = 0, int8_op_s = 0, bf16_op_s = 0, f32_op_s = 0;
};
MachinePeak measure_machine(ThreadTeam& team);

// Peak resident set of this process in bytes.
size_t peak_rss();

}  // namespace frugal
