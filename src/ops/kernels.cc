#include "ops/kernels.h"

#include <cstdlib>

#include "base/error.h"
#include "ops/cpu/tile.h"

namespace frugal {

namespace portable {
const KernelTable& table();
}
namespace avx2 {
const KernelTable& table();
}
namespace avx512 {
const KernelTable& table();
}
namespace avx512vnni {
const KernelTable& table();
}

namespace {

std::vector<const KernelTable*> runnable() {
  std::vector<const KernelTable*> tables = {&portable::table()};
#if defined(__x86_64__)
  __builtin_cpu_init();
  [[maybe_unused]] auto has = [](bool x) { return x; };
  [[maybe_unused]] const bool v3 =
      has(__builtin_cpu_supports("avx2")) && has(__builtin_cpu_supports("fma")) && has(__builtin_cpu_supports("bmi2"));
  [[maybe_unused]] const bool v4 = v3 && has(__builtin_cpu_supports("avx512f")) &&
                                   has(__builtin_cpu_supports("avx512bw")) && has(__builtin_cpu_supports("avx512vl")) &&
                                   has(__builtin_cpu_supports("avx512dq"));
#if defined(FRUGAL_HAVE_avx2)
  if (v3) tables.push_back(&avx2::table());
#endif
#if defined(FRUGAL_HAVE_avx512)
  if (v4) tables.push_back(&avx512::table());
#endif
#if defined(FRUGAL_HAVE_avx512vnni)
  if (v4 && has(__builtin_cpu_supports("avx512vnni")) && has(__builtin_cpu_supports("avx512bf16")) &&
      has(__builtin_cpu_supports("avx512vbmi")))
    tables.push_back(&avx512vnni::table());
#endif
#endif
  return tables;
}

const KernelTable& chosen() {
  const char* name = std::getenv("FRUGAL_ISA");
  if (name == nullptr || *name == '\0') return *kernel_tables().back();
  if (const KernelTable* t = kernel_table(name)) return *t;
  std::string names;
  for (const KernelTable* t : kernel_tables()) names += std::string(names.empty() ? "" : ", ") + t->name;
  fail(ErrorCode::kUsage, "kernels", "FRUGAL_ISA names '{}'; this program and machine have {}", name, names);
}

}  // namespace

const std::vector<const KernelTable*>& kernel_tables() {
  static const std::vector<const KernelTable*> tables = runnable();
  return tables;
}

const KernelTable* kernel_table(const std::string& name) {
  for (const KernelTable* t : kernel_tables())
    if (name == t->name) return t;
  return nullptr;
}

const KernelTable& kernels() {
  static const KernelTable& table = chosen();
  return table;
}

const KvCodecKernels* KernelTable::find_codec(const std::string& codec_name, bool exact) const {
  for (int i = 0; i < codec_count; ++i)
    if (codec_name == codecs[i].name) return exact ? &exact_codecs[i] : &codecs[i];
  return nullptr;
}

const KvClosedKernels* KernelTable::find_closed(int bits, bool exact) const {
  for (int i = 0; i < closed_count; ++i)
    if (bits == closed[i].bits) return exact ? &exact_closed[i] : &closed[i];
  return nullptr;
}

size_t act_tile_bytes(ActForm form, int64_t cols, int m) {
  const size_t rows = static_cast<size_t>(m), n = static_cast<size_t>(cols);
  if (form == ActForm::kInt8) return n / 32 * rows * kInt8BlockBytes;
  if (form == ActForm::kBF16) return (n + 1) / 2 * 4 * rows;
  return n * 4 * rows;
}

bool can_pack(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kF16:
    case DType::kBF16:
    case DType::kQ4_0:
    case DType::kQ4_1:
    case DType::kQ5_0:
    case DType::kQ5_1:
    case DType::kQ8_0:
    case DType::kQ4_K:
    case DType::kQ5_K:
    case DType::kQ6_K: return true;
    default: return false;
  }
}

ActForm natural_form(DType dtype, const KernelTable& table) {
  if (is_quantised(dtype)) return ActForm::kInt8;
  return table.bf16_dot && (dtype == DType::kF16 || dtype == DType::kBF16) ? ActForm::kBF16 : ActForm::kF32;
}

}  // namespace frugal
