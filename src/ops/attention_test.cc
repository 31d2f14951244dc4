// Cache codecs: what dot and axpy compute against the rows that k_read and v_read give back, on every kernel table, in
// the fast form and the exact one; and attend over pages against the plain reference.
#include "ops/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>

#include "base/half.h"
#include "base/rng.h"
#include "ops/rope.h"

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

// What the fast form multiplies instead of the query, key or value it was given.
double seen(bool rounds, float x) { return static_cast<double>(rounds ? bf16_to_float(float_to_bf16(x)) : x); }
bool bytes_times_bytes(const CodecUnderTest& c) { return c.codec.pairs && std::string(c.codec.name) == "q8"; }

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
      CodecPage copied = again;
      for (int r = 0; r < kPageRows; ++r) {
        c.codec.k_copy(page.keys.data(), width, r, copied.keys.data(), kPageRows - 1 - r);
        c.codec.v_copy(page.values.data(), width, r, copied.values.data(), kPageRows - 1 - r);
      }
      std::vector<float> row(static_cast<size_t>(width));
      for (int r = 0; r < kPageRows; ++r) {
        c.codec.k_read(copied.keys.data(), width, kPageRows - 1 - r, row.data());
        ASSERT_TRUE(std::equal(row.begin(), row.end(), page.read_keys.begin() + r * width));
        c.codec.v_read(copied.values.data(), width, kPageRows - 1 - r, row.data());
        ASSERT_TRUE(std::equal(row.begin(), row.end(), page.read_values.begin() + r * width));
      }
    }
  });
}

std::vector<uint8_t> prepared(const KvCodecKernels& c, const std::vector<float>& q, int width, int n) {
  std::vector<uint8_t> prep(c.prep_bytes(width) * static_cast<size_t>(n));
  for (int i = 0; i < n; ++i)
    c.prepare(&q[static_cast<size_t>(i * width)], width, &prep[c.prep_bytes(width) * static_cast<size_t>(i)]);
  return prep;
}

void expect_dot(const CodecUnderTest& c, const CodecPage& page, int width, int n, uint8_t* scratch) {
  const auto q = normal_like(3, static_cast<size_t>(n * width));
  std::vector<float> scores(static_cast<size_t>(n * kAttendRows));
  c.codec.dot(c.codec.k_open(page.keys.data(), width, scratch), width, prepared(c.codec, q, width, n).data(), n,
              scores.data());
  const bool rounds = c.codec.pairs && !bytes_times_bytes(c);
  for (int i = 0; i < n; ++i)
    for (int r = 0; r < kPageRows; ++r) {
      double sum = 0, size = 0, key_size = 0;
      for (int d = 0; d < width; ++d) {
        const float key = page.read_keys[static_cast<size_t>(r * width + d)];
        const double term = seen(rounds, q[static_cast<size_t>(i * width + d)]) * seen(rounds, key);
        sum += term, size += std::fabs(term), key_size += std::fabs(static_cast<double>(key));
      }
      const double quantised =
          bytes_times_bytes(c) ? key_size * 1.5 / 127 * 0.51 : 0;  // half a step of the query's codes
      ASSERT_NEAR(scores[static_cast<size_t>(i * kAttendRows + r)], sum, 2e-6 * size + quantised)
          << "width " << width << " query " << i << " of " << n << " row " << r;
    }
}

// Weights as axpy takes them.
std::vector<float> weights(const CodecUnderTest& c, const std::vector<float>& p) {
  std::vector<float> rows(p);
  if (!c.codec.pairs) return rows;
  for (size_t i = 0; i < rows.size(); i += kAttendRows)
    for (size_t r = 0; r < kAttendRows; ++r) {
      const uint16_t half = float_to_bf16(p[i + r]);
      std::memcpy(reinterpret_cast<uint8_t*>(&rows[i]) + 2 * r, &half, 2);
    }
  return rows;
}

void expect_axpy(const CodecUnderTest& c, const CodecPage& page, int width, int n, uint8_t* scratch) {
  const auto p = normal_like(4, static_cast<size_t>(n * kAttendRows));
  std::vector<float> acc(static_cast<size_t>(n * width));
  const uint8_t* opened = c.codec.v_open(page.values.data(), width, scratch);
  const uint8_t* pages[] = {opened, opened, opened};  // weights of three pages' rows, on one page
  c.codec.axpy(pages, 3, width, weights(c, p).data(), n, acc.data());
  for (int i = 0; i < n; ++i)
    for (int d = 0; d < width; ++d) {
      double sum = 0, size = 0;
      for (int r = 0; r < 3 * kPageRows; ++r) {
        const double term = seen(c.codec.pairs, p[static_cast<size_t>(i * kAttendRows + r)]) *
                            seen(c.codec.pairs, page.read_values[static_cast<size_t>(r % kPageRows * width + d)]);
        sum += term, size += std::fabs(term);
      }
      ASSERT_NEAR(acc[static_cast<size_t>(i * width + d)], sum, 3e-6 * size)
          << "width " << width << " query " << i << " of " << n << " channel " << d;
    }
}

