#include "kv/layout/page_heap.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace frugal {
namespace {

size_t resident(const uint8_t* from, size_t bytes) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE)), first = reinterpret_cast<size_t>(from) / page * page;
  std::vector<unsigned char> in((reinterpret_cast<size_t>(from) + bytes - first + page - 1) / page);
  EXPECT_EQ(mincore(reinterpret_cast<void*>(first), in.size() * page, in.data()), 0);
  return page * static_cast<size_t>(std::count_if(in.begin(), in.end(), [](unsigned char c) { return c & 1; }));
}

// A page of another's bytes would be a leak of one answer into the next.
TEST(PageHeapTest, PagesComeZeroedWhereverTheyWere) {
  for (const size_t bytes : {size_t{4096}, size_t{832}}) {
    PageHeap heap(size_t{1} << 30);
    std::vector<uint8_t*> pages;
    const size_t many = (size_t{9} << 20) / bytes;
    for (int round = 0; round < 3; ++round) {  // few stay mapped, many go back to the system
      for (size_t i = 0; i < (round == 1 ? many : 10); ++i) {
        uint8_t* p = heap.allocate(bytes);
        ASSERT_NE(p, nullptr);
        ASSERT_TRUE(std::all_of(p, p + bytes, [](uint8_t b) { return b == 0; })) << round;
        std::memset(p, 0x7f, bytes);
        pages.push_back(p);
      }
      if (round == 1) std::reverse(pages.begin(), pages.end());
      for (uint8_t* p : pages) heap.release(p);
      pages.clear();
      EXPECT_EQ(heap.in_use(), 0u);
    }
  }
}

TEST(PageHeapTest, MemoryGoesBackButForAFewMegabytes) {
  for (const size_t bytes : {size_t{4096}, size_t{832}}) {
    PageHeap heap(size_t{1} << 30);
    const size_t n = (size_t{64} << 20) / bytes;
    std::vector<uint8_t*> pages;
    for (size_t i = 0; i < n; ++i) std::memset(pages.emplace_back(heap.allocate(bytes)), 1, bytes);
    const auto [low, high] = std::minmax_element(pages.begin(), pages.end());
    const uint8_t* first = *low;
    const size_t range = static_cast<size_t>(*high - *low) + bytes;
    EXPECT_GT(resident(first, range), size_t{60} << 20);
    for (size_t i = 0; i < n; ++i)
      if (i % 100 >= 10) heap.release(pages[i]);  // every tenth stretch of ten stays
    EXPECT_LT(resident(first, range), size_t{64 / 10 + 6} << 20);
    for (size_t i = 0; i < n; ++i)
      if (i % 100 < 10) heap.release(pages[i]);
    EXPECT_LT(resident(first, range), size_t{10} << 20);  // and the edges of stretches freed apart
  }
}

}  // namespace
}  // namespace frugal
