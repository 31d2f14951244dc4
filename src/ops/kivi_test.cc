// Closed pages: the error bound of their rounding, packing of rows with their codes as they are, and the kernels that
// open them against the plain reader, for every table, form and odd width.
#include "ops/kivi.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/half.h"
#include "base/rng.h"
#include "ops/attention.h"

namespace frugal {
namespace {

struct KiviPages : testing::TestWithParam<std::tuple<int, int, int>> {  // bits, group, channels
  int width = (std::get<2>(GetParam()) + 15) / 16 * 16;
  KiviForm form{std::get<0>(GetParam()), std::get<1>(GetParam()), width, std::get<2>(GetParam())};
  // Rows of channels with an outlier, a constant and a huge channel; the padding is zeros.
  std::vector<float> rows(uint64_t seed) const {
    Stream random = stream(seed, 1, Purpose::kTest);
    std::vector<float> x(static_cast<size_t>(32 * width), 0.0f);
    for (int r = 0; r < 32; ++r)
      for (int d = 0; d < form.used; ++d) {
        float& value = x[static_cast<size_t>(r * width + d)];
        value = 2 * random.uniform() - 1;
        if (d == 1) value = 3.25f;
        if (d == 2) value = 50 + value;
        if (d == 3) value *= 3000;
      }
    return x;
  }
  std::vector<float> by_channel(const std::vector<float>& x) const {
    std::vector<float> y(x.size());
    for (int r = 0; r < 32; ++r)
      for (int d = 0; d < width; ++d) y[static_cast<size_t>(d * 32 + r)] = x[static_cast<size_t>(r * width + d)];
    return y;
  }
  std::vector<uint8_t> keys(uint64_t seed) const {
    std::vector<uint8_t> page(form.key_bytes(form.key_form()));
    kivi_close_keys(form, by_channel(rows(seed)).data(), page.data());
    return page;
  }
  // Half a step, and what the half floats of the parameters lose.
  void expect_close(float found, float x, float low, float high) const {
    const float most = static_cast<float>((1 << form.bits) - 1), step = (high - low) / most;
    ASSERT_LE(std::abs(found - x), step / 2 + std::ldexp(std::abs(low) + most * step, -10) + 1e-7f)
        << x << " in [" << low << ", " << high << "]";
  }
};

TEST_P(KiviPages, KeysStayWithinHalfAStepOfTheirChannelsGroup) {
  const auto x = rows(5);
  const auto page = keys(5);
  std::vector<float> row(static_cast<size_t>(width));
  for (int r = 0; r < 32; ++r) {
    kivi_read_key(form, form.key_form(), page.data(), r, row.data());
    for (int d = 0; d < form.used; ++d) {
      float low = INFINITY, high = -INFINITY;
      for (int i = r / form.group * form.group; i < (r / form.group + 1) * form.group; ++i) {
        low = std::min(low, x[static_cast<size_t>(i * width + d)]);
        high = std::max(high, x[static_cast<size_t>(i * width + d)]);
      }
      expect_close(row[static_cast<size_t>(d)], x[static_cast<size_t>(r * width + d)], low, high);
    }
    EXPECT_EQ(row[1], 3.25f) << "a constant channel comes back exactly";
  }
}

TEST_P(KiviPages, ValuesStayWithinHalfAStepOfTheirRowsGroup) {
  const auto x = rows(6);
  std::vector<uint8_t> page(form.value_bytes());
  kivi_close_values(form, x.data(), page.data());
  std::vector<float> row(static_cast<size_t>(width));
  for (int r = 0; r < 32; ++r) {
    kivi_read_value(form, page.data(), r, row.data());
    for (int d = 0; d < form.used; ++d) {
      const int first = d / form.group * form.group, last = std::min(first + form.group, form.used);
      const auto [low, high] = std::minmax_element(x.begin() + r * width + first, x.begin() + r * width + last);
      expect_close(row[static_cast<size_t>(d)], x[static_cast<size_t>(r * width + d)], *low, *high);
    }
  }
}

// Rows of two pages in one, and of that one and a third: every row reads as it did.
// A saved cache may hold anything (found by fuzzing under the sanitizers).
TEST_P(KiviPages, WhatIsNoNumberStaysInItsChannel) {
  auto odd = rows(5);
  odd[0] = NAN, odd[static_cast<size_t>(width)] = INFINITY;
  const auto good = keys(5);
  std::vector<uint8_t> page(form.key_bytes(form.key_form()));
  kivi_close_keys(form, by_channel(odd).data(), page.data());
  std::vector<float> expected(static_cast<size_t>(width)), found = expected;
  for (int r = 0; r < 32; ++r) {
    kivi_read_key(form, form.key_form(), good.data(), r, expected.data());
    kivi_read_key(form, form.key_form(), page.data(), r, found.data());
    for (int d = 1; d < form.used; ++d) ASSERT_EQ(found[static_cast<size_t>(d)], expected[static_cast<size_t>(d)]);
  }
}

TEST_P(KiviPages, PackedRowsKeepTheirCodes) {
  const auto a = keys(1), b = keys(2), c = keys(3);
  const uint8_t fresh = form.key_form();
  std::vector<uint8_t> first(form.key_bytes(32 | kKiviPacked)), second(first.size());
  std::vector<float> expected(static_cast<size_t>(width)), found(expected.size());
  KiviPacker one(form, first.data(), 32);
  for (int r = 0; r < 16; ++r) one.add((r % 3 == 0 ? a : b).data(), fresh, r, r);
  KiviPacker two(form, second.data(), 32);
  for (int r = 0; r < 16; ++r) two.add(first.data(), 32 | kKiviPacked, 15 - r, r);
  for (int r = 16; r < 32; ++r) two.add(c.data(), fresh, r, r);
  for (int r = 0; r < 32; ++r) {
    const int was = r < 16 ? 15 - r : r;
    kivi_read_key(form, fresh, (r >= 16 ? c : was % 3 == 0 ? a : b).data(), was, expected.data());
    kivi_read_key(form, 32 | kKiviPacked, second.data(), r, found.data());
    EXPECT_EQ(found, expected) << r;
  }
  std::vector<uint8_t> values(form.value_bytes()), moved(form.value_bytes());
  kivi_close_values(form, rows(4).data(), values.data());
  for (int r = 0; r < 32; ++r) kivi_move_value(form, values.data(), r, moved.data(), 31 - r);
  for (int r = 0; r < 32; ++r) {
    kivi_read_value(form, values.data(), r, expected.data());
    kivi_read_value(form, moved.data(), 31 - r, found.data());
    EXPECT_EQ(found, expected) << r;
  }
}

// Opened as floats, or as bf16 pairs: keys [width / 2][32][2], values [16][width][2].
TEST_P(KiviPages, KernelsOpenWhatThePlainReaderReads) {
  std::vector<uint8_t> packed(form.key_bytes(7 | kKiviPacked));
  const auto a = keys(1), b = keys(2);
  KiviPacker packer(form, packed.data(), 7);
  for (int r = 0; r < 32; ++r)
    packer.add((r / 6 % 2 == 0 ? a : b).data(), form.key_form(), form.group == 32 ? r : r % 16, r);
  std::vector<uint8_t> values(form.value_bytes());
  kivi_close_values(form, rows(4).data(), values.data());
  alignas(64) static uint8_t scratch[1024 * 32 * 4];
  std::vector<float> row(static_cast<size_t>(width));
  for (const KernelTable* table : kernel_tables())
    for (bool exact : {true, false}) {
      const KvClosedKernels& k = *table->find_closed(form.bits, exact);
      const bool pairs = !exact && table->find_codec("f16")->pairs;
      SCOPED_TRACE(std::string(table->name) + (exact ? " exact" : ""));
      const auto at = [&](const uint8_t* opened, size_t place) {
        return pairs ? bf16_to_float(reinterpret_cast<const uint16_t*>(opened)[place])
                     : reinterpret_cast<const float*>(opened)[place];
      };
      const auto near = [&](float found, float expected) {
        ASSERT_NEAR(found, expected, (pairs ? 1.0f / 250 : 1e-6f) * std::abs(expected) + 1e-6f);
      };
      for (const auto& [page, page_form] : {std::pair<const std::vector<uint8_t>*, uint8_t>{&a, form.key_form()},
                                            {&packed, static_cast<uint8_t>(7 | kKiviPacked)}}) {
        const uint8_t* opened = k.k_open(page->data(), width, page_form, scratch);
        for (int r = 0; r < 32; ++r) {
          kivi_read_key(form, page_form, page->data(), r, row.data());
          for (int d = 0; d < width; ++d)
            near(at(opened, static_cast<size_t>(pairs ? (d / 2 * 32 + r) * 2 + d % 2 : d * 32 + r)),
                 row[static_cast<size_t>(d)]);
        }
      }
      const uint8_t* opened = k.v_open(values.data(), width, form.groups(), form.group, scratch);
      for (int r = 0; r < 32; ++r) {
        kivi_read_value(form, values.data(), r, row.data());
        for (int d = 0; d < form.used; ++d)
          near(at(opened, static_cast<size_t>(pairs ? (r / 2 * width + d) * 2 + r % 2 : r * width + d)),
               row[static_cast<size_t>(d)]);
      }
    }
}

// Pages met as they are: scores and weighted sums of several queries against the plain reader, each query's bits
// whatever stands beside it.
TEST_P(KiviPages, KernelsMeetClosedPagesAsTheyAre) {
  constexpr int kQueries = 8;
  std::vector<uint8_t> packed(form.key_bytes(4 | kKiviPacked)), values(form.value_bytes());
  const auto fresh = keys(1), other = keys(2);
  KiviPacker packer(form, packed.data(), 4);
  for (int r = 0; r < 32; ++r)
    packer.add((r < 11 || r > 27 ? fresh : other).data(), form.key_form(), form.group == 32 ? r : r % 16, r);
  kivi_close_values(form, rows(4).data(), values.data());
  Stream random = stream(3, 1, Purpose::kTest);
  std::vector<float> q(static_cast<size_t>(kQueries * width), 0.0f), row(static_cast<size_t>(width));
  std::vector<float> scores(kQueries * kAttendRows), alone(kAttendRows);
  for (int i = 0; i < kQueries; ++i)
    for (int d = 0; d < form.used; ++d)
      q[static_cast<size_t>(i * width + d)] = d == 3 ? 1e-3f * random.uniform() : random.uniform() - 0.5f;
  for (const KernelTable* table : kernel_tables()) {
    const KvClosedKernels& k = *table->find_closed(form.bits);
    if (k.k_dot == nullptr) continue;
    const KvCodecKernels& half = *table->find_codec("f16");
    std::vector<uint8_t> prep(kQueries * half.prep_bytes(width));
    for (int i = 0; i < kQueries; ++i)
      half.prepare(&q[static_cast<size_t>(i * width)], width, &prep[static_cast<size_t>(i) * half.prep_bytes(width)]);
    for (const auto& [page, page_form] : {std::pair<const std::vector<uint8_t>*, uint8_t>{&fresh, form.key_form()},
                                          {&packed, static_cast<uint8_t>(4 | kKiviPacked)}}) {
      ASSERT_TRUE(k.k_dot(page->data(), width, page_form, prep.data(), kQueries, scores.data()));
      for (int i = 0; i < kQueries; ++i) {
        ASSERT_TRUE(k.k_dot(page->data(), width, page_form, &prep[static_cast<size_t>(i) * half.prep_bytes(width)], 1,
                            alone.data()));
        for (int r = 0; r < 32; ++r) {
          kivi_read_key(form, page_form, page->data(), r, row.data());
          double expected = 0, size = 0;
          for (int d = 0; d < width; ++d) {
            const double term = static_cast<double>(row[static_cast<size_t>(d)]) *
                                static_cast<double>(q[static_cast<size_t>(i * width + d)]);
            expected += term, size += std::abs(term);
          }
          ASSERT_NEAR(scores[static_cast<size_t>(i * kAttendRows + r)], expected, size / 100 + 0.05)
              << "query " << i << " row " << r;
          ASSERT_EQ(scores[static_cast<size_t>(i * kAttendRows + r)], alone[static_cast<size_t>(r)]);
        }
      }
    }
    // Weights as bf16 in the first half of each row of scores, an eighth each of powers of two, so that they are exact.
    std::vector<float> weights(kQueries * kAttendRows), acc(static_cast<size_t>(kQueries * width), 0.5f),
        one(static_cast<size_t>(width), 0.5f);
    const auto weight = [](int i, int r) { return std::ldexp(1.0f, -((i + r) % 5)); };
    for (int i = 0; i < kQueries; ++i)
      for (int r = 0; r < 32; ++r)
        reinterpret_cast<uint16_t*>(&weights[static_cast<size_t>(i * kAttendRows)])[r] = float_to_bf16(weight(i, r));
    k.v_axpy(values.data(), width, form.groups(), form.group, weights.data(), kQueries, acc.data());
    k.v_axpy(values.data(), width, form.groups(), form.group, &weights[2 * kAttendRows], 1, one.data());
    for (int d = 0; d < width; ++d) ASSERT_EQ(one[static_cast<size_t>(d)], acc[static_cast<size_t>(2 * width + d)]);
    for (int i = 0; i < kQueries; ++i) {
      std::vector<double> expected(static_cast<size_t>(width), 0.5), size(static_cast<size_t>(width), 0.0);
      for (int r = 0; r < 32; ++r) {
        kivi_read_value(form, values.data(), r, row.data());
        for (size_t d = 0; d < row.size(); ++d) {
          expected[d] += static_cast<double>(row[d]) * static_cast<double>(weight(i, r));
          size[d] = std::max(size[d], std::abs(static_cast<double>(row[d])));
        }
      }
      // Half a step of bf16 for the largest code and for the offset's float sum, in a group whose span is up to 6,000.
      for (int d = 0; d < form.used; ++d)
        ASSERT_NEAR(acc[static_cast<size_t>(i * width + d)], expected[static_cast<size_t>(d)],
                    40 + size[static_cast<size_t>(d)] / 20)
            << d;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, KiviPages,
                         testing::Combine(testing::Values(2, 4), testing::Values(16, 32),
                                          testing::Values(8, 24, 64, 80, 128)));

}  // namespace
}  // namespace frugal
