#include "decode/stop.h"

#include <gtest/gtest.h>

#include <random>

#include "base/error.h"

namespace frugal {
namespace {

using Texts = std::vector<std::string>;

// The definition, on the whole text: up to the first byte that completes a stop text, less the longest it
// completes.
std::string shown_by_definition(const Texts& stops, const std::string& text, bool& stopped) {
  stopped = false;
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t longest = 0;
    for (const std::string& s : stops)
      if (s.size() <= end && text.compare(end - s.size(), s.size(), s) == 0) longest = std::max(longest, s.size());
    stopped = longest > 0;
    if (stopped) return text.substr(0, end - longest);
  }
  return text;
}

// Bytes that must wait: the longest end of text that begins a stop text.
size_t waits_by_definition(const Texts& stops, const std::string& text) {
  size_t longest = 0;
  for (const std::string& s : stops)
    for (size_t n = 1; n < s.size() && n <= text.size(); ++n)
      if (text.compare(text.size() - n, n, s, 0, n) == 0) longest = std::max(longest, n);
  return longest;
}

Texts all_texts(const std::string& letters, size_t longest) {
  Texts out = {""}, last = {""};
  for (size_t n = 0; n < longest; ++n) {
    Texts next;
    for (const std::string& t : last)
      for (char c : letters) next.push_back(t + c);
    out.insert(out.end(), next.begin(), next.end());
    last = next;
  }
  return out;
}

// Byte by byte: after every byte exactly what may be shown has been shown.
void expect_by_definition(const Texts& stops, const std::string& text) {
  StopMatcher matcher(stops);
  std::string shown;
  for (size_t n = 1; n <= text.size(); ++n) {
    shown += matcher.push(text.substr(n - 1, 1));
    bool stopped = false;
    const std::string expected = shown_by_definition(stops, text.substr(0, n), stopped);
    ASSERT_EQ(matcher.stopped(), stopped) << text;
    const size_t waits = stopped ? 0 : waits_by_definition(stops, expected);
    ASSERT_EQ(shown, expected.substr(0, expected.size() - waits)) << text << " after " << n;
  }
  bool stopped = false;
  const std::string expected = shown_by_definition(stops, text, stopped);
  shown += matcher.finish();
  ASSERT_EQ(shown, expected) << text;
  StopMatcher whole(stops);  // one piece gives the same
  ASSERT_EQ(whole.finish(text), expected);
}

TEST(StopMatcher, EveryShortTextAndPairOfStops) {
  const Texts stops = all_texts("ab", 4), texts = all_texts("ab", 8);
  for (size_t i = 1; i < stops.size(); ++i) {
    for (size_t t = 255; t < texts.size(); ++t) expect_by_definition({stops[i]}, texts[t]);
    for (size_t j = 1; j < i; j += 3)
      for (size_t t = 255; t < texts.size(); t += 5) expect_by_definition({stops[i], stops[j]}, texts[t]);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(StopMatcher, ThreeLettersThreeStopsAnyPieces) {
  std::mt19937 random(1);
  const Texts stops = all_texts("abc", 4);
  for (int i = 0; i < 20000; ++i) {
    Texts chosen;
    for (int k = 0; k < 3; ++k) chosen.push_back(stops[1 + random() % (stops.size() - 1)]);
    std::string text;
    for (int n = 0; n < 12; ++n) text += static_cast<char>('a' + random() % 3);
    bool stopped = false;
    const std::string expected = shown_by_definition(chosen, text, stopped);
    StopMatcher matcher(chosen);
    std::string shown;
    for (size_t at = 0; at < text.size();) {
      const size_t n = 1 + random() % 4;
      shown += matcher.push(text.substr(at, n));
      at += n;
    }
    shown += matcher.finish();
    ASSERT_EQ(shown, expected) << text;
    ASSERT_EQ(matcher.stopped(), stopped);
  }
}

TEST(StopMatcher, SaysWhichAndStaysSilentAfterwards) {
  StopMatcher matcher({"\nUser:", "###"});
  EXPECT_EQ(matcher.push("Hello\nUs"), "Hello");
  EXPECT_EQ(matcher.push("ual"), "\nUsual");
  EXPECT_EQ(matcher.push(" ##"), " ");
  EXPECT_EQ(matcher.push("# more"), "");
  EXPECT_TRUE(matcher.stopped());
  EXPECT_EQ(matcher.matched(), "###");
  EXPECT_EQ(matcher.push("more"), "");
  EXPECT_EQ(matcher.finish(), "");
}

TEST(StopMatcher, NoStopsHoldNothingAndEmptyOnesAreRefused) {
  StopMatcher matcher;
  EXPECT_EQ(matcher.push("abc"), "abc");
  EXPECT_EQ(matcher.finish(), "");
  EXPECT_THROW(StopMatcher({"a", ""}), Error);
}

}  // namespace
}  // namespace frugal
