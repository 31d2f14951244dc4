// GGUF v3. JSON has fewer types than GGUF: whole numbers become 32 bits wide where they fit (signed when they are held
// as signed), reals float32, as every known key has it. Two keys are narrower by convention: see narrow().
#include <limits>

#include "base/error.h"
#include "io/gguf_types.h"
#include "io/stream_writer.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;
using namespace gguf;

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void put_text(std::string& out, const std::string& text) {
  put<uint64_t>(out, text.size());
  out += text;
}

[[noreturn]] void refuse(const std::string& key, const Json& v) {
  fail(ErrorCode::kUsage, "gguf", "key {} holds {}, which GGUF cannot", key, v.type_name());
}

Type type_of(const std::string& key, const Json& v) {
  switch (v.type()) {
    case Json::value_t::boolean: return kBool;
    case Json::value_t::string: return kText;
    case Json::value_t::array: return kArray;
    case Json::value_t::number_float: return kF32;
    case Json::value_t::number_unsigned: return v.get<uint64_t>() <= UINT32_MAX ? kU32 : kU64;
    case Json::value_t::number_integer:
      return v.get<int64_t>() >= INT32_MIN && v.get<int64_t>() <= INT32_MAX ? kI32 : kI64;
    default: refuse(key, v);
  }
}

// One type that holds both: whole numbers of several kinds become the signed or the wider one.
Type common(const std::string& key, Type a, Type b, const Json& v) {
  auto whole = [](Type t) { return t == kU32 || t == kI32 || t == kU64 || t == kI64; };
  if (a == b) return a;
  if ((a == kF32 && whole(b)) || (b == kF32 && whole(a))) return kF32;
  if (!whole(a) || !whole(b)) fail(ErrorCode::kUsage, "gguf", "key {} mixes {} with other types", key, v.type_name());
  const bool is_signed = a == kI32 || a == kI64 || b == kI32 || b == kI64,
             wide = a == kU64 || a == kI64 || b == kU64 || b == kI64;
  return is_signed ? (wide ? kI64 : kI32) : kU64;
}

// Keys whose readers insist on a type that JSON numbers do not show.
bool narrow(const std::string& key) { return key == "tokenizer.ggml.precompiled_charsmap"; }

void put_value(std::string& out, const std::string& key, Type type, const Json& v);

void put_array(std::string& out, const std::string& key, const Json& list) {
  Type type = list.empty() ? kText : type_of(key, list[0]);
  for (const Json& v : list) type = common(key, type, type_of(key, v), v);
  if (narrow(key)) type = kU8;
  put<uint32_t>(out, type);
  put<uint64_t>(out, list.size());
  for (const Json& v : list) put_value(out, key, type, v);
}

void put_value(std::string& out, const std::string& key, Type type, const Json& v) {
  switch (type) {
    case kU8: return put(out, v.get<uint8_t>());
    case kU32: return put(out, v.get<uint32_t>());
    case kI32: return put(out, v.get<int32_t>());
    case kF32: return put(out, v.get<float>());
    case kBool: return put<uint8_t>(out, v.get<bool>() ? 1 : 0);
    case kText: return put_text(out, v.get_ref<const std::string&>());
    case kArray: return put_array(out, key, v);
    case kU64: return put(out, v.get<uint64_t>());
    case kI64: return put(out, v.get<int64_t>());
    default: refuse(key, v);
  }
}

size_t alignment_of(const Json& metadata) {
  if (!metadata.contains("general.alignment")) return kAlignment;
  const Json& v = metadata["general.alignment"];
  const uint64_t n = v.is_number_unsigned() ? v.get<uint64_t>() : 0;
  if (n == 0 || n > kMaxAlignment || (n & (n - 1)) != 0)
    fail(ErrorCode::kUsage, "gguf", "general.alignment is no power of two up to 2^20");
  return static_cast<size_t>(n);
}

class GgufWriter : public StreamWriter {
 public:
  using StreamWriter::StreamWriter;

 private:
  bool holds(DType dtype) const override { return info(dtype).ggml >= 0; }

  std::string header(const Json& metadata) override {
    const size_t alignment = alignment_of(metadata);
    place(alignment);
    std::string out;
    put(out, kMagic);
    put<uint32_t>(out, 3);
    put<uint64_t>(out, tensors().size());
    put<uint64_t>(out, metadata.size());
    for (const auto& [key, v] : metadata.items()) {
      put_text(out, key);
      const Type type = type_of(key, v);
      put<uint32_t>(out, type);
      put_value(out, key, type, v);
    }
    for (const Entry& e : tensors()) put_tensor(out, e);
    out.resize((out.size() + alignment - 1) / alignment * alignment);
    return out;
  }

  static void put_tensor(std::string& out, const Entry& e) {
    const std::vector<int64_t>& shape = e.tensor.shape;
    if (shape.size() > 4)
      fail(ErrorCode::kUsage, "gguf", "tensor {} has {} dimensions, at most 4", e.tensor.name, shape.size());
    put_text(out, e.tensor.name);
    put<uint32_t>(out, static_cast<uint32_t>(shape.size()));
    for (auto d = shape.rbegin(); d != shape.rend(); ++d)
      put<uint64_t>(out, static_cast<uint64_t>(*d));  // fastest first
    put<uint32_t>(out, static_cast<uint32_t>(info(e.tensor.dtype).ggml));
    put<uint64_t>(out, e.offset);
  }
};

}  // namespace

std::unique_ptr<CheckpointWriter> create_gguf(const std::string& path) { return std::make_unique<GgufWriter>(path); }

}  // namespace frugal
