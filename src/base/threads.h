// A standing team of threads that walks the same job together.
//
// run(job) calls job(thread, threads) once on every member, the caller being thread 0, and returns when all are done.
// Inside a job, barrier() holds every member until the last one arrives. Members spin for a short while before they
// sleep, so that the hundreds of barriers of one decoding step cost a fraction of a microsecond each.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace frugal {

class ThreadTeam {
 public:
  // threads < 1: one for each core this process may use. pin: bind each member to a core where that is allowed.
  explicit ThreadTeam(int threads = 0, bool pin = true);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int size() const { return threads_; }
  void run(const std::function<void(int thread, int threads)>& job);
  void barrier();  // only inside a job, by every member

 private:
  void member(int thread);
  void wait_for_round(uint64_t round);

  int threads_;
  const std::function<void(int, int)>* job_ = nullptr;
  alignas(64) std::atomic<uint64_t> round_{0};  // counts jobs handed out
  alignas(64) std::atomic<int> running_{0};     // members still inside the job
  alignas(64) std::atomic<int> arrived_{0};     // members at the barrier
  alignas(64) std::atomic<uint64_t> phase_{0};  // counts barriers passed
  std::atomic<bool> stop_{false};
  std::atomic<int> asleep_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::thread> members_;
};

int usable_cores();  // cores in this process's affinity mask

}  // namespace frugal
