// What the machine can do, measured with the kernels' own instructions: memory read by all threads, dot products from
// the first-level cache.
#include <chrono>
#include <cstring>

#include "measure/speed.h"
#include "ops/pack.h"

namespace frugal {
namespace {

template <typename F>
double best_of(int runs, F f) {
  double best = 1e30;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    f();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

// Reads a buffer far larger than any cache; every thread its share.
double read_bandwidth(ThreadTeam& team) {
  const AlignedBuffer memory(size_t{512} << 20);
  std::memset(memory.data(), 1, memory.size());
  std::atomic<uint64_t> sink{0};
  const double seconds = best_of(7, [&] {
    team.run([&](int thread, int threads) {
      const size_t share = memory.size() / static_cast<size_t>(threads) / 256 * 256;
      const uint64_t* p = reinterpret_cast<const uint64_t*>(memory.data() + share * static_cast<size_t>(thread));
      uint64_t a[32] = {};
      for (size_t i = 0; i < share / 8; i += 32)
        for (size_t j = 0; j < 32; ++j) a[j] ^= p[i + j];
      uint64_t x = 0;
      for (uint64_t v : a) x ^= v;
      sink += x;
    });
  });
  return static_cast<double>(memory.size()) / seconds;
}

// Operations a second of one tile against panels that stay in cache.
double dot_rate(ThreadTeam& team, DType type) {
  const KernelTable& k = kernels();
  const int64_t cols = 512;
  const ActForm form = natural_form(type, k);
  constexpr int kRounds = 400;
  const double seconds = best_of(5, [&] {
    team.run([&](int, int) {
      std::vector<uint8_t> panel(packed_panel_bytes(type, cols)), tile(act_tile_bytes(form, cols, kTile));
      float out[kTile * kPanel];
      const PackedMatrix w{type, kPanel, cols, panel.size(), panel.data()};
      for (int i = 0; i < kRounds; ++i) k.linear(w, form, tile.data(), kTile, 0, 1, {}, out, kPanel);
    });
  });
  return 2.0 * kRounds * kTile * kPanel * static_cast<double>(cols) * team.size() / seconds;
}

}  // namespace

MachinePeak measure_machine(ThreadTeam& team) {
  return {read_bandwidth(team), dot_rate(team, DType::kQ8_0), kernels().bf16_dot ? dot_rate(team, DType::kBF16) : 0,
          dot_rate(team, DType::kF32)};
}

}  // namespace frugal
