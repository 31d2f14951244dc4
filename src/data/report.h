// A run as one HTML file that needs nothing else: the funnel by stage, why documents went, languages, how long texts
// are and how each value is spread, and samples of what was kept and, where rejects were written, of what each reason
// dropped.
//
// It is made from the counts and from the files that the run wrote, so a resumed run reports the whole, and the same
// samples come whatever the number of workers: those with the least hash.
#pragma once

#include <string>

#include "data/pipeline.h"

namespace frugal::data {

// Throws Error(kUsage) when the sink is not jsonl or parquet, whose files can be read.
void need_readable_output(const Plan& plan);
// rejects: the folder given to the run, or empty. Throws as need_readable_output does.
void write_report(const Plan& plan, const Report& report, const std::string& rejects, const std::string& path);

}  // namespace frugal::data
