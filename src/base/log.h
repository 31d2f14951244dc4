// Log lines on stderr, through spdlog; results never pass here. FRUGAL_LOG=trace|debug|info|warning|error|off
// says how much (info when unset). spdlog's headers stay in log.cc, so that including this costs nothing.
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace frugal {

enum class LogLevel { kTrace, kDebug, kInfo, kWarning, kError, kOff };

bool logs(LogLevel level);  // would a line of this level be written?
void set_log_level(LogLevel level);
void log_line(LogLevel level, std::string_view line);

// log(LogLevel::kInfo, "read {} tensors", n): formatted only when it is written.
template <typename... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (logs(level)) log_line(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace frugal
