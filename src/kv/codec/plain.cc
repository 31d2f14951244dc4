// Codecs that store every row by itself: float forms, and int8 with a scale for each row and 32 channels of a head.
// Their kernels are in ops/cpu/codecs.inl.h; here they get their names. q8 follows the symmetric per-group rounding of
// llama.cpp's q8_0 cache (largest magnitude / 127, half-float scale).
#include "base/registry.h"

namespace frugal {
namespace {

MethodInfo plain(const char* name, const char* help) {
  MethodInfo info;
  info.kind = "kv";
  info.role = "codec";
  info.name = name;
  info.help = help;
  info.abilities = {"any-row", "evict"};
  return info;
}

using MakeName = std::string(const Args&);
std::string name_of(const Args& a) { return a.method().name; }

const Register<MakeName> kF32(plain("f32", "keys and values as 32-bit floats"), name_of),
    kF16(plain("f16", "keys and values as IEEE half floats (the default)"), name_of),
    kBF16(plain("bf16", "keys and values as bfloat16"), name_of),
    kQ8(plain("q8", "keys and values as int8 with a half-float scale for each row and 32 channels"), name_of);

MethodInfo with_role(const char* role, const char* name, const char* help) {
  MethodInfo info = plain(name, help);
  info.role = role;
  return info;
}
const Register<MakeName> kFull(with_role("policy", "full", "keeps every row (the default)"), name_of),
    kPaged(with_role("layout", "paged", "pages of 32 rows, shared by the heads of a layer (the default)"), name_of);

}  // namespace
}  // namespace frugal
