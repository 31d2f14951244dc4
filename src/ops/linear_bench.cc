// Speed of the packed linear kernels alone: bytes a second of weights with one row, the time of a few
// rows against that of one, multiply-adds a second with many.
// usage: linear_bench [threads]; prints one line for each type.
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "base/threads.h"
#include "ops/kernels.h"
#include "ops/pack.h"

using namespace frugal;

namespace {

// Wall time, or this thread's own time on the processor (one thread on a busy machine).
double now(bool cpu) {
  timespec t;
  clock_gettime(cpu ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double best_seconds(bool cpu, int runs, const std::function<void()>& f) {
  double best = 1e9;
  for (int i = 0; i < runs; ++i) {
    const double start = now(cpu);
    f();
    best = std::min(best, now(cpu) - start);
  }
  return best;
}

void bench(DType type, ThreadTeam& team, const KernelTable& k) {
  const int64_t cols = 576, matrix = 1536, rows = matrix * 100;  // about SmolLM2's bytes
  const ActForm form = natural_form(type, k);
  PackedMatrix w{type, rows, cols, packed_panel_bytes(type, cols), nullptr};
  const size_t bytes = w.panel_bytes * static_cast<size_t>(w.panels()), huge = size_t{2} << 20;
  const std::unique_ptr<uint8_t, decltype(&std::free)> data(
      static_cast<uint8_t*>(std::aligned_alloc(huge, (bytes + huge - 1) / huge * huge)), &std::free);
  madvise(data.get(), bytes, MADV_HUGEPAGE);  // as weights lie (model/weight.cc)
  std::mt19937_64 random(1);
  for (size_t i = 0; i + 8 <= bytes; i += 8) {
    const uint64_t x = random() & 0x3f3f3f3f3f3f3f3full;
    std::memcpy(data.get() + i, &x, 8);
  }
  w.data = data.get();
  const int m = 12 * 8;
  std::vector<float> x(static_cast<size_t>(cols * m), 0.5f), out(static_cast<size_t>(matrix * m));
  std::vector<uint8_t> tile(act_tile_bytes(form, cols, kTile) * 8);
  auto run = [&](int count) {
    const int tiles = (count + kTile - 1) / kTile;
    const auto rows_in = [count](int i) { return std::min(count - i * kTile, kTile); };
    for (int t = 0; t < count; ++t)
      k.prepare(form, x.data(), cols, 0, cols, t % kTile, rows_in(t / kTile),
                tile.data() + static_cast<size_t>(t / kTile) * act_tile_bytes(form, cols, kTile));
    team.run([&](int thread, int threads) {  // as a model's many matrices, each with its own small result
      const int64_t panels = matrix / kPanel, first = panels * thread / threads, end = panels * (thread + 1) / threads,
                    group = tiles == 1 ? end - first : 4;
      for (int64_t begin = 0; begin < rows; begin += matrix)
        for (int64_t p = begin / kPanel + first, last = begin / kPanel + end; p < last; p += group)
          for (int i = 0; i < tiles; ++i)
            k.linear(w, form, tile.data() + static_cast<size_t>(i) * act_tile_bytes(form, cols, kTile), rows_in(i), p,
                     std::min(p + group, last), {}, out.data() + i * kTile * matrix - begin, matrix);
    });
  };
  const bool cpu = team.size() == 1;
  const double one = best_seconds(cpu, 15, [&] { run(1); }), many = best_seconds(cpu, 9, [&] { run(m); });
  const double macs = static_cast<double>(rows * cols);
  std::printf("%-6s 1 row %6.1f GB/s  ", info(type).name, static_cast<double>(bytes) / one * 1e-9);
  for (int rows_now : {2, 4, 5, 8, 9, 12, 16})
    std::printf("%3d: %.2fx", rows_now, best_seconds(cpu, 9, [&] { run(rows_now); }) / one);
  std::printf("   %d rows %7.1f GMAC/s\n", m, macs * m / many * 1e-9);
}

}  // namespace

int main(int argc, char** argv) {
  ThreadTeam team(argc > 1 ? std::atoi(argv[1]) : 0);
  std::printf("%s, %d threads\n", kernels().name, team.size());
  for (DType t :
       {DType::kQ4_1, DType::kQ4_0, DType::kQ8_0, DType::kF16, DType::kQ4_K, DType::kQ6_K, DType::kQ5_0, DType::kF32})
    bench(t, team, kernels());
}
