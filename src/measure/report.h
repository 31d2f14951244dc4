// One comparison as one HTML file: the table, what was refused and why, and the plots that show what bytes buy.
#pragma once

#include <string>
#include <vector>

#include "measure/compare.h"

namespace frugal {

struct ReportHead {
  std::string title, command, machine, date;
};
// Self-contained: no script, no font, no address.
std::string comparison_html(const ReportHead& head, const std::vector<CompareRow>& rows);

}  // namespace frugal
