// kivi against its restatement in plain double precision: the same rows closed after every step, the same outputs; and
// what closed pages go through when rows leave them.
#include <bit>
#include <cstring>
#include <map>

#include "base/half.h"
#include "kv/layout/ragged_harness.h"

namespace frugal {
namespace {

float through_half(double x) { return f16_to_float(float_to_f16(static_cast<float>(x))); }

// n values, step apart, as a group of codes gives them back.
void round_group(double* x, int n, int step, int bits) {
  double low = x[0], high = x[0];
  for (int i = 1; i < n; ++i) low = std::min(low, x[i * step]), high = std::max(high, x[i * step]);
  const double most = (1 << bits) - 1, scale = through_half((high - low) / most), base = through_half(low);
  for (int i = 0; i < n; ++i) {
    const double code = scale > 0 ? std::clamp(std::nearbyint((x[i * step] - base) / scale), 0.0, most) : 0.0;
    x[i * step] = code * scale + base;
  }
}

struct KiviCase {
  const char* name;
  int k_bits, v_bits, group, residual, every;  // bits 0: half floats
  bool right = true;
  bool keys_by_row = false;  // wrong: keys quantised by row, as transformers' quantised cache does
  bool one_row_late = false;
};
const KiviCase kKiviCases[] = {{"both_2", 2, 2, 32, 32, 1},
                               {"both_4", 4, 4, 32, 64, 16},
                               {"mixed", 2, 4, 16, 32, 7},
                               {"keys_alone", 2, 0, 32, 32, 16},
                               {"values_alone", 0, 4, 16, 96, 1},
                               {"keys_by_row", 2, 2, 32, 32, 1, false, true},
                               {"other_residual", 2, 2, 32, 32, 1, false, false, true}};

class KiviRestated : public RaggedTest, public testing::WithParamInterface<KiviCase> {};

TEST_P(KiviRestated, GivesTheSameOutputs) {
  const KiviCase& c = GetParam();
  const auto side = [&](const char* name, int bits) {
    return bits == 0 ? std::string()
                     : fmt::format(" | {}:kivi(bits={},group={},residual={},every={})", name, bits, c.group, c.residual,
                                   c.every);
  };
  auto p = pool("full" + side("k", c.k_bits) + side("v", c.v_bits), true);
  auto seq = p->create();
  constexpr int kPrompt = 173, kRows = 300, kw = 32, vw = 48;
  const int residual = c.residual + (c.one_row_late ? 32 : 0);
  double worst = 0;
  std::vector<std::vector<double>> keys(2), values(2);  // by head: row by row
  int closed_k = 0, closed_v = 0;
  const auto close = [&](int rows) {
    const int k_until = c.k_bits == 0 ? 0 : closed_k + (rows - closed_k) / residual * residual;
    for (; closed_k < k_until; closed_k += c.group)
      for (auto& k : keys)
        for (int i = 0; i < (c.keys_by_row ? c.group : kw); ++i)
          if (c.keys_by_row)
            round_group(&k[static_cast<size_t>((closed_k + i) * kw)], kw, 1, c.k_bits);
          else
            round_group(&k[static_cast<size_t>(closed_k * kw + i)], c.group, kw, c.k_bits);
    for (; c.v_bits != 0 && rows - closed_v - 32 >= residual; closed_v += 32)
      for (auto& v : values)
        for (int r = closed_v; r < closed_v + 32; ++r)
          for (int d = 0; d < vw; d += c.group)
            round_group(&v[static_cast<size_t>(r * vw + d)], std::min(c.group, vw - d), 1, c.v_bits);
  };
  for (int at = 0; at < kRows;) {
    const int n = at == 0 ? kPrompt : static_cast<int>(std::min<int64_t>(seq->rows_until_event(), kRows - at));
    const auto out = feed(*p, *seq, at, n);
    for (int r = at; r < at + n; ++r) {
      for (int h = 0; h < 2; ++h) {
        for (float x : testkit::turned_head(setup, rows.k, r, 2, h, kw, r))
          keys[static_cast<size_t>(h)].push_back(through_half(static_cast<double>(x)));
        for (int d = 0; d < vw; ++d)
          values[static_cast<size_t>(h)].push_back(
              through_half(static_cast<double>(rows.v[static_cast<size_t>((r * 2 + h) * vw + d)])));
      }
      for (int head = 0; head < 6; ++head) {
        const auto q = testkit::turned_head(setup, rows.q, r, 6, head, kw, r);
        std::vector<double> sum(vw, 0.0);
        double total = 0;
        for (int j = 0; j <= r; ++j) {
          double dot = 0;
          for (int d = 0; d < kw; ++d)
            dot += static_cast<double>(q[static_cast<size_t>(d)]) *
                   keys[static_cast<size_t>(head / 3)][static_cast<size_t>(j * kw + d)];
          const double w = std::exp(dot * static_cast<double>(setup.spec.scale));
          total += w;
          for (int d = 0; d < vw; ++d)
            sum[static_cast<size_t>(d)] += w * values[static_cast<size_t>(head / 3)][static_cast<size_t>(j * vw + d)];
        }
        for (int d = 0; d < vw; ++d)
          worst = std::max(worst,
                           std::abs(sum[static_cast<size_t>(d)] / total -
                                    static_cast<double>(out[static_cast<size_t>((r - at) * 6 * vw + head * vw + d)])));
      }
    }
    at += n;
    if (at == kPrompt)
      seq->end_prompt(), close(at);
    else if (at % c.every == 0)
      close(at);
    const RaggedHead& h = static_cast<RaggedSeq&>(*seq).rows_of(0, 1);
    int k_pages = 0, v_pages = 0;
    for (size_t i = 0; i < h.k_forms.size(); ++i) k_pages += h.k_forms[i] != 0, v_pages += h.v_forms[i] != 0;
    if (c.right) {
      ASSERT_EQ(k_pages * 32, closed_k) << "row " << at;
      ASSERT_EQ(v_pages * 32, closed_v) << "row " << at;
    }
  }
  if (c.right)
    EXPECT_LT(worst, 1e-4);
  else
    EXPECT_GT(worst, 1e-2);
}
INSTANTIATE_TEST_SUITE_P(Forms, KiviRestated, testing::ValuesIn(kKiviCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(RaggedTest, KiviWithinItsResidualIsTheHalfFloatCache) {
  auto p = pool("k:kivi(residual=128) | v:kivi(residual=128)"), plain = pool("ragged");
  EXPECT_EQ(run(*p, *p->create(), 0, 90, 37), run(*plain, *plain->create(), 0, 90, 37));
}

// The codes of whole blocks of keys do not depend on how the rows came.
TEST_F(RaggedTest, KiviCodesArePromptsOrNot) {
  auto p = pool("k:kivi(residual=32) | v:kivi(residual=32,bits=4)");
  auto prompt = p->create(), slowly = p->create();
  run(*p, *prompt, 0, 256, 0);
  run(*p, *slowly, 0, 0, 256);
  for (int h = 0; h < 2; ++h) {
    const RaggedHead &a = static_cast<RaggedSeq&>(*prompt).rows_of(0, h),
                     &b = static_cast<RaggedSeq&>(*slowly).rows_of(0, h);
    ASSERT_EQ(a.k_forms, b.k_forms);
    ASSERT_EQ(a.v_forms, b.v_forms);
    const KvLayer& l = p->layer(0);
    for (size_t page = 0; page < a.k.size(); ++page) {
      EXPECT_TRUE(a.k_forms[page] == 0 ||
                  std::memcmp(a.k[page], b.k[page], l.k_closing.form.key_bytes(a.k_forms[page])) == 0);
      EXPECT_TRUE(a.v_forms[page] == 0 || std::memcmp(a.v[page], b.v[page], l.v_closing.form.value_bytes()) == 0);
    }
  }
}

// Rows that survive hundreds of evictions out of closed pages read as on the day they were closed; dead rows stay few.
TEST_F(RaggedTest, ClosedRowsAreNeverQuantisedAgain) {
  auto p = pool("h2o(budget=256,score=mean) | k:kivi(residual=32) | v:kivi(residual=32)");
  auto seq = p->create();
  run(*p, *seq, 0, 400, 0);
  const KvLayer& l = p->layer(0);
  std::map<std::pair<int, int>, std::vector<float>> known;
  int packed = 0;
  for (int at = 400; at < 700; at += 16) {
    go_on(*p, *seq, at, std::min(16, 700 - at));
    for (int head = 0; head < 2; ++head) {
      const RaggedHead& h = static_cast<RaggedSeq&>(*seq).rows_of(0, head);
      EXPECT_LE(h.rows(), 256 + 16);
      int closed = 0, living = 0;
      for (int64_t page = 0; page < h.pages(); ++page) {
        const size_t i = static_cast<size_t>(page);
        packed += (h.k_forms[i] & kKiviPacked) != 0;
        if (h.k_forms[i] == 0 || h.v_forms[i] == 0) continue;
        closed += 32, living += std::popcount(h.living(page));
        for (int r = 0; r < 32; ++r) {
          if ((h.living(page) >> r & 1) == 0) continue;
          std::vector<float> row(32 + 48);
          kivi_read_key(l.k_closing.form, h.k_forms[i], h.k[i], r, row.data());
          kivi_read_value(l.v_closing.form, h.v[i], r, row.data() + 32);
          const auto [it, fresh] = known.try_emplace({head, h.token[static_cast<size_t>(page * 32 + r)]}, row);
          ASSERT_TRUE(fresh || it->second == row);
        }
      }
      EXPECT_LE((closed - living) * 4, closed + 4 * 32);
    }
  }
  EXPECT_GT(packed, 0);
}

}  // namespace
}  // namespace frugal
