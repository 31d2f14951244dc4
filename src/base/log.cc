#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

namespace frugal {
namespace {

spdlog::level::level_enum native(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace: return spdlog::level::trace;
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarning: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
    case LogLevel::kOff: break;
  }
  return spdlog::level::off;
}

spdlog::logger make_logger() {
  spdlog::logger logger("frugal", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger.set_pattern("%H:%M:%S %l %v");
  const char* wanted = std::getenv("FRUGAL_LOG");
  if (wanted == nullptr) return logger;
  const auto level = spdlog::level::from_str(wanted);  // "off" for what it does not know
  const bool known = level != spdlog::level::off || std::string_view(wanted) == "off";
  logger.set_level(known ? level : spdlog::level::info);
  if (!known) logger.warn("FRUGAL_LOG: found '{}', expected trace, debug, info, warning, error or off", wanted);
  return logger;
}

spdlog::logger& logger() {
  static spdlog::logger one = make_logger();
  return one;
}

}  // namespace

bool logs(LogLevel level) { return level != LogLevel::kOff && logger().should_log(native(level)); }
void set_log_level(LogLevel level) { logger().set_level(native(level)); }
void log_line(LogLevel level, std::string_view line) { logger().log(native(level), "{}", line); }

}  // namespace frugal
