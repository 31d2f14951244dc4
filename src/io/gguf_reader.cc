#include "io/gguf_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/byte_reader.h"
#include "io/gguf_types.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

using namespace gguf;

constexpr int kMaxDims = 4, kMaxDepth = 4;
constexpr uint64_t kMaxName = 1 << 16, kMaxPairs = 1 << 14, kMaxArray = 1 << 26;
constexpr int64_t kMaxParts = 1000;

class Parser {
 public:
  Parser(std::span<const std::byte> bytes, const std::string& where, Checkpoint& out)
      : in_(bytes, "gguf", where), bytes_(bytes), where_(where), out_(out) {}

  void run() {
    if (in_.number<uint32_t>("magic") != kMagic) bad("does not begin with GGUF");
    const uint32_t version = in_.number<uint32_t>("version");
    if (version != 2 && version != 3) bad(fmt::format("is version {}, expected 2 or 3", version));
    const uint64_t tensors = in_.number<uint64_t>("tensor count"), pairs = in_.number<uint64_t>("key count");
    in_.need(tensors, 24, "tensor table");
    in_.need(pairs, 13, "key-values");
    if (pairs > kMaxPairs)
      bad(fmt::format("has {} keys, at most {}", pairs, kMaxPairs));  // filling an ordered object is quadratic
    for (uint64_t i = 0; i < pairs; ++i) pair();
    std::vector<uint64_t> offsets;
    const size_t first = out_.tensors.size();
    for (uint64_t i = 0; i < tensors; ++i) offsets.push_back(tensor());
    place(first, offsets);
  }

 private:
  [[noreturn]] void bad(const std::string& what) const { fail(ErrorCode::kBadInput, "gguf", "{}: {}", where_, what); }

  std::string text() {
    const uint64_t length = in_.number<uint64_t>("text length");
    return in_.text(length, "text");
  }

  void pair() {
    std::string key = text();
    if (key.empty() || key.size() > kMaxName) bad(fmt::format("a key of {} bytes", key.size()));
    const uint32_t type = in_.number<uint32_t>("value type");
    Json value = this->value(type, key, 0);
    if (!seen_.emplace(key).second) bad(fmt::format("key {} stands twice", key));
    if (key == "general.alignment") {
      alignment_ = value.is_number_unsigned() ? value.get<uint64_t>() : 0;
      if (alignment_ == 0 || alignment_ > kMaxAlignment || (alignment_ & (alignment_ - 1)) != 0)
        bad("general.alignment is no power of two up to 2^20");
    }
    out_.metadata[key] = std::move(value);
  }

  Json value(uint32_t type, const std::string& key, int depth) {
    switch (type) {
      case kU8: return in_.number<uint8_t>("value");
      case kI8: return in_.number<int8_t>("value");
      case kU16: return in_.number<uint16_t>("value");
      case kI16: return in_.number<int16_t>("value");
      case kU32: return in_.number<uint32_t>("value");
      case kI32: return in_.number<int32_t>("value");
      case kF32: return in_.number<float>("value");
      case kBool: return in_.number<uint8_t>("value") != 0;
      case kText: return text();
      case kU64: return in_.number<uint64_t>("value");
      case kI64: return in_.number<int64_t>("value");
      case kF64: return in_.number<double>("value");
      case kArray: return array(key, depth);
      default: bad(fmt::format("key {} has value type {}, known are 0 to 12", key, type));
    }
  }

