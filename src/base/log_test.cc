#include "base/log.h"

#include <gtest/gtest.h>

namespace frugal {
namespace {

TEST(Log, WritesToStderrFromItsLevelOn) {
  set_log_level(LogLevel::kWarning);
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  log(LogLevel::kInfo, "quiet {}", 1);
  log(LogLevel::kWarning, "loud {} {{}}", 2);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  const std::string text = testing::internal::GetCapturedStderr();
  set_log_level(LogLevel::kInfo);
  EXPECT_EQ(text.find("quiet"), std::string::npos);
  EXPECT_NE(text.find("warning loud 2 {}\n"), std::string::npos) << text;
}

TEST(Log, OffWritesNothing) {
  set_log_level(LogLevel::kOff);
  EXPECT_FALSE(logs(LogLevel::kError));
  EXPECT_FALSE(logs(LogLevel::kOff));
  set_log_level(LogLevel::kInfo);
  EXPECT_TRUE(logs(LogLevel::kInfo));
  EXPECT_FALSE(logs(LogLevel::kDebug));
}

}  // namespace
}  // namespace frugal
