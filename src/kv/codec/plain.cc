// Codecs that store every row by itself: float forms, and int8 with a scale for each row and 32 channels of a head.
// Their kernels are in ops/cpu/codecs.inl.h; here they get their names. q8 follows the symmetric per-group rounding of
// llama.cpp's q8_0 cache (largest magnitude / 127, half-float scale). And the names of the layouts.
#include "kv/codec/codec.h"

namespace frugal {
namespace {

MethodInfo plain(const char* name, const char* help, std::vector<std::string> abilities) {
  MethodInfo info;
  info.kind = "kv";
  info.role = "codec";
  info.name = name;
  info.help = help;
  info.abilities = std::move(abilities);
  return info;
}

CodecChoice rows_of_form(const Args& a) { return {.rows = a.method().name}; }

const Register<MakeCodec> kF32(plain("f32", "keys and values as 32-bit floats", {"floats"}), rows_of_form),
    kF16(plain("f16", "keys and values as IEEE half floats (the default)", {"floats"}), rows_of_form),
    kBF16(plain("bf16", "keys and values as bfloat16", {"floats"}), rows_of_form),
    kQ8(plain("q8", "keys and values as int8 with a half-float scale for each row and 32 channels", {}), rows_of_form);

using MakeLayout = std::string(const Args&);
std::string name_of(const Args& a) { return a.method().name; }
MethodInfo layout(const char* name, const char* help) {
  MethodInfo info = plain(name, help, {});
  info.role = "layout";
  return info;
}
const Register<MakeLayout> kPaged(
    layout("paged", "pages of 32 rows, shared by all layers and heads (the default where every row stays)"), name_of),
    kRagged(layout("ragged", "each layer and key/value head keeps its own rows, in pages of its own"), name_of);

}  // namespace
}  // namespace frugal