struct PageScratch {
  std::vector<float> data;
  explicit PageScratch(int width) : data(static_cast<size_t>(kPageRows * width + 16)) {}
  uint8_t* at() { return reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(data.data()) + 63) / 64 * 64); }
};

TEST(Codec, DotAndAxpyMatchDecodedRows) {
  each_codec([](const CodecUnderTest& c) {
    for (int width : kWidths) {
      const auto k = normal_like(6, static_cast<size_t>(kPageRows * width)), v = normal_like(7, k.size());
      const CodecPage page(c.codec, width, k, v);
      PageScratch scratch(width);
      for (int n : {1, 2, 3, 4, 5, 6, 11, 12, 13, 50}) {
        expect_dot(c, page, width, n, scratch.at());
        expect_axpy(c, page, width, n, scratch.at());
      }
    }
  });
}

// Bit for bit the same beside any number of other queries.
TEST(Codec, QueriesDoNotDependOnTheirNeighbours) {
  each_codec([](const CodecUnderTest& c) {
    constexpr int kWidth = 80, kMost = 50;
    const auto k = normal_like(6, kPageRows * kWidth), q = normal_like(8, kMost * kWidth),
               p = normal_like(9, kMost * kAttendRows);
    const CodecPage page(c.codec, kWidth, k, k);
    PageScratch key_scratch(kWidth), value_scratch(kWidth);
    const auto prep = prepared(c.codec, q, kWidth, kMost);
    const auto x = weights(c, p);
    const uint8_t* keys = c.codec.k_open(page.keys.data(), kWidth, key_scratch.at());
    const uint8_t* values = c.codec.v_open(page.values.data(), kWidth, value_scratch.at());
    auto run = [&](int first, int n, float* scores, float* acc) {
      c.codec.dot(keys, kWidth, &prep[c.codec.prep_bytes(kWidth) * static_cast<size_t>(first)], n, scores);
      c.codec.axpy(&values, 1, kWidth, &x[static_cast<size_t>(first * kAttendRows)], n, acc);
    };
    std::vector<float> scores1(kMost * kAttendRows), acc1(kMost * kWidth);
    for (int i = 0; i < kMost; ++i)
      run(i, 1, &scores1[static_cast<size_t>(i * kAttendRows)], &acc1[static_cast<size_t>(i * kWidth)]);
    for (int n = 2; n <= kMost; ++n) {
      std::vector<float> scores(static_cast<size_t>(n * kAttendRows)), acc(static_cast<size_t>(n * kWidth));
      run(0, n, scores.data(), acc.data());
      ASSERT_EQ(std::memcmp(scores.data(), scores1.data(), scores.size() * 4), 0) << n << " queries";
      ASSERT_EQ(std::memcmp(acc.data(), acc1.data(), acc.size() * 4), 0) << n << " queries";
    }
  });
}

// Values beyond a half float's range stay finite: zero weight times them must be zero.
TEST(Codec, HugeValuesStayFinite) {
  each_codec([](const CodecUnderTest& c) {
    const std::vector<float> huge(kPageRows * 16, 1e9f);
    const CodecPage page(c.codec, 16, huge, huge);
    for (float x : page.read_values) ASSERT_TRUE(std::isfinite(x));
  });
}

// Head rotation of every table against the plain one, both orders of pairs, with dimensions that stay.
TEST(Rotate, MatchesPlain) {
  for (const KernelTable* table : kernel_tables())
    for (bool interleaved : {false, true})
      for (int pairs : {1, 4, 8, 16, 20, 32, 40, 64}) {
        RopeTable rope;
        for (int i = 0; i < pairs; ++i) rope.inv_freq.push_back(1.0 / (i + 1));
        rope.interleaved = interleaved;
        std::vector<float> angles(static_cast<size_t>(2 * pairs)),
            plain = normal_like(11, static_cast<size_t>(2 * pairs + 8)), head = plain;
        const int32_t position = 5;
        rope_angles(rope, &position, 1, angles.data());
        rope_rotate(rope, angles.data(), plain.data());
        table->rotate(rope, angles.data(), head.data());
        for (size_t i = 0; i < head.size(); ++i)
          ASSERT_NEAR(head[i], plain[i], 3e-7) << table->name << ", " << pairs << " pairs, " << interleaved;
      }
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
