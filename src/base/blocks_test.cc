// Block formats against goldens of the reference implementations (tests/golden/blocks/SOURCE.txt).
#include "base/blocks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"

namespace frugal {
namespace {

const DType kLegacyTypes[] = {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0};
const DType kKTypes[] = {DType::kQ2_K, DType::kQ3_K, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K};

std::vector<DType> block_types() {
  std::vector<DType> all;
  for (DType t : kLegacyTypes) all.push_back(t);
  for (DType t : kKTypes) all.push_back(t);
  return all;
}

std::string golden_bytes(const std::string& name) {
  std::ifstream in(std::string(FRUGAL_SOURCE_DIR) + "/tests/golden/blocks/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<float> golden_floats(const std::string& name) {
  const std::string bytes = golden_bytes(name);
  std::vector<float> x(bytes.size() / sizeof(float));
  std::memcpy(x.data(), bytes.data(), bytes.size());
  return x;
}

std::string quantised(DType t, const std::vector<float>& x) {
  std::string bytes(row_bytes(t, static_cast<int64_t>(x.size())), '\0');
  quantise_row(t, x.data(), bytes.data(), static_cast<int64_t>(x.size()));
  return bytes;
}

std::vector<float> dequantised(DType t, const std::string& bytes) {
  const DTypeInfo& i = info(t);
  std::vector<float> x(bytes.size() / static_cast<size_t>(i.bytes) * static_cast<size_t>(i.block));
  dequantise_row(t, bytes.data(), x.data(), static_cast<int64_t>(x.size()));
  return x;
}

double rmse(const std::vector<float>& a, const std::vector<float>& b, size_t first, size_t count) {
  double sum = 0;
  for (size_t k = first; k < first + count; ++k) sum += (a[k] - b[k]) * (a[k] - b[k]);
  return std::sqrt(sum / static_cast<double>(count));
}

TEST(Blocks, DequantiseIsBitExact) {
  for (DType t : block_types()) {
    const std::string name = info(t).name;
    const std::vector<float> expected = golden_floats(name + ".random.f32");
    const std::vector<float> found = dequantised(t, golden_bytes(name + ".random"));
    ASSERT_EQ(found.size(), 512u);
    EXPECT_EQ(std::memcmp(found.data(), expected.data(), 512 * sizeof(float)), 0) << name;
  }
}

TEST(Blocks, LegacyQuantisersAreBitExact) {
  const std::vector<float> x = golden_floats("input.f32");
  ASSERT_EQ(x.size(), 2048u);
  for (DType t : kLegacyTypes)
    EXPECT_EQ(quantised(t, x), golden_bytes(info(t).name + std::string(".quantised"))) << info(t).name;
}

TEST(Blocks, KQuantisersAreAsGoodAsTheReference) {
  const std::vector<float> x = golden_floats("input.f32");
  for (DType t : kKTypes) {
    const std::vector<float> ours = dequantised(t, quantised(t, x));
    const std::vector<float> reference = dequantised(t, golden_bytes(info(t).name + std::string(".quantised")));
    for (size_t row = 0; row < 8; ++row)
      EXPECT_LE(rmse(x, ours, 256 * row, 256), 1.01 * rmse(x, reference, 256 * row, 256) + 1e-12)
          << info(t).name << " row " << row;
  }
}

// Quantising what was read from blocks of a legacy type finds the same values again.
TEST(Blocks, QuantisedValuesAreKept) {
  const std::vector<float> x = golden_floats("input.f32");
  for (DType t : {DType::kQ4_1, DType::kQ5_1, DType::kQ8_0, DType::kF16, DType::kBF16}) {
    const std::vector<float> once = dequantised(t, quantised(t, x)), twice = dequantised(t, quantised(t, once));
    for (size_t k = 0; k < x.size(); ++k)
      ASSERT_NEAR(once[k], twice[k], 2e-3f * std::fabs(once[k]) + 1e-4f) << info(t).name << " " << k;
  }
}

TEST(Blocks, OddValuesDoNoHarm) {
  std::vector<float> x(256, std::numeric_limits<float>::quiet_NaN());
  for (size_t k = 0; k < 256; k += 3) x[k] = std::numeric_limits<float>::infinity();
  for (size_t k = 1; k < 256; k += 3) x[k] = -3e38f;
  for (DType t : block_types()) EXPECT_EQ(quantised(t, x).size(), row_bytes(t, 256)) << info(t).name;
}

TEST(Blocks, IntegersAreRefused) {
  EXPECT_FALSE(can_quantise(DType::kI32));
  EXPECT_TRUE(can_quantise(DType::kQ4_K));
  float x[2] = {1, 2};
  EXPECT_THROW(quantise_row(DType::kI32, x, x, 2), Error);
  EXPECT_THROW(dequantise_row(DType::kI32, x, x, 2), Error);
}

}  // namespace
}  // namespace frugal
