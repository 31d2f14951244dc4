#include "base/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

namespace frugal {
namespace {

constexpr int kBarWidth = 24;

std::string bar(double part) {
  const auto full = static_cast<size_t>(std::lround(std::clamp(part, 0.0, 1.0) * kBarWidth));
  return "[" + std::string(full, '#') + std::string(kBarWidth - full, '.') + "] ";
}

void write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(file, text.data(), text.size());
    if (n <= 0) return;  // nobody is listening
    text.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace

std::string show_count(double n) {
  if (n < 1000) return fmt::format("{:.{}f}", n, n == std::floor(n) || n >= 100 ? 0 : 1);
  for (const char* unit : {"k", "M", "G", "T"}) {
    n /= 1000;
    if (n < 999.5) return fmt::format("{:.3g}{}", n, unit);
  }
  return fmt::format("{:.0f}T", n);
}

std::string show_duration(double s) {
  if (s < 59.95) return fmt::format("{:.1f}s", s);
  const auto whole = static_cast<int64_t>(std::llround(s));
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
}

ProgressSink stderr_progress() {
  ProgressSink sink;
  sink.write = [](std::string_view text) { write_all(STDERR_FILENO, text); };
  sink.terminal = isatty(STDERR_FILENO) == 1;
  sink.interval_s = sink.terminal ? 0.1 : 5;
  return sink;
}

Progress::Progress(ProgressSink sink, std::string title, int64_t total)
    : sink_(std::move(sink)),
      title_(std::move(title)),
      total_(total),
      start_s_(sink_.clock_s()),
      next_s_(start_s_ + sink_.interval_s) {}

Progress::~Progress() {
  if (shown_) show(true);
}

void Progress::add(int64_t n) {
  done_.fetch_add(n, std::memory_order_relaxed);
  if (sink_.write && sink_.clock_s() >= next_s_.load(std::memory_order_relaxed)) show(false);
}

void Progress::show(bool last) {
  std::lock_guard lock(mutex_);
  const double now = sink_.clock_s();
  if (!last && now < next_s_.load(std::memory_order_relaxed)) return;  // another thread was first
  next_s_.store(now + sink_.interval_s, std::memory_order_relaxed);
  shown_ = true;
  const std::string text = line(now - start_s_);
  sink_.write(sink_.terminal ? "\r" + text + "\x1b[K" + (last ? "\n" : "") : text + "\n");
}

std::string Progress::line(double elapsed_s) const {
  const auto done = static_cast<double>(this->done()), total = static_cast<double>(total_);
  const double rate = elapsed_s > 0 ? done / elapsed_s : 0;
  std::string out = title_ + " ";
  if (total_ > 0) {
    if (sink_.terminal) out += bar(done / total);
    out += fmt::format("{:.0f}% {}/{}", 100 * done / total, show_count(done), show_count(total));
  } else {
    out += show_count(done);
  }
  out += fmt::format(", {}/s, {}", show_count(rate), show_duration(elapsed_s));
  if (total_ > 0 && rate > 0 && done < total) out += fmt::format(", {} left", show_duration((total - done) / rate));
  return out;
}

}  // namespace frugal
