// What a codec's registration makes of its arguments: the form of rows, and for kivi that of closed pages.
#pragma once

#include "kv/schedule.h"

namespace frugal {

struct CodecChoice {
  std::string rows;  // the kernels of open pages: f32, f16, bf16, q8
  int bits = 0;      // of closed pages; 0: pages stay open
  int group = 0;
  int64_t residual = 0;  // newest rows that stay open
  KvSchedule schedule;
};

using MakeCodec = CodecChoice(const Args&);

}  // namespace frugal
