// Packed matrices times activations, every format x form x kernel table, against a double-precision restatement; and
// the row contract, bit for bit: neither the rows beside it in a tile nor the range of panels changes a result.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/blocks.h"
#include "base/half.h"
#include "base/rng.h"
#include "ops/kernels.h"
#include "ops/pack.h"

namespace frugal {
namespace {

constexpr DType kPackable[] = {DType::kF32,  DType::kF16,  DType::kBF16, DType::kQ4_0, DType::kQ4_1, DType::kQ5_0,
                               DType::kQ5_1, DType::kQ8_0, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K};

float between(Stream& random, float low, float high) { return low + (high - low) * random.uniform(); }

std::vector<float> random_floats(uint64_t seed, size_t n, float scale = 1.0f) {
  Stream random = stream(seed, 0, Purpose::kTest);
  std::vector<float> x(n);
  for (float& v : x) v = between(random, -scale, scale);
  return x;
}

// Where a block keeps its half floats.
std::vector<size_t> half_offsets(DType dtype) {
  switch (dtype) {
    case DType::kQ4_1:
    case DType::kQ5_1:
    case DType::kQ4_K:
    case DType::kQ5_K: return {0, 2};
    case DType::kQ6_K: return {208};
    default: return {0};
  }
}

// Rows of a file: every bit of a block is random, but for scales of a sane size.
std::vector<std::byte> random_rows(DType dtype, int64_t rows, int64_t cols, uint64_t seed) {
  Stream random = stream(seed, 1, Purpose::kTest);
  std::vector<std::byte> data(static_cast<size_t>(rows) * row_bytes(dtype, cols));
  if (!is_quantised(dtype)) {
    const auto values = random_floats(seed, static_cast<size_t>(rows * cols));
    for (size_t i = 0; i < values.size(); ++i) {
      const uint16_t half = dtype == DType::kF16 ? float_to_f16(values[i]) : float_to_bf16(values[i]);
      if (dtype == DType::kF32)
        std::memcpy(&data[i * 4], &values[i], 4);
      else
        std::memcpy(&data[i * 2], &half, 2);
    }
    return data;
  }
  for (std::byte& b : data) b = static_cast<std::byte>(random.bits() & 255);
  for (size_t block = 0; block < data.size(); block += static_cast<size_t>(info(dtype).bytes))
    for (size_t offset : half_offsets(dtype)) {
      const uint16_t half = float_to_f16(between(random, 0.001f, 0.01f));
      std::memcpy(&data[block + offset], &half, 2);
    }
  return data;
}

struct Matrix {
  std::vector<float> values;  // dequantised, rows x cols
  std::vector<uint8_t> memory;
  PackedMatrix packed;
  Matrix(DType dtype, int64_t rows, int64_t cols, uint64_t seed) : values(static_cast<size_t>(rows * cols)) {
    const auto file = random_rows(dtype, rows, cols, seed);
    const size_t stride = row_bytes(dtype, cols);
    for (int64_t r = 0; r < rows; ++r)
      dequantise_row(dtype, &file[static_cast<size_t>(r) * stride], &values[static_cast<size_t>(r * cols)], cols);
    packed = {dtype, rows, cols, packed_panel_bytes(dtype, cols), nullptr};
    memory.resize(packed.panel_bytes * static_cast<size_t>(packed.panels()));
    packed.data = memory.data();
    for (int64_t p = 0; p < packed.panels(); ++p)
      pack_panel(dtype, &file[static_cast<size_t>(p * kPanel) * stride], stride,
                 static_cast<int>(std::min<int64_t>(kPanel, rows - p * kPanel)), cols,
                 memory.data() + static_cast<size_t>(p) * packed.panel_bytes);
  }
};

std::vector<ActForm> forms_of(DType dtype, const KernelTable& table) {
  std::vector<ActForm> forms = {ActForm::kF32};
  if (natural_form(dtype, table) != ActForm::kF32) forms.push_back(natural_form(dtype, table));
  return forms;
}

std::vector<int64_t> columns_of(DType dtype) {
  if (info(dtype).block == 256) return {256, 512};
  if (is_quantised(dtype)) return {32, 256, 576};
  return {7, 32, 256, 576};  // plain types take any number
}

// The activations that a form really multiplies.
std::vector<float> as_multiplied(ActForm form, const float* x, int64_t n) {
  std::vector<float> seen(x, x + n);
  if (form == ActForm::kBF16)
    for (float& v : seen) v = bf16_to_float(float_to_bf16(v));
  for (int64_t b = 0; form == ActForm::kInt8 && b < n; b += 32) {
    float largest = 0;
    for (int64_t k = b; k < b + 32; ++k) largest = std::max(largest, std::fabs(x[k]));
    const float d = largest / 127.0f, inverse = largest > 0 ? 127.0f / largest : 0.0f;
    for (int64_t k = b; k < b + 32; ++k) seen[static_cast<size_t>(k)] = d * std::nearbyintf(x[k] * inverse);
  }
  return seen;
}

struct Expected {
  double value = 0, size = 0;  // size: sum of the terms' magnitudes, which bounds what rounding may do
};
Expected product(const Matrix& w, ActForm form, int64_t row, const std::vector<float>& seen) {
  Expected e;
  for (int64_t k = 0; k < w.packed.cols; ++k) {
    float value = w.values[static_cast<size_t>(row * w.packed.cols + k)];
    if (form == ActForm::kBF16) value = bf16_to_float(float_to_bf16(value));
    const double term = static_cast<double>(value) * static_cast<double>(seen[static_cast<size_t>(k)]);
    e.value += term;
    e.size += std::fabs(term);
  }
  return e;
}

// All m rows of x in tiles of kTile, panels [p0, p1).
void run_linear(const KernelTable& k, const Matrix& w, const Matrix* up, ActForm form, const float* x, int m,
                int64_t p0, int64_t p1, Epilogue e, float* out) {
  const int64_t cols = w.packed.cols, stride = w.packed.rows;
  const float* residual = e.residual;
  for (int first = 0; first < m; first += kTile) {
    const int n = std::min(kTile, m - first);
    std::vector<uint8_t> tile(act_tile_bytes(form, cols, n));
    for (int t = 0; t < n; ++t) k.prepare(form, x + (first + t) * cols, cols, 0, cols, t, n, tile.data());
    if (residual != nullptr) e.residual = residual + first * stride;
    if (up != nullptr)
      k.linear_gated(w.packed, up->packed, Activation::kSilu, form, tile.data(), n, p0, p1, out + first * stride,
                     stride);
    else
      k.linear(w.packed, form, tile.data(), n, p0, p1, e, out + first * stride, stride);
  }
}

class LinearFormat : public testing::TestWithParam<DType> {
 protected:
  // Calls f(table, form) for everything that multiplies this type.
  template <typename F>
  void each(F f) {
    for (const KernelTable* table : kernel_tables())
      for (ActForm form : forms_of(GetParam(), *table)) {
        SCOPED_TRACE(std::string(table->name) + " form " + std::to_string(static_cast<int>(form)));
        f(*table, form);
      }
  }
};

void expect_linear(const KernelTable& k, const Matrix& w, ActForm form, int m) {
  const size_t rows = static_cast<size_t>(w.packed.rows), cols = static_cast<size_t>(w.packed.cols),
               count = static_cast<size_t>(m);
  const auto x = random_floats(5, count * cols), bias = random_floats(6, rows),
             residual = random_floats(7, count * rows);
  std::vector<float> plain(count * rows), full(count * rows);
  run_linear(k, w, nullptr, form, x.data(), m, 0, w.packed.panels(), {}, plain.data());
  run_linear(k, w, nullptr, form, x.data(), m, 0, w.packed.panels(), {bias.data(), residual.data(), 0.25f},
             full.data());
  for (size_t t = 0; t < count; ++t) {
    const auto seen = as_multiplied(form, &x[t * cols], w.packed.cols);
    for (size_t r = 0; r < rows; ++r) {
      const Expected e = product(w, form, static_cast<int64_t>(r), seen);
      ASSERT_NEAR(plain[t * rows + r], e.value, 1e-5 * e.size + 1e-7)
          << "row " << t << " of " << m << ", output " << r << " of " << rows << " from " << cols;
      const double finished =
          (e.value + static_cast<double>(bias[r])) * 0.25 + static_cast<double>(residual[t * rows + r]);
      ASSERT_NEAR(full[t * rows + r], finished, 1e-5 * e.size + 1e-6) << "with epilogue: row " << t << ", output " << r;
    }
  }
}

TEST_P(LinearFormat, MatchesDoubleReference) {
  for (int64_t cols : columns_of(GetParam()))
    for (int64_t rows : {1, 15, 16, 17, 100}) {
      const Matrix w(GetParam(), rows, cols, static_cast<uint64_t>(rows * cols));
      each([&](const KernelTable& k, ActForm form) {
        for (int m : {1, 5, 13}) expect_linear(k, w, form, m);
      });
    }
}

TEST_P(LinearFormat, GatedIsActivationTimesUp) {
  const int64_t cols = columns_of(GetParam()).back(), rows = 33;
  const Matrix gate(GetParam(), rows, cols, 1), up(GetParam(), rows, cols, 2);
  const auto x = random_floats(3, static_cast<size_t>(7 * cols), 0.3f);
  each([&](const KernelTable& k, ActForm form) {
    std::vector<float> g(7 * 33), u(7 * 33), both(7 * 33), expected(7 * 33);
    run_linear(k, gate, nullptr, form, x.data(), 7, 0, 3, {}, g.data());
    run_linear(k, up, nullptr, form, x.data(), 7, 0, 3, {}, u.data());
    run_linear(k, gate, &up, form, x.data(), 7, 0, 3, {}, both.data());
    k.gated(Activation::kSilu, g.data(), u.data(), 7 * 33, expected.data());
    EXPECT_EQ(both, expected);  // the same arithmetic, so the same bits
  });
}

TEST_P(LinearFormat, RowsDoNotDependOnTheirTile) {
  const int64_t cols = columns_of(GetParam())[1], rows = 35;
  const Matrix w(GetParam(), rows, cols, 9);
  const auto x = random_floats(4, static_cast<size_t>(13 * cols));
  each([&](const KernelTable& k, ActForm form) {
    std::vector<float> alone(13 * 35), together(13 * 35);
    for (int t = 0; t < 13; ++t)
      run_linear(k, w, nullptr, form, x.data() + t * cols, 1, 0, 3, {}, &alone[static_cast<size_t>(t * rows)]);
    for (int m = 2; m <= 13; ++m) {
      run_linear(k, w, nullptr, form, x.data(), m, 0, 3, {}, together.data());
      ASSERT_EQ(std::memcmp(together.data(), alone.data(), static_cast<size_t>(m * rows) * 4), 0) << m << " rows";
    }
  });
}

TEST_P(LinearFormat, PanelsDoNotDependOnTheSplit) {
  const int64_t cols = columns_of(GetParam())[1], rows = 100;
  const Matrix w(GetParam(), rows, cols, 10);
  const auto x = random_floats(4, static_cast<size_t>(9 * cols));
  each([&](const KernelTable& k, ActForm form) {
    std::vector<float> whole(9 * 100), split(9 * 100);
    run_linear(k, w, nullptr, form, x.data(), 9, 0, 7, {}, whole.data());
    for (int64_t cut = 1; cut < 7; ++cut) {
      std::fill(split.begin(), split.end(), 0.0f);
      run_linear(k, w, nullptr, form, x.data(), 9, cut, 7, {}, split.data());
      run_linear(k, w, nullptr, form, x.data(), 9, 0, cut, {}, split.data());
      ASSERT_EQ(split, whole) << "cut at panel " << cut;
    }
  });
}

INSTANTIATE_TEST_SUITE_P(All, LinearFormat, testing::ValuesIn(kPackable),
                         [](const auto& p) { return std::string(frugal::info(p.param).name); });

// A row of zeros must not divide by its largest magnitude.
TEST(LinearInt8, ZeroActivationsGiveTheBias) {
  const Matrix w(DType::kQ4_0, 16, 64, 3);
  const std::vector<float> x(64, 0.0f), bias = random_floats(1, 16);
  for (const KernelTable* k : kernel_tables()) {
    std::vector<float> out(16, 9.0f);
    run_linear(*k, w, nullptr, ActForm::kInt8, x.data(), 1, 0, 1, {bias.data(), nullptr, 1.0f}, out.data());
    EXPECT_EQ(out, bias) << k->name;
  }
}

}  // namespace
}  // namespace frugal
