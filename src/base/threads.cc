#include "base/threads.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>

namespace frugal {
namespace {

constexpr int kSpinsBeforeYield = 4000;   // a few tens of microseconds
constexpr int kYieldsBeforeSleep = 2000;  // then a member sleeps until the next job

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

std::vector<int> core_list() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int c = 0; c < CPU_SETSIZE; ++c)
      if (CPU_ISSET(c, &set)) cores.push_back(c);
  return cores;
}

void pin_to(pthread_t thread, int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  pthread_setaffinity_np(thread, sizeof set, &set);  // where it is refused the scheduler decides
}

}  // namespace

int usable_cores() { return std::max<int>(1, static_cast<int>(core_list().size())); }

ThreadTeam::ThreadTeam(int threads, bool pin) : threads_(threads < 1 ? usable_cores() : threads) {
  std::vector<int> cores = core_list();
  pin = pin && threads_ <= static_cast<int>(cores.size());
  for (int t = 1; t < threads_; ++t) {
    members_.emplace_back([this, t] { member(t); });
    if (pin) pin_to(members_.back().native_handle(), cores[static_cast<size_t>(t)]);
  }
}

ThreadTeam::~ThreadTeam() {
  {
    std::lock_guard lock(mutex_);
    stop_.store(true);
    round_.fetch_add(1);
  }
  wake_.notify_all();
  for (std::thread& m : members_) m.join();
}

void ThreadTeam::run(const std::function<void(int, int)>& job) {
  if (threads_ == 1) return job(0, 1);
  job_ = &job;
  running_.store(threads_ - 1, std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_seq_cst);
  if (asleep_.load(std::memory_order_seq_cst) > 0) {
    std::lock_guard lock(mutex_);
    wake_.notify_all();
  }
  job(0, threads_);
  for (int spins = 0; running_.load(std::memory_order_acquire) > 0; ++spins)
    spins < kSpinsBeforeYield ? relax() : static_cast<void>(sched_yield());
}

void ThreadTeam::barrier() {
  if (threads_ == 1) return;
  const uint64_t phase = phase_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
    arrived_.store(0, std::memory_order_relaxed);
    phase_.store(phase + 1, std::memory_order_release);
    return;
  }
  for (int spins = 0; phase_.load(std::memory_order_acquire) == phase; ++spins)
    spins < kSpinsBeforeYield ? relax() : static_cast<void>(sched_yield());
}

void ThreadTeam::wait_for_round(uint64_t round) {
  for (int spins = 0; round_.load(std::memory_order_acquire) == round; ++spins) {
    if (spins < kSpinsBeforeYield) {
      relax();
    } else if (spins < kSpinsBeforeYield + kYieldsBeforeSleep) {
      sched_yield();
    } else {
      std::unique_lock lock(mutex_);
      asleep_.fetch_add(1, std::memory_order_seq_cst);
      wake_.wait(lock, [&] { return round_.load(std::memory_order_seq_cst) != round; });
      asleep_.fetch_sub(1, std::memory_order_relaxed);
      return;
    }
  }
}

void ThreadTeam::member(int thread) {
  for (uint64_t round = 0;; ++round) {
    wait_for_round(round);
    if (stop_.load(std::memory_order_acquire)) return;
    (*job_)(thread, threads_);
    running_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace frugal
