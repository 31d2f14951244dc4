// For tests: a ragged pool of one layer, fed as the engine feeds it, a prompt and then steps up to each event.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "kv/attend_harness.h"
#include "kv/layout/ragged.h"

namespace frugal {

struct RaggedTest : testing::Test {
  testkit::LayerSetup setup = testkit::make_setup(2, 3, 32, 48);
  testkit::Rows rows{setup.shape, setup.spec.heads, 700, 51};
  ThreadTeam team{2, false};
  std::string path = (std::filesystem::temp_directory_path() / ("frugal_ragged_" + std::to_string(getpid()))).string();
  ~RaggedTest() override { std::filesystem::remove(path); }

  std::unique_ptr<RaggedPool> pool(const std::string& spec, bool exact = false, int64_t max_rows = 8192) {
    KvPoolOptions o = setup.pool(spec, exact);
    o.max_rows = max_rows;
    o.team = &team;
    return std::make_unique<RaggedPool>(o, resolve_kv_spec(spec, 1));
  }
  std::vector<float> feed(KvPool& p, KvSeq& seq, int first, int n) {
    auto out = testkit::attend_step(p, setup, {{&seq, &rows, first, n}}, team);
    seq.commit(n);
    return out;
  }
  // A prompt in one step, then rows up to each event.
  std::vector<float> run(KvPool& p, KvSeq& seq, int first, int prompt, int n) {
    if (prompt > 0) feed(p, seq, first, prompt);
    seq.end_prompt();
    return go_on(p, seq, first + prompt, n);
  }
  std::vector<float> go_on(KvPool& p, KvSeq& seq, int first, int n) {
    std::vector<float> all;
    for (int at = 0; at < n;) {
      const int step = static_cast<int>(std::min<int64_t>(n - at, seq.rows_until_event()));
      const auto out = feed(p, seq, first + at, step);
      all.insert(all.end(), out.begin(), out.end());
      at += step;
    }
    return all;
  }
};

}  // namespace frugal
