// Steady decoding allocates nothing: operator new is counted inside Runner::forward, on every thread.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "model/runner.h"

namespace {
std::atomic<int64_t> counted_news{0};
std::atomic<bool> counting_news{false};
}  // namespace

__attribute__((noinline)) void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  if (counting_news.load(std::memory_order_relaxed)) counted_news.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(bytes == 0 ? 1 : bytes);
}
__attribute__((noinline)) void* operator new(std::size_t bytes) {
  if (void* p = operator new(bytes, std::nothrow)) return p;
  throw std::bad_alloc();
}
__attribute__((noinline)) void operator delete(void* p) noexcept { std::free(p); }
__attribute__((noinline)) void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace frugal {
namespace {

TEST(Allocation, SteadyDecodingMakesNone) {
  auto model = Model::open(std::string(FRUGAL_SOURCE_DIR) + "/tests/golden/stories260k/stories260K-f32.gguf");
  for (Compute compute : {Compute::kAuto, Compute::kF32}) {
    RunnerOptions options;
    options.threads = 2;
    options.compute = compute;
    Runner runner(*model, options);
    auto a = runner.sequence(), b = runner.sequence();
    counted_news = 0;
    for (int step = 0; step < 210; ++step) {
      ASSERT_TRUE(a->reserve(1) && b->reserve(1));
      Batch batch;  // two sequences decode side by side
      batch.ids = {step % 500, (7 * step) % 500};
      batch.positions = {step, step};
      batch.seqs = {{a.get(), 0, 1, {}}, {b.get(), 1, 1, {}}};
      batch.logit_rows = {0, 1};
      counting_news = step >= 10;
      runner.forward(batch);
      counting_news = false;
      a->commit(1);
      b->commit(1);
    }
    EXPECT_EQ(counted_news.load(), 0) << "in 200 steps";
  }
}

}  // namespace
}  // namespace frugal
