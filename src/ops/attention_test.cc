// Cache codecs: what dot and axpy compute against the rows that k_read and v_read give back, on every kernel table, in
// the fast form and the exact one; and attend over pages against the plain reference.
#include "ops/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "base/half.h"
#include "base/rng.h"

namespace frugal {
namespace {

constexpr int kWidths[] = {16, 32, 64, 80, 96, 128, 256};

std::vector<float> normal_like(uint64_t seed, size_t n, float size = 1.0f) {
  Stream random = stream(seed, 3, Purpose::kTest);
  std::vector<float> x(n);
  for (float& v : x) v = size * (random.uniform() + random.uniform() + random.uniform() - 1.5f);
  return x;
}

// One page of keys and one of values, written row by row, with what can be read back.
struct CodecPage {
  std::vector<uint8_t> keys, values;
  std::vector<float> read_keys, read_values;  // 32 x width
  CodecPage(const KvCodecKernels& c, int width, const std::vector<float>& k, const std::vector<float>& v)
      : keys(c.k_page_bytes(width)), values(c.v_page_bytes(width)), read_keys(k.size()), read_values(v.size()) {
    for (int r = 0; r < kPageRows; ++r) {
      c.k_write(&k[static_cast<size_t>(r * width)], width, keys.data(), r);
      c.v_write(&v[static_cast<size_t>(r * width)], width, values.data(), r);
    }
    for (int r = 0; r < kPageRows; ++r) {
      c.k_read(keys.data(), width, r, &read_keys[static_cast<size_t>(r * width)]);
      c.v_read(values.data(), width, r, &read_values[static_cast<size_t>(r * width)]);
    }
  }
};

struct CodecUnderTest {
  const KernelTable& table;
  const KvCodecKernels& codec;
  bool exact;  // float32 arithmetic; else the fast form may round its inputs to bf16
};

void each_codec(const std::function<void(const CodecUnderTest&)>& f) {
  for (const KernelTable* table : kernel_tables())
    for (int i = 0; i < table->codec_count; ++i)
      for (bool exact : {true, false}) {
        const KvCodecKernels& codec = exact ? table->exact_codecs[i] : table->codecs[i];
        SCOPED_TRACE(std::string(table->name) + " " + codec.name + (exact ? " exact" : " fast"));
        f({*table, codec, exact});
      }
}

bool rounds_to_bf16(const CodecUnderTest& c) { return c.codec.prep_bytes(16) == 32; }
double seen(const CodecUnderTest& c, float x) {
  return rounds_to_bf16(c) ? static_cast<double>(bf16_to_float(float_to_bf16(x))) : static_cast<double>(x);
}

// What a codec may lose when it stores a row: relative to the value, or for q8 to the group's largest.
double stored_error(const std::string& name, float value, float largest) {
  if (name == "f32") return 0;
  if (name == "f16") return std::fabs(value) * 0x1p-11 + 0x1p-25;
  if (name == "bf16") return std::fabs(value) * 0x1p-8;
  return largest / 127 * 0.51 + 1e-3 * largest / 127;
}

TEST(Codec, ReadsBackWhatWasWritten) {
  each_codec([](const CodecUnderTest& c) {
    for (int width : kWidths) {
      const auto k = normal_like(1, static_cast<size_t>(kPageRows * width)), v = normal_like(2, k.size());
      const CodecPage page(c.codec, width, k, v);
      for (size_t i = 0; i < k.size(); ++i) {
        ASSERT_NEAR(page.read_keys[i], k[i], stored_error(c.codec.name, k[i], 1.5f)) << width;
        ASSERT_NEAR(page.read_values[i], v[i], stored_error(c.codec.name, v[i], 1.5f)) << width;
      }
      // What was read goes in again unchanged: rows move without loss.
      const CodecPage again(c.codec, width, page.read_keys, page.read_values);
      ASSERT_EQ(again.read_keys, page.read_keys);
      ASSERT_EQ(again.read_values, page.read_values);
    }
  });
}

std::vector<uint8_t> prepared(const KvCodecKernels& c, const std::vector<float>& q, int width, int n) {
  std::vector<uint8_t> prep(c.prep_bytes(width) * static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) c.prepare(&q[static_cast<size_t>(i * width)], width, &prep[c.prep_bytes(width) * static_cast<size_t>(i)]);
  return prep;
}

void expect_dot(const CodecUnderTest& c, const CodecPage& page, int width, int n, std::vector<uint8_t>& scratch) {
  const auto q = normal_like(3, static_cast<size_t>(n * width));
  std::vector<float> scores(static_cast<size_t>(n * kPageRows));
  c.codec.dot(page.keys.data(), width, prepared(c.codec, q, width, n).data(), n, scores.data(), kPageRows, scratch.data());
  for (int i = 0; i < n; ++i)
    for (int r = 0; r < kPageRows; ++r) {
      double sum = 0, size = 0;
      for (int d = 0; d < width; ++d) {
        const double term = seen(c, q[static_cast<size_t>(i * width + d)]) * seen(c, page.read_keys[static_cast<size_t>(r * width + d)]);
        sum += term, size += std::fabs(term);
      }
      ASSERT_NEAR(scores[static_cast<size_t>(i * kPageRows + r)], sum, 2e-6 * size) << "width " << width << " query " << i << " of " << n << " row " << r;
    }
}

void expect_axpy(const CodecUnderTest& c, const CodecPage& page, int width, int n, std::vector<uint8_t>& scratch) {
  const auto p = normal_like(4, static_cast<size_t>(n * kPageRows)), before = normal_like(5, static_cast<size_t>(n * width));
  std::vector<float> overwritten = p, acc = before;
  c.codec.axpy(page.values.data(), width, overwritten.data(), kPageRows, n, acc.data(), scratch.data());
  for (int i = 0; i < n; ++i)
    for (int d = 0; d < width; ++d) {
      double sum = before[static_cast<size_t>(i * width + d)], size = std::fabs(sum);
      for (int r = 0; r < kPageRows; ++r) {
        const double term = seen(c, p[static_cast<size_t>(i * kPageRows + r)]) * seen(c, page.read_values[static_cast<size_t>(r * width + d)]);
        sum += term, size += std::fabs(term);
      }
      ASSERT_NEAR(acc[static_cast<size_t>(i * width + d)], sum, 2e-6 * size) << "width " << width << " query " << i << " of " << n << " channel " << d;
    }
}

TEST(Codec, DotAndAxpyMatchDecodedRows) {
  each_codec([](const CodecUnderTest& c) {
    for (int width : kWidths) {
      const auto k = normal_like(6, static_cast<size_t>(kPageRows * width)), v = normal_like(7, k.size());
      const CodecPage page(c.codec, width, k, v);
      std::vector<uint8_t> scratch(attend_page_scratch(width));
      for (int n : {1, 2, 3, 4, 5, 6, 11, 12, 13, 50}) {
        expect_dot(c, page, width, n, scratch);
        expect_axpy(c, page, width, n, scratch);
      }
    }
  });
}

// Bit for bit the same beside any number of other queries.
TEST(Codec, QueriesDoNotDependOnTheirNeighbours) {
  each_codec([](const CodecUnderTest& c) {
    constexpr int kWidth = 80, kMost = 50;
    const auto k = normal_like(6, kPageRows * kWidth), q = normal_like(8, kMost * kWidth), p = normal_like(9, kMost * kPageRows);
    const CodecPage page(c.codec, kWidth, k, k);
    std::vector<uint8_t> scratch(attend_page_scratch(kWidth));
    const auto prep = prepared(c.codec, q, kWidth, kMost);
    auto run = [&](int first, int n, float* scores, float* acc) {
      c.codec.dot(page.keys.data(), kWidth, &prep[c.codec.prep_bytes(kWidth) * static_cast<size_t>(first)], n, scores, kPageRows, scratch.data());
      std::vector<float> x(p.begin() + first * kPageRows, p.begin() + (first + n) * kPageRows);
      c.codec.axpy(page.values.data(), kWidth, x.data(), kPageRows, n, acc, scratch.data());
    };
    std::vector<float> scores1(kMost * kPageRows), acc1(kMost * kWidth, 0.5f);
    for (int i = 0; i < kMost; ++i) run(i, 1, &scores1[static_cast<size_t>(i * kPageRows)], &acc1[static_cast<size_t>(i * kWidth)]);
    for (int n = 2; n <= kMost; ++n) {
      std::vector<float> scores(static_cast<size_t>(n * kPageRows)), acc(static_cast<size_t>(n * kWidth), 0.5f);
      run(0, n, scores.data(), acc.data());
      ASSERT_EQ(std::memcmp(scores.data(), scores1.data(), scores.size() * 4), 0) << n << " queries";
      ASSERT_EQ(std::memcmp(acc.data(), acc1.data(), acc.size() * 4), 0) << n << " queries";
    }
  });
}

TEST(AttentionReference, KnownValues) {
  const float q[2] = {1, 0}, keys[6] = {0, 5, std::log(3.0f), 5, 99, 5}, values[3] = {0, 4, 1000};
  const float hide_last[3] = {0, 0, -std::numeric_limits<float>::infinity()};
  float out = -1;
  attention_reference(q, keys, values, 3, 2, 1, 0, hide_last, &out);
  EXPECT_NEAR(out, 3.0f, 1e-6f);  // weights 1/4 and 3/4
  const float hide_all[3] = {hide_last[2], hide_last[2], hide_last[2]};
  attention_reference(q, keys, values, 3, 2, 1, 0, hide_all, &out);
  EXPECT_EQ(out, 0.0f);
}

}  // namespace
}  // namespace frugal
