// Small plots as SVG text, for reports that are one file and need no network.
#pragma once

#include <string>
#include <vector>

namespace frugal {

struct PlotPoint {
  double x, y;
  std::string label;  // shown beside the point, and with the values when the pointer rests on it
  int series = 0;     // colour
};
struct PlotAxes {
  std::string title, x, y;
  bool log_x = false, log_y = false;
};
// Points that are not finite, or not positive on a logarithmic axis, are left out; "" when none is left.
std::string scatter_svg(const PlotAxes& axes, std::vector<PlotPoint> points, const std::vector<std::string>& series);

struct BarGroup {
  std::string label;
  std::vector<double> values;  // one a series
};
std::string bars_svg(const PlotAxes& axes, const std::vector<BarGroup>& groups, const std::vector<std::string>& series);

std::string html_escape(const std::string& text);

}  // namespace frugal
