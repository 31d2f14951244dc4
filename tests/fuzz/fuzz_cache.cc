// Saved caches from anywhere, under several specs: what is taken as one goes on: a prompt, decoded rows, events.
// The first byte chooses the spec; the rest is the file.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "fuzz_file.h"
#include "kv/attend_harness.h"

using namespace frugal;

namespace {

constexpr const char* kSpecs[] = {
    "full",
    "k:q8 | v:f16",
    "h2o(heavy=6,recent=4,every=4)",
    "streaming(sink=2,window=8)",
    "scissorhands(budget=12,history=16,recent=4)",
    "cam(base=h2o,budget=10,m=4)",
    "vatp(base=h2o,budget=10)",
    "k:kivi(bits=2,group=32,residual=32) | v:kivi(bits=2,group=32,residual=32)",
    "h2o(budget=10,every=4) | k:kivi(bits=4,residual=32) | v:kivi(bits=4,residual=32)",
};

void go_on(KvPool& pool, KvSeq& seq, const testkit::LayerSetup& setup, const testkit::Rows& rows, ThreadTeam& team) {
  for (int i = 0; i < 12; ++i) {
    const int n = static_cast<int>(std::min<int64_t>(5, seq.rows_until_event()));
    testkit::attend_step(pool, setup, {{&seq, &rows, i * 5, n}}, team);
    seq.commit(n);
    if (i == 5) seq.end_prompt();
  }
  seq.truncate(seq.length() / 2);
  seq.fork()->begin_prompt();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static const testkit::LayerSetup setup = testkit::make_setup(2, 2, 32, 32);
  static const testkit::Rows rows(setup.shape, setup.spec.heads, 60, 7);
  static ThreadTeam team{1, false};
  static FuzzFile file;
  file.set(data + 1, size - 1);
  auto pool = make_kv_pool(setup.pool(kSpecs[data[0] % std::size(kSpecs)], false));
  auto seq = pool->create();
  try {
    seq->load(file.path());
    if (seq->length() < 2000) go_on(*pool, *seq, setup, rows, team);
  } catch (const Error&) {
  }
  return 0;
}
