// Speed of attention alone, with SmolLM2's shape: one decoding step at depth, against the bytes of its cache and what
// the same threads read from memory in the same run; and whole prompts, in multiply-adds a second.
// usage: attend_bench [threads [spec ...]]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/threads.h"
#include "kv/cache.h"
#include "ops/attention.h"

using namespace frugal;

namespace {

constexpr int kLayers = 30, kHeads = 9, kGroups = 3, kHead = 64, kDepth = 7000;

// Wall time, or with one thread its own time on the processor, so that a busy machine disturbs less.
bool cpu_time = false;
double now() {
  timespec t;
  clock_gettime(cpu_time ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

struct Times {
  double best = 1e9, median = 0;
};
Times timed(int runs, const std::function<void()>& f) {
  std::vector<double> t;
  for (int i = 0; i < runs; ++i) {
    const double start = now();
    f();
    t.push_back(now() - start);
  }
  std::sort(t.begin(), t.end());
  return {t.front(), t[t.size() / 2]};
}

// Bytes a second that the team reads from a buffer far larger than the caches.
double read_bandwidth(ThreadTeam& team) {
  typedef uint64_t Words __attribute__((vector_size(64)));
  std::vector<Words> data((size_t{384} << 20) / sizeof(Words), Words{1});
  std::vector<Words> sums(64);
  const Times t = timed(9, [&] {
    team.run([&](int thread, int threads) {
      const size_t first = data.size() * static_cast<size_t>(thread) / static_cast<size_t>(threads);
      const size_t last = data.size() * static_cast<size_t>(thread + 1) / static_cast<size_t>(threads);
      Words a = {}, b = {};
      for (size_t i = first; i + 1 < last; i += 2) a += data[i], b += data[i + 1];
      sums[static_cast<size_t>(thread)] = a + b;
    });
  });
  return static_cast<double>(data.size() * sizeof(Words)) / t.best;
}

class Bench {
 public:
  Bench(ThreadTeam& team, const std::string& spec, int rows) : team_(team) {
    KvPoolOptions options;
    options.layers.assign(kLayers, {kGroups, kHead, kHead});
    options.spec = spec;
    options.max_rows = kDepth + 4096;
    pool_ = make_kv_pool(options);
    seq_ = pool_->create();
    rope_.inv_freq.assign(kHead / 2, 0.01);
    spec_.heads = kHeads;
    spec_.scale = 0.125f;
    spec_.rope = &rope_;
    scratch_.resize(attend_scratch_bytes(*pool_, spec_, rows, 1, kDepth + 4096, team.size()) + 64);
    std::minstd_rand random(1);
    for (auto [v, n] : {std::pair{&q_, kHeads}, {&k_, kGroups}, {&v_, kGroups}, {&out_, kHeads}}) {
      v->resize(static_cast<size_t>(rows * n * kHead));
      for (float& x : *v) x = static_cast<float>(random() % 2001) * 1e-3f - 1.0f;
    }
    positions_.resize(static_cast<size_t>(rows));
    cos_sin_.resize(static_cast<size_t>(rows * kHead), 0.7f);
  }

  KvSeq& seq() { return *seq_; }

  // Attention of all layers on n new rows; seconds of each phase, seen by thread 0, are added to phase.
  void step(int n, double* phase = nullptr) {
    if (!seq_->reserve(n)) fail(ErrorCode::kIo, "attend_bench", "no room for {} rows", n);
    const KvRows share{seq_.get(), 0, n, {}};
    AttendStep s;
    s.seqs = {&share, 1};
    s.positions = positions_.data(), s.cos_sin = cos_sin_.data();
    s.q = q_.data(), s.k = k_.data(), s.v = v_.data(), s.out = out_.data();
    s.q_stride = s.out_stride = kHeads * kHead, s.k_stride = s.v_stride = kGroups * kHead;
    const size_t shift = (64 - reinterpret_cast<uintptr_t>(scratch_.data()) % 64) % 64;
    s.scratch = {scratch_.data() + shift, scratch_.size() - 64};
    team_.run([&](int thread, int threads) {
      double start = now();
      auto lap = [&](int i) {
        team_.barrier();
        if (thread != 0 || phase == nullptr) return;
        phase[i] += now() - start;
        start = now();
      };
      for (int layer = 0; layer < kLayers; ++layer) {
        AttendSpec spec = spec_;
        spec.layer = layer;
        attend_write(*pool_, spec, s, thread, threads);
        lap(0);
        attend_read(*pool_, spec, s, thread, threads);
        lap(1);
        attend_merge(*pool_, spec, s, thread, threads);
        lap(2);
      }
    });
  }

 private:
  ThreadTeam& team_;
  std::unique_ptr<KvPool> pool_;
  std::unique_ptr<KvSeq> seq_;
  RopeTable rope_;
  AttendSpec spec_;
  std::vector<std::byte> scratch_;
  std::vector<float> q_, k_, v_, out_, cos_sin_;
  std::vector<int32_t> positions_;
};

void decode(ThreadTeam& team, const std::string& spec, double bandwidth) {
  Bench b(team, spec, 500);
  for (int i = 0; i < kDepth; i += 500) b.step(500), b.seq().commit(500);
  double phase[3] = {};
  constexpr int kRuns = 30;
  const Times t = timed(kRuns, [&] { b.step(1, phase); });
  const double bytes = static_cast<double>(b.seq().bytes()) * kDepth / ((kDepth + 31) / 32 * 32);
  std::printf(
      "%-14s decode at %d: best %6.3f ms, median %6.3f ms (write %.3f read %.3f merge %.3f), %5.1f MB, %5.1f GB/s = "
      "%3.0f %% of memory\n",
      spec.c_str(), kDepth, t.best * 1e3, t.median * 1e3, phase[0] / kRuns * 1e3, phase[1] / kRuns * 1e3,
      phase[2] / kRuns * 1e3, bytes * 1e-6, bytes / t.best * 1e-9, 100 * bytes / t.best / bandwidth);
}

void prompt(ThreadTeam& team, const std::string& spec, int n) {
  Bench b(team, spec, n);
  double phase[3] = {};
  constexpr int kRuns = 5;
  const Times t = timed(kRuns, [&] { b.step(n, phase); });
  const double macs = 0.5 * n * (n + 1.0) * kHeads * kLayers * 2 * kHead;
  std::printf("%-14s prompt of %d: best %7.2f ms, median %7.2f ms (write %.2f read %.2f merge %.2f), %6.1f GMAC/s\n",
              spec.c_str(), n, t.best * 1e3, t.median * 1e3, phase[0] / kRuns * 1e3, phase[1] / kRuns * 1e3,
              phase[2] / kRuns * 1e3, macs / t.best * 1e-9);
}

}  // namespace

int main(int argc, char** argv) {
  ThreadTeam team(argc > 1 ? std::atoi(argv[1]) : 0);
  cpu_time = team.size() == 1;
  std::vector<std::string> specs(argv + std::min(argc, 2), argv + argc);
  if (specs.empty()) specs = {"f16", "bf16", "q8", "k:q8 | v:f16", "f32"};
  const double bandwidth = read_bandwidth(team);
  std::printf("%s, %d threads, memory read at %.1f GB/s\n", kernels().name, team.size(), bandwidth * 1e-9);
  for (const std::string& s : specs) {
    decode(team, s, bandwidth);
    for (int n : {512, 4096}) prompt(team, s, n);
  }
}
