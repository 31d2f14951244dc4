// Each policy against its restatement: the same rows kept in every head, the same outputs, whatever the schedule and
// however the rows are fed; and the plausible wrong readings give other rows.
#include <gtest/gtest.h>

#include "base/error.h"
#include "kv/layout/ragged.h"
#include "kv/policy/restated.h"

namespace frugal {
namespace {

using testkit::Restated;
using testkit::RestatedHead;

struct PolicyCase {
  const char* name;
  std::string spec;  // without its schedule
  testkit::RestatedCut cut;
  bool numbered_in_cache = false;
  int history = 0;
  bool alike = true;  // false: a wrong reading, which must differ
};

std::vector<double> masses(const RestatedHead& h) {
  std::vector<double> s;
  for (const auto& r : h.rows) s.push_back(r.mass);
  return s;
}

testkit::RestatedCut streaming(int sink, int window) {
  return [=](RestatedHead& h) {
    return testkit::best_rows(static_cast<int>(h.rows.size()), sink + window, sink, window,
                              std::vector<double>(h.rows.size()));
  };
}
testkit::RestatedCut h2o(int heavy, int recent) {
  return [=](RestatedHead& h) {
    return testkit::best_rows(static_cast<int>(h.rows.size()), heavy + recent, 0, recent, masses(h));
  };
}
testkit::RestatedCut h2o_mean(int heavy, int recent) {
  return [=](RestatedHead& h) {
    std::vector<double> s = masses(h);
    for (size_t i = 0; i < s.size(); ++i) s[i] /= h.seen - h.rows[i].token;
    return testkit::best_rows(static_cast<int>(h.rows.size()), heavy + recent, 0, recent, s);
  };
}
// Wrong: heavy hitters chosen among all rows, the window included.
testkit::RestatedCut h2o_over_window(int heavy, int recent) {
  return [=](RestatedHead& h) {
    return testkit::best_rows(static_cast<int>(h.rows.size()), heavy + recent, 0, 0, masses(h));
  };
}

testkit::RestatedCut scissorhands(int budget, int drop, int history, int recent, bool rate) {
  return [=](RestatedHead& h) {
    const int n = static_cast<int>(h.rows.size());
    std::vector<double> s;
    for (const auto& r : h.rows) {
      const double low = static_cast<double>(std::count(r.low.begin(), r.low.end(), true));
      s.push_back(rate ? -low / std::min(h.seen - r.token, history) : -low);
    }
    return testkit::best_rows(n, n <= budget ? n : budget - drop, 0, recent, s);
  };
}
testkit::RestatedCut vatp(int budget, int sink, int power, bool mean = false) {
  return [=](RestatedHead& h) {
    std::vector<double> s = masses(h);
    for (size_t i = 0; i < s.size(); ++i) {
      double norm = 0;
      for (double x : h.rows[i].v) norm += std::pow(std::abs(x), power);
      s[i] *= std::pow(norm, 1.0 / power) / (mean ? h.seen - h.rows[i].token : 1);
    }
    return testkit::best_rows(static_cast<int>(h.rows.size()), budget, sink, budget - budget / 2, s);
  };
}
// Values that leave are shared out among the m kept rows behind them, by the draw of (token, layer, head).
testkit::RestatedCut cam(testkit::RestatedCut base, int m, bool never = false) {
  return [=](RestatedHead& h) {
    const std::vector<int> stay = base(h);
    for (int i = 0; i < static_cast<int>(h.rows.size()) && h.seen > h.prompt && !never; ++i) {
      if (std::binary_search(stay.begin(), stay.end(), i)) continue;
      auto first = std::upper_bound(stay.begin(), stay.end(), i), last = std::min(stay.end(), first + m);
      double mean = 0;
      for (auto j = first; j != last; ++j)
        mean += h.rows[static_cast<size_t>(*j)].decode_mass / static_cast<double>(last - first);
      const testkit::RestatedRow gone = h.rows[static_cast<size_t>(i)];
      const auto bits = philox4x32_10(
          {static_cast<uint32_t>(gone.token), static_cast<uint32_t>(Purpose::kCache), 0, static_cast<uint32_t>(h.head)},
          {0, 0});
      if (bits[1] * 0x1p-32 >= gone.decode_mass / mean) continue;
      for (auto j = first; j != last; ++j)
        for (size_t d = 0; d < gone.v.size(); ++d)
          h.rows[static_cast<size_t>(*j)].v[d] += gone.v[d] / static_cast<double>(last - first);
    }
    return stay;
  };
}

const PolicyCase kPolicyCases[] = {
    {"streaming", "streaming(sink=4,window=60)", streaming(4, 60), true},
    {"streaming_no_sink", "streaming(sink=0,window=40)", streaming(0, 40), true},
    {"streaming_page_of_sinks", "streaming(sink=32,window=33)", streaming(32, 33), true},
    {"streaming_small", "streaming(sink=3,window=9)", streaming(3, 9), true},
    {"streaming_wrong_positions", "streaming(sink=4,window=60)", streaming(4, 60), false, 0, false},
    {"h2o", "h2o(heavy=24,recent=20)", h2o(24, 20)},
    {"h2o_budget", "h2o(budget=70)", h2o(35, 35)},
    {"h2o_odd_budget", "h2o(budget=45)", h2o(22, 23)},
    {"h2o_share", "h2o(budget=75%)",
     [](RestatedHead& h) { return h2o(h.prompt * 3 / 4 / 2, h.prompt * 3 / 4 - h.prompt * 3 / 4 / 2)(h); }},
    {"h2o_mean", "h2o(budget=60,score=mean)", h2o_mean(30, 30)},
    {"h2o_mean_for_sum", "h2o(budget=60)", h2o_mean(30, 30), false, 0, false},
    {"h2o_over_window", "h2o(budget=60)", h2o_over_window(30, 30), false, 0, false},
    {"scissorhands", "scissorhands(budget=80,history=40,recent=10)", scissorhands(80, 40, 40, 10, false), false, 40},
    {"scissorhands_rate", "scissorhands(budget=80,history=40,recent=10,drop=0.25,rule=rate)",
     scissorhands(80, 20, 40, 10, true), false, 40},
    {"scissorhands_longer_memory", "scissorhands(budget=80,history=40,recent=10)", scissorhands(80, 40, 60, 10, false),
     false, 60, false},
    {"vatp", "vatp(base=h2o,budget=60,sink=7)", vatp(60, 7, 1)},
    {"vatp_base_of_its_own", "vatp(base=h2o(budget=50),sink=0)", vatp(50, 0, 1)},
    {"vatp_l2", "vatp(base=h2o,budget=60,sink=7)", vatp(60, 7, 2), false, 0, false},
    {"vatp_over_mean", "vatp(base=h2o(score=mean),budget=60,sink=7)", vatp(60, 7, 1, true)},
    {"vatp_without_sinks", "vatp(base=h2o(score=mean),budget=60,sink=7)", vatp(60, 0, 1, true), false, 0, false},
    {"cam_over_h2o", "cam(base=h2o(budget=60),m=5)", cam(h2o(30, 30), 5)},
    {"cam_over_streaming", "cam(base=streaming(sink=4,window=56),m=16)", cam(streaming(4, 56), 16), true},
    {"cam_never_merging", "cam(base=h2o(budget=60),m=5)", cam(h2o(30, 30), 5, true), false, 0, false},
    {"cam_other_m", "cam(base=h2o(budget=60),m=5)", cam(h2o(30, 30), 6), false, 0, false},
};

std::string scheduled(std::string spec, int every) {
  spec.insert(spec.size() - 1, ",every=" + std::to_string(every));
  return spec;
}

class PolicyRestated : public testing::TestWithParam<PolicyCase> {};

struct Difference {
  bool rows = false;
  double output = 0;
};

// Feeds a prompt in chunks and then rows one by one or up to each event, beside the restatement.
Difference compare(const PolicyCase& c, int every, int chunk, bool together, const char* codecs) {
  const testkit::LayerSetup setup = testkit::make_setup(2, 3, 16, 24);
  const testkit::Rows rows(setup.shape, setup.spec.heads, 260, 7);
  constexpr int kPrompt = 130;
  ThreadTeam team(2, false);
  KvPoolOptions options = setup.pool(scheduled(c.spec, every) + " | " + codecs);
  options.team = &team;
  RaggedPool pool(options, resolve_kv_spec(options.spec, 1));
  RaggedSeq seq(pool);
  Restated restated(setup, c.cut, every);
  restated.numbered_in_cache = c.numbered_in_cache;
  restated.history = c.history;
  Difference d;
  for (int at = 0; at < rows.rows;) {
    int n = at < kPrompt ? std::min(chunk, kPrompt - at)
            : together   ? static_cast<int>(std::min<int64_t>(seq.rows_until_event(), rows.rows - at))
                         : 1;
    const auto out = testkit::attend_step(pool, setup, {{&seq, &rows, at, n}}, team);
    seq.commit(n);
    for (int i = 0; i < n; ++i) {
      const auto expected = restated.step(rows, at + i);
      for (size_t x = 0; x < expected.size(); ++x)
        d.output = std::max(
            d.output, std::abs(expected[x] - static_cast<double>(out[static_cast<size_t>(i) * expected.size() + x])));
    }
    at += n;
    if (at == kPrompt) {
      seq.end_prompt();
      restated.end_prompt();
    }
    for (int h = 0; h < setup.shape.heads; ++h) {
      const RaggedHead& mine = seq.rows_of(0, h);
      std::vector<int> tokens;
      for (int64_t slot = 0; slot < mine.slots; ++slot)
        if (mine.living(slot / kPageRows) >> (slot % kPageRows) & 1)
          tokens.push_back(mine.token[static_cast<size_t>(slot)]);
      d.rows = d.rows || tokens != restated.tokens(h);
    }
  }
  return d;
}

TEST_P(PolicyRestated, KeepsTheSameRows) {
  const PolicyCase& c = GetParam();
  for (int every : {1, 16}) {
    const Difference d = compare(c, every, 130, true, "f32");
    if (c.alike) {
      EXPECT_FALSE(d.rows) << "every=" << every;
      EXPECT_LT(d.output, 1e-4) << "every=" << every;
    } else {
      EXPECT_TRUE(d.rows || d.output > 1e-2) << "every=" << every;
    }
  }
}

TEST_P(PolicyRestated, HoweverTheRowsAreFed) {
  const PolicyCase& c = GetParam();
  if (!c.alike) return;
  for (int chunk : {1, 50})
    for (bool together : {false, true}) {
      const Difference d = compare(c, 16, chunk, together, "f32");
      EXPECT_FALSE(d.rows) << "prompt chunks of " << chunk;
      EXPECT_LT(d.output, 1e-4) << "prompt chunks of " << chunk;
    }
}

std::string case_name(const testing::TestParamInfo<PolicyCase>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Policies, PolicyRestated, testing::ValuesIn(kPolicyCases), case_name);

}  // namespace
}  // namespace frugal
