// Views become tensors and back without a value changing.
#include "tensor/bridge.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/item.h>
#include <gtest/gtest.h>

#include "base/blocks.h"
#include "base/error.h"

namespace frugal {
namespace {

// Stored in dtype from floats that it holds exactly enough; returns the bytes.
std::vector<std::byte> stored(DType dtype, const std::vector<float>& values) {
  std::vector<std::byte> bytes(row_bytes(dtype, static_cast<int64_t>(values.size())));
  quantise_row(dtype, values.data(), bytes.data(), static_cast<int64_t>(values.size()));
  return bytes;
}

class Bridge : public testing::TestWithParam<DType> {};
TEST_P(Bridge, ValuesAreThePlainDequantisation) {
  std::vector<float> values(512);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(static_cast<int>(i * 37 % 101) - 50) / 8;
  const auto bytes = stored(GetParam(), values);
  const TensorView view{"w", GetParam(), {2, 256}, bytes.data(), bytes.size()};
  std::vector<float> plain(512);
  dequantise_row(GetParam(), bytes.data(), plain.data(), 512);
  for (at::ScalarType type : {at::kFloat, at::kDouble}) {
    const at::Tensor t = to_tensor(view, type);
    EXPECT_EQ(t.scalar_type(), type);
    EXPECT_EQ(t.sizes(), (at::IntArrayRef{2, 256}));
    for (int64_t i = 0; i < 512; ++i) ASSERT_EQ(t[i / 256][i % 256].item<double>(), plain[static_cast<size_t>(i)]) << i;
  }
}
INSTANTIATE_TEST_SUITE_P(All, Bridge,
                         testing::Values(DType::kF32, DType::kF16, DType::kBF16, DType::kQ4_1, DType::kQ8_0,
                                         DType::kQ6_K));

TEST(BridgeViews, DoubleKeepsItsDigitsAndBack) {
  const std::vector<double> values = {1.0 / 3, -2.0 / 7, 1e-300, 4, 5, 6};
  const at::Tensor t = to_tensor(std::span(values), {2, 3});
  const TensorView view = to_view(t, "t");
  EXPECT_EQ(view.dtype, DType::kF64);
  EXPECT_EQ(view.shape, (std::vector<int64_t>{2, 3}));
  const at::Tensor again = to_tensor(view, at::kDouble);
  EXPECT_NE(again.const_data_ptr(), t.const_data_ptr());
  EXPECT_TRUE(again.equal(t));
}

TEST(BridgeViews, RefusesWhatDoesNotFit) {
  const std::vector<float> six(6);
  EXPECT_THROW(to_tensor(std::span(six), {2, 4}), Error);
  const TensorView torn{"torn", DType::kF32, {2, 3}, reinterpret_cast<const std::byte*>(six.data()), 20};
  EXPECT_THROW(to_tensor(torn, at::kFloat), Error);
  EXPECT_THROW(to_tensor(TensorView{"h", DType::kF32, {2, 3}, torn.data, 24}, at::kHalf), Error);
  EXPECT_THROW(to_view(to_tensor(std::span(six), {2, 3}).t()), Error);
  const std::vector<int32_t> whole = {1};
  EXPECT_EQ(to_view(to_tensor(std::span(whole), {1})).dtype, DType::kI32);
}

}  // namespace
}  // namespace frugal
