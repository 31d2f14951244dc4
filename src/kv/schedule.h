// When a policy or a codec may act: what moves rows or changes their form happens only where the committed length
// crosses a multiple of `every`, and at the end of a prompt. So steps that stop there see the same rows however they
// are cut.
#pragma once

#include "base/registry.h"

namespace frugal {

struct KvSchedule {
  int64_t every = 0;  // committed rows between two events; 0: none
  int64_t chunk = 0;  // the same inside prompts; 0: prompts are whole
  // Does a step from `before` to `after` committed rows meet an event?
  bool due(bool in_prompt, int64_t before, int64_t after) const {
    const int64_t step = in_prompt ? chunk : every;
    return step > 0 && before / step != after / step;
  }
};

// A unit's own parameters and those of its schedule.
inline std::vector<ParamInfo> with_schedule(std::vector<ParamInfo> own) {
  own.push_back(ParamInfo::integer("every", "committed rows from one event to the next; 1: the papers' own schedule")
                    .preset("16")
                    .within(1, 4096));
  own.push_back(ParamInfo::integer("chunk", "compress inside prompts too, every so many rows; 0: prompts whole")
                    .preset("0")
                    .at_least(0));
  return own;
}
inline KvSchedule schedule_of(const Args& args) { return {args.integer("every"), args.integer("chunk")}; }

}  // namespace frugal
