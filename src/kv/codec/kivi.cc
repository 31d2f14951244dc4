// KIVI (Liu et al. 2024, arXiv 2402.02750): keys quantised by channel, values by row, the newest rows exact.
//
// Large values of keys lie in a few channels of all rows, so a key's group runs along rows in one channel; values have
// no such channels and are mixed row by row, so a value's group runs along channels in one row (section 3). A group
// along rows can only be closed when all of its rows are there: up to `residual` rows stay half floats until then
// (algorithm 1). Prompts attend exactly; their rows close when they end.
//
//   keys     close a residual's worth of rows at once, so 0 to residual - 1 newest rows stay exact; groups of `group`
//   rows values   close a page of 32 rows when all are older than the residual, so residual to residual + 31 newest
//   stay exact
//            (the paper closes one row at a time); groups of `group` channels, at most the head
//
// Both only at events (every=1: after each row). Parameters are half floats and codes are computed with the rounded
// ones, so that the error stays below half a step; constant groups have step 0 and come back exactly. Keys are closed
// as they are read, after rotation.
//
// Bytes of a key or value of D channels: D bits / 8 + 4 D / group, and the residual's half floats. Pages are opened
// tile by tile where attention reads them (ops/kivi.h has the form).
#include "base/error.h"
#include "kv/codec/codec.h"

namespace frugal {
namespace {

CodecChoice kivi(const Args& a) {
  CodecChoice c{.rows = "f16",
                .bits = static_cast<int>(a.integer("bits")),
                .group = static_cast<int>(a.integer("group")),
                .residual = a.integer("residual"),
                .schedule = schedule_of(a)};
  if (c.bits != 2 && c.bits != 4) fail(ErrorCode::kUsage, "kivi", "found bits={}, expected 2 or 4", c.bits);
  if (c.group != 16 && c.group != 32)
    fail(ErrorCode::kUsage, "kivi", "found group={}, expected 16 or 32: groups divide a page of 32 rows", c.group);
  if (c.residual % 32 != 0)
    fail(ErrorCode::kUsage, "kivi", "found residual={}, expected a multiple of 32: groups close a page at a time",
         c.residual);
  return c;
}

const Register<MakeCodec> kKivi(
    {.kind = "kv",
     .role = "codec",
     .name = "kivi",
     .title = "KIVI: A Tuning-Free Asymmetric 2bit Quantization for KV Cache",
     .authors = "Liu et al.",
     .year = 2024,
     .arxiv = "2402.02750",
     .help = "keys quantised by channel over rows, values by row over channels, the newest rows exact",
     .params = with_schedule({ParamInfo::integer("bits", "of a code: 2 or 4").preset("2").within(2, 4),
                              ParamInfo::integer("group",
                                                 "rows (keys) or channels (values) that share a scale: 16 or 32")
                                  .preset("32")
                                  .within(16, 32),
                              ParamInfo::integer("residual", "newest rows that stay half floats, a multiple of 32")
                                  .preset("128")
                                  .within(32, 4096)}),
     .abilities = {"closes"}},
    kivi);

}  // namespace
}  // namespace frugal