  Json array(const std::string& key, int depth) {
    if (depth >= kMaxDepth) bad(fmt::format("key {} nests arrays deeper than {}", key, kMaxDepth));
    const uint32_t type = in_.number<uint32_t>("array type");
    const uint64_t count = in_.number<uint64_t>("array length");
    static constexpr size_t kLeast[] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};
    if (type > kF64) bad(fmt::format("key {} is an array of type {}, known are 0 to 12", key, type));
    in_.need(count, kLeast[type], "array");
    if (count > kMaxArray) bad(fmt::format("key {} is an array of {}, at most {}", key, count, kMaxArray));
    Json list = Json::array();
    list.get_ref<Json::array_t&>().reserve(static_cast<size_t>(count));
    for (uint64_t i = 0; i < count; ++i) list.push_back(value(type, key, depth + 1));
    return list;
  }

  // One entry of the tensor table; returns its offset in the data.
  uint64_t tensor() {
    TensorView t;
    t.name = text();
    if (t.name.empty() || t.name.size() > kMaxName) bad(fmt::format("a tensor name of {} bytes", t.name.size()));
    const uint32_t dims = in_.number<uint32_t>("dimension count");
    if (dims > kMaxDims) bad(fmt::format("tensor {} has {} dimensions, at most {}", t.name, dims, kMaxDims));
    for (uint32_t d = 0; d < dims; ++d) {
      const uint64_t n = in_.number<uint64_t>("dimension");
      if (n == 0 || n > (uint64_t{1} << 40)) bad(fmt::format("tensor {} has a dimension of {}", t.name, n));
      t.shape.insert(t.shape.begin(), static_cast<int64_t>(n));  // the file lists the fastest first
    }
    const uint32_t type = in_.number<uint32_t>("tensor type");
    const DTypeInfo* dtype = dtype_of_ggml(type);
    if (dtype == nullptr) bad(fmt::format("tensor {} has ggml type {}, which this reader does not know", t.name, type));
    t.dtype = dtype->dtype;
    t.bytes = bytes_of(t, *dtype);
    const uint64_t offset = in_.number<uint64_t>("tensor offset");
    out_.tensors.push_back(std::move(t));
    return offset;
  }

  size_t bytes_of(const TensorView& t, const DTypeInfo& dtype) const {
    if (t.cols() % dtype.block != 0)
      bad(fmt::format("tensor {} has rows of {} elements, {} needs a multiple of {}", t.name, t.cols(), dtype.name,
                      dtype.block));
    unsigned __int128 total = static_cast<unsigned __int128>(dtype.bytes);
    for (size_t d = 0; d < t.shape.size(); ++d) {
      total *= static_cast<uint64_t>(d + 1 == t.shape.size() ? t.shape[d] / dtype.block : t.shape[d]);
      if (total > bytes_.size()) bad(fmt::format("tensor {} is larger than the whole file", t.name));
    }
    return static_cast<size_t>(total);
  }

  // Gives every tensor its place in the data, which must lie inside the file and belong to it alone.
  void place(size_t first, const std::vector<uint64_t>& offsets) {
    const uint64_t base = (in_.offset() + alignment_ - 1) / alignment_ * alignment_;
    std::vector<size_t> order(offsets.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return offsets[a] < offsets[b]; });
    uint64_t end = 0;
    for (size_t i : order) {
      TensorView& t = out_.tensors[first + i];
      if (offsets[i] % alignment_ != 0)
        bad(fmt::format("tensor {} lies at {}, not a multiple of {}", t.name, offsets[i], alignment_));
      if (offsets[i] < end) bad(fmt::format("tensor {} overlaps the one before it", t.name));
      if (base > bytes_.size() || offsets[i] > bytes_.size() - base || t.bytes > bytes_.size() - base - offsets[i])
        bad(fmt::format("tensor {} ({} bytes at {}) ends behind the file's end: is the file cut short?", t.name,
                        t.bytes, offsets[i]));
      t.data = bytes_.data() + base + offsets[i];
      end = offsets[i] + t.bytes;
    }
  }

  ByteReader in_;
  std::span<const std::byte> bytes_;
  std::string where_;
  Checkpoint& out_;
  uint64_t alignment_ = kAlignment;
  std::set<std::string> seen_;
};

// A split model's numbers; one file is part 0 of 1.
int64_t split_number(const Checkpoint& part, const char* key, int64_t otherwise) {
  if (!part.metadata.contains(key)) return otherwise;
  const Json& v = part.metadata[key];
  const int64_t n = v.is_number_integer() ? v.get<int64_t>() : -1;
  if (n < 0 || n > kMaxParts * kMaxParts * kMaxParts)
    fail(ErrorCode::kBadInput, "gguf", "{}: {} is no count", part.path, key);
  return n;
}

Checkpoint read_part(const std::string& path, int64_t number, int64_t count) {
  Checkpoint part;
  part.format = "gguf";
  part.path = path;
  part.files.push_back(std::make_shared<MappedFile>(path));
  parse_gguf(part.files.back()->bytes(), path, part);
  const int64_t said = split_number(part, "split.no", 0), of = split_number(part, "split.count", 1);
  if (said != number || (count > 0 && of != count))
    fail(ErrorCode::kBadInput, "gguf", "{} says it is part {} of {}, expected part {} of {}{}", path, said, of, number,
         count > 0 ? count : of, number == 0 ? ": name the first part of a split model" : "");
  return part;
}

// "...-00001-of-00003.gguf" without what follows the stem.
std::string stem_of(const std::string& path, int64_t count) {
  const std::string suffix = fmt::format("-{:05}-of-{:05}.gguf", 1, count);
  if (!path.ends_with(suffix))
    fail(ErrorCode::kBadInput, "gguf", "{} says it is split into {} files; expected a name ending in {}", path, count,
         suffix);
  return path.substr(0, path.size() - suffix.size());
}

}  // namespace

void parse_gguf(std::span<const std::byte> bytes, const std::string& where, Checkpoint& checkpoint) {
  checkpoint.metadata = Json::object();
  Parser(bytes, where, checkpoint).run();
}

Checkpoint open_gguf(const std::string& path) {
  Checkpoint c = read_part(path, 0, 0);
  const int64_t count = split_number(c, "split.count", 1);
  if (count > kMaxParts)
    fail(ErrorCode::kBadInput, "gguf", "{} says it is split into {} files, at most {}", path, count, kMaxParts);
  const int64_t total = split_number(c, "split.tensors.count", -1);
  for (int64_t i = 1; i < count; ++i) {
    Checkpoint part = read_part(fmt::format("{}-{:05}-of-{:05}.gguf", stem_of(path, count), i + 1, count), i, count);
    c.tensors.insert(c.tensors.end(), part.tensors.begin(), part.tensors.end());
    c.files.push_back(part.files[0]);
  }
  if (count > 1 && total >= 0 && total != static_cast<int64_t>(c.tensors.size()))
    fail(ErrorCode::kBadInput, "gguf", "{} and its parts hold {} tensors, split.tensors.count says {}", path,
         c.tensors.size(), total);
  c.index();
  return c;
}

}  // namespace frugal
