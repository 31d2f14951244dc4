// The thread team: every member runs every job once, barriers hold, and what one member wrote before a barrier the
// others read after it. Plain memory is shared on purpose, so that the thread sanitizer sees the order.
#include "base/threads.h"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>

namespace frugal {
namespace {

class Team : public testing::TestWithParam<int> {
 protected:
  // More rounds where the machine has the cores: beyond, every barrier waits for the scheduler.
  int rounds(int many) const { return GetParam() <= usable_cores() ? many : many / 20; }
};

TEST_P(Team, EveryMemberRunsEveryJobOnce) {
  ThreadTeam team(GetParam(), false);
  ASSERT_EQ(team.size(), GetParam());
  std::vector<int> runs(static_cast<size_t>(GetParam()), 0);
  const int n = rounds(2000);
  for (int round = 0; round < n; ++round)
    team.run([&](int thread, int threads) {
      if (threads == GetParam()) ++runs[static_cast<size_t>(thread)];
    });
  EXPECT_EQ(runs, std::vector<int>(static_cast<size_t>(GetParam()), n));
}

// Each round every member reads all that the others wrote in the round before.
TEST_P(Team, BarriersOrderMemory) {
  ThreadTeam team(GetParam(), false);
  const size_t members = static_cast<size_t>(GetParam());
  std::vector<int64_t> now(members, 1), next(members, 0);
  const int n = rounds(1000);
  team.run([&](int thread, int) {
    for (int round = 0; round < n; ++round) {
      next[static_cast<size_t>(thread)] = std::accumulate(now.begin(), now.end(), int64_t{0}) % 1000003 + thread;
      team.barrier();
      if (thread == 0) now.swap(next);
      team.barrier();
    }
  });
  std::vector<int64_t> expected(members, 1);
  for (int round = 0; round < n; ++round) {
    const int64_t sum = std::accumulate(expected.begin(), expected.end(), int64_t{0}) % 1000003;
    for (size_t t = 0; t < members; ++t) expected[t] = sum + static_cast<int64_t>(t);
  }
  EXPECT_EQ(now, expected);
}

TEST_P(Team, WorkIsDoneWhenRunReturns) {
  ThreadTeam team(GetParam(), false);
  std::vector<int> data(1000);
  for (int round = 0; round < rounds(200); ++round) {
    team.run([&](int thread, int threads) {
      for (size_t i = data.size() * static_cast<size_t>(thread) / static_cast<size_t>(threads);
           i < data.size() * static_cast<size_t>(thread + 1) / static_cast<size_t>(threads); ++i)
        data[i] = round + static_cast<int>(i);
    });
    for (size_t i = 0; i < data.size(); ++i) ASSERT_EQ(data[i], round + static_cast<int>(i));
  }
}

// Members that fell asleep between jobs wake up for the next.
TEST_P(Team, WakesAfterAPause) {
  ThreadTeam team(GetParam(), false);
  for (int pause : {0, 30, 1, 60}) {
    std::this_thread::sleep_for(std::chrono::milliseconds(pause));
    std::atomic<int> ran{0};
    team.run([&](int, int) {
      ++ran;
      team.barrier();
      ++ran;
    });
    ASSERT_EQ(ran.load(), 2 * GetParam());
  }
}

TEST_P(Team, StartsAndEndsWithoutWork) {
  for (int i = 0; i < 20; ++i) ThreadTeam team(GetParam(), i % 2 == 0);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Team, testing::Range(1, 9));

TEST(TeamSize, LessThanOneMeansEveryCore) {
  EXPECT_GE(usable_cores(), 1);
  EXPECT_EQ(ThreadTeam(0, false).size(), usable_cores());
}

}  // namespace
}  // namespace frugal
