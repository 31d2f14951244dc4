#include "measure/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace frugal {
namespace {

constexpr const char* kColours[] = {"#2563eb", "#dc2626", "#059669", "#d97706",
                                    "#7c3aed", "#0891b2", "#be185d", "#4d7c0f"};
const char* colour(size_t i) { return kColours[i % std::size(kColours)]; }

constexpr double kWidth = 760, kHeight = 400, kLeft = 70, kRight = 20, kTop = 40, kBottom = 56;

// From values to places along one axis, with round ticks.
struct Scale {
  double low, high, from, to;
  bool log;

  Scale(double lowest, double highest, double from_, double to_, bool log_)
      : low(lowest), high(highest), from(from_), to(to_), log(log_) {
    if (log) low = std::log10(low), high = std::log10(high);
    const double span = high > low ? high - low : std::max(1e-9, std::fabs(high) * 0.5 + (log ? 0.5 : 0));
    low -= 0.06 * span, high += 0.06 * span;
    if (!log && lowest >= 0) low = std::max(0.0, low);
  }
  double at(double v) const { return from + ((log ? std::log10(v) : v) - low) / (high - low) * (to - from); }
  std::vector<double> ticks() const {
    std::vector<double> list;
    if (log && high - low > 0.8) {
      for (int decade = static_cast<int>(std::floor(low)); decade <= high; ++decade)
        for (double m : {1.0, 2.0, 5.0})
          if (const double v = std::log10(m) + decade; v >= low && v <= high) list.push_back(m * std::pow(10, decade));
      return list;
    }
    const double bottom = log ? std::pow(10, low) : low, top = log ? std::pow(10, high) : high;
    double step = std::pow(10, std::floor(std::log10((top - bottom) / 5)));
    for (double m : {2.0, 2.5, 2.0})
      if ((top - bottom) / step > 7) step *= m;
    for (auto n = static_cast<int64_t>(std::ceil(bottom / step)); static_cast<double>(n) * step <= top; ++n)
      list.push_back(static_cast<double>(n) * step);
    return list;
  }
};

std::string frame(const PlotAxes& axes) {
  return fmt::format(
      "<svg viewBox=\"0 0 {} {}\" role=\"img\"><text class=\"t\" x=\"{}\" y=\"22\">{}</text>"
      "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>"
      "<text transform=\"translate(16 {}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
      kWidth, kHeight, kLeft, html_escape(axes.title), (kLeft + kWidth - kRight) / 2, kHeight - 12, html_escape(axes.x),
      (kTop + kHeight - kBottom) / 2, html_escape(axes.y));
}

std::string y_ticks(const Scale& y) {
  std::string out;
  for (double v : y.ticks())
    out += fmt::format(
        "<line class=\"g\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/><text x=\"{3}\" y=\"{4:.1f}\" "
        "text-anchor=\"end\">{5:g}</text>",
        kLeft, kWidth - kRight, y.at(v), kLeft - 6, y.at(v) + 4, v);
  return out;
}

std::string legend(const std::vector<std::string>& series) {
  std::string out = "<p class=\"legend\">";
  for (size_t i = 0; i < series.size(); ++i)
    out += fmt::format("<span><i style=\"background:{}\"></i>{}</span>", colour(i), html_escape(series[i]));
  return series.size() > 1 ? out + "</p>" : "";
}

bool usable(const PlotAxes& a, const PlotPoint& p) {
  return std::isfinite(p.x) && std::isfinite(p.y) && (!a.log_x || p.x > 0) && (!a.log_y || p.y > 0);
}

// Labels that would lie on an earlier one move down.
double free_place(std::vector<std::pair<double, double>>& taken, double x, double y) {
  for (bool moved = true; moved;) {
    moved = false;
    for (const auto& [tx, ty] : taken)
      if (std::fabs(tx - x) < 150 && std::fabs(ty - y) < 12) y = ty + 12.5, moved = true;
  }
  taken.emplace_back(x, y);
  return y;
}

}  // namespace

std::string html_escape(const std::string& text) {
  std::string out;
  for (char c : text)
    out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : c == '"' ? "&quot;" : std::string(1, c);
  return out;
}

std::string scatter_svg(const PlotAxes& axes, std::vector<PlotPoint> points, const std::vector<std::string>& series) {
  std::erase_if(points, [&](const PlotPoint& p) { return !usable(axes, p); });
  if (points.empty()) return "";
  const auto [x0, x1] = std::minmax_element(points.begin(), points.end(), [](auto& a, auto& b) { return a.x < b.x; });
  const auto [y0, y1] = std::minmax_element(points.begin(), points.end(), [](auto& a, auto& b) { return a.y < b.y; });
  const Scale x(x0->x, x1->x, kLeft, kWidth - kRight, axes.log_x), y(y0->y, y1->y, kHeight - kBottom, kTop, axes.log_y);
  std::string out = frame(axes) + y_ticks(y);
  for (double v : x.ticks())
    out += fmt::format(
        "<line class=\"g\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/><text x=\"{0:.1f}\" y=\"{3}\" "
        "text-anchor=\"middle\">{4:g}</text>",
        x.at(v), kTop, kHeight - kBottom, kHeight - kBottom + 16, v);
  std::vector<std::pair<double, double>> taken;
  for (const PlotPoint& p : points) {
    const double px = x.at(p.x), py = y.at(p.y);
    const bool left = px > kWidth - 200;
    out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\" fill=\"{}\"><title>{}: {:g}, {:g}</title></circle>",
                       px, py, colour(static_cast<size_t>(p.series)), html_escape(p.label), p.x, p.y);
    out +=
        fmt::format("<text class=\"l\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>", left ? px - 8 : px + 8,
                    free_place(taken, px, py + 4), left ? "end" : "start", html_escape(p.label));
  }
  return out + "</svg>" + legend(series);
}

std::string bars_svg(const PlotAxes& axes, const std::vector<BarGroup>& groups,
                     const std::vector<std::string>& series) {
  double top = 0;
  for (const BarGroup& g : groups)
    for (double v : g.values) top = std::max(top, std::isfinite(v) ? v : 0);
  if (groups.empty() || top <= 0) return "";
  const Scale y(0, top, kHeight - kBottom, kTop, false);
  std::string out = frame(axes) + y_ticks(y);
  const double group = (kWidth - kLeft - kRight) / static_cast<double>(groups.size()),
               bar = group * 0.8 / static_cast<double>(series.size());
  for (size_t g = 0; g < groups.size(); ++g) {
    const double x0 = kLeft + group * (static_cast<double>(g) + 0.1);
    for (size_t s = 0; s < groups[g].values.size(); ++s) {
      const double v = groups[g].values[s], at = y.at(v);
      out += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"><title>{}, {}: "
          "{:g}</title></rect>",
          x0 + bar * static_cast<double>(s), at, bar * 0.92, y.at(0) - at, colour(s), html_escape(groups[g].label),
          html_escape(series[s]), v);
    }
    out += fmt::format("<text class=\"l\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                       kLeft + group * (static_cast<double>(g) + 0.5), kHeight - kBottom + 16,
                       html_escape(groups[g].label));
  }
  return out + "</svg>" + legend(series);
}

}  // namespace frugal
