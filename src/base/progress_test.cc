#include "base/progress.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace frugal {
namespace {

struct Watched {
  std::string text;
  double now = 100;
  ProgressSink sink(bool terminal, double interval) {
    return {[this](std::string_view t) { text += t; }, terminal, interval, [this] { return now; }};
  }
};

TEST(Progress, LinesEveryFewSecondsWithoutATerminal) {
  Watched w;
  {
    Progress p(w.sink(false, 5), "reading", 200);
    p.add(10);
    EXPECT_EQ(w.text, "");  // too early
    w.now += 5;
    p.add(40);
    EXPECT_EQ(w.text, "reading 25% 50/200, 10/s, 5.0s, 15.0s left\n");
    p.add(1);
    w.now += 15;
    w.text.clear();
    p.add(149);
    EXPECT_EQ(w.text, "reading 100% 200/200, 10/s, 20.0s\n");
  }
  EXPECT_EQ(w.text.substr(w.text.find('\n') + 1), "reading 100% 200/200, 10/s, 20.0s\n");
}

TEST(Progress, BarOnATerminal) {
  Watched w;
  {
    Progress p(w.sink(true, 1), "x", 4);
    w.now += 2;
    p.add(1);
    EXPECT_EQ(w.text, "\rx [######..................] 25% 1/4, 0.5/s, 2.0s, 6.0s left\x1b[K");
  }
  EXPECT_EQ(w.text.back(), '\n');
}

TEST(Progress, ShortWorkAndNoSinkAreSilent) {
  Watched w;
  { Progress(w.sink(true, 1), "x", 4).add(4); }
  EXPECT_EQ(w.text, "");
  Progress({}, "x", 4).add(4);
}

TEST(Progress, UnknownTotal) {
  Watched w;
  Progress p(w.sink(false, 1), "x", 0);
  w.now += 2;
  p.add(12345);
  EXPECT_EQ(w.text, "x 12.3k, 6.17k/s, 2.0s\n");
}

TEST(Progress, CountsFromManyThreads) {
  Watched w;
  ProgressSink sink = w.sink(false, 0);
  sink.clock_s = now_s;
  Progress p(sink, "x", 4000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) p.add(1);
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(p.done(), 4000);
}

TEST(Progress, CountsAndDurations) {
  EXPECT_EQ(show_count(0), "0");
  EXPECT_EQ(show_count(7.25), "7.2");
  EXPECT_EQ(show_count(999), "999");
  EXPECT_EQ(show_count(999999), "1M");
  EXPECT_EQ(show_count(4.56e9), "4.56G");
  EXPECT_EQ(show_duration(4.2), "4.2s");
  EXPECT_EQ(show_duration(59.97), "1m00s");
  EXPECT_EQ(show_duration(190), "3m10s");
  EXPECT_EQ(show_duration(7500), "2h05m");
}

}  // namespace
}  // namespace frugal
