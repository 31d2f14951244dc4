#include "io/safetensors_reader.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/byte_reader.h"
#include "io/json_file.h"

namespace frugal {
namespace {

using Json = nlohmann::json;  // the header may hold many names, which an ordered object takes quadratic time to find
namespace fs = std::filesystem;

constexpr uint64_t kMaxHeader = 100 << 20;
constexpr size_t kMaxDims = 8, kMaxMetadata = 1 << 14;

[[noreturn]] void bad(const std::string& where, const std::string& what) {
  fail(ErrorCode::kBadInput, "safetensors", "{}: {}", where, what);
}

TensorView read_entry(const std::string& where, const std::string& name, const Json& entry,
                      std::span<const std::byte> data) {
  TensorView t;
  t.name = name;
  const bool whole = entry.is_object() && entry.contains("dtype") && entry["dtype"].is_string() &&
                     entry.contains("shape") && entry["shape"].is_array() && entry.contains("data_offsets") &&
                     entry["data_offsets"].is_array() && entry["data_offsets"].size() == 2;
  if (!whole) bad(where, fmt::format("tensor {} needs dtype, shape and two data_offsets", name));
  const DTypeInfo* dtype = dtype_of_safetensors(entry["dtype"].get<std::string>());
  if (dtype == nullptr)
    bad(where, fmt::format("tensor {} has dtype {}, which this reader does not know", name, entry["dtype"].dump()));
  t.dtype = dtype->dtype;
  if (entry["shape"].size() > kMaxDims)
    bad(where, fmt::format("tensor {} has {} dimensions, at most {}", name, entry["shape"].size(), kMaxDims));
  unsigned __int128 total = static_cast<unsigned __int128>(dtype->bytes);
  for (const Json& d : entry["shape"]) {
    if (!d.is_number_unsigned() || d.get<uint64_t>() > (uint64_t{1} << 40))
      bad(where, fmt::format("tensor {} has the dimension {}", name, d.dump()));
    t.shape.push_back(d.get<int64_t>());
    total *= d.get<uint64_t>();
    if (total > data.size() && d.get<uint64_t>() != 0)
      bad(where, fmt::format("tensor {} is larger than the whole file", name));
  }
  const Json &first = entry["data_offsets"][0], &last = entry["data_offsets"][1];
  if (!first.is_number_unsigned() || !last.is_number_unsigned() || first.get<uint64_t>() > last.get<uint64_t>() ||
      last.get<uint64_t>() > data.size())
    bad(where, fmt::format("tensor {} has data_offsets {}, the data has {} bytes: is the file cut short?", name,
                           entry["data_offsets"].dump(), data.size()));
  t.bytes = static_cast<size_t>(last.get<uint64_t>() - first.get<uint64_t>());
  if (t.bytes != static_cast<size_t>(total))
    bad(where,
        fmt::format("tensor {} has {} bytes, its shape and dtype make {}", name, t.bytes, static_cast<size_t>(total)));
  t.data = data.data() + first.get<uint64_t>();
  return t;
}

// Tensors in file order: no two may share bytes.
void check_overlaps(const std::string& where, std::span<const TensorView> tensors) {
  for (size_t i = 1; i < tensors.size(); ++i)
    if (tensors[i - 1].data + tensors[i - 1].bytes > tensors[i].data)
      bad(where, fmt::format("tensors {} and {} overlap", tensors[i - 1].name, tensors[i].name));
}

// The header's object; depth is bounded (it holds objects of arrays) and no name may stand twice.
Json parse_header(const std::string& header, const std::string& where) {
  std::set<std::string> names;
  auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > 8) bad(where, "the header nests deeper than 8");
    if (depth == 1 && event == Json::parse_event_t::key && !names.insert(parsed.get<std::string>()).second)
      bad(where, fmt::format("tensor {} stands twice", parsed.get<std::string>()));
    return true;
  };
  Json json = Json::parse(header, watch, false);
  if (!json.is_object()) bad(where, "the header is not a JSON object");
  return json;
}

nlohmann::ordered_json texts_of(const Json& metadata, const std::string& where) {
  if (!metadata.is_object() || metadata.size() > kMaxMetadata) bad(where, "__metadata__ is no object of texts");
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  for (const auto& [key, v] : metadata.items()) {
    if (!v.is_string()) bad(where, fmt::format("__metadata__ holds {}, which is no text", key));
    out[key] = v.get<std::string>();
  }
  return out;
}

// Tensor name to file name.
std::map<std::string, std::string> shards_of(const std::string& index_path) {
  const Json index = read_large_json_file(index_path);
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
    bad(index_path, "is no JSON object with a weight_map");
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, name] : index["weight_map"].items()) {
    if (!name.is_string() || name.get_ref<const std::string&>().find('/') != std::string::npos)
      bad(index_path, fmt::format("maps {} to {}, expected a file name", tensor, name.dump()));
    shards.emplace(tensor, name.get<std::string>());
  }
  return shards;
}

std::string single_file(const std::string& dir) {
  for (const char* name : {"/model.safetensors", "/adapter_model.safetensors"})
    if (fs::exists(dir + name)) return dir + name;
  fail(ErrorCode::kNotFound, "safetensors", "{} holds neither model.safetensors nor model.safetensors.index.json", dir);
}

}  // namespace

void parse_safetensors(std::span<const std::byte> bytes, const std::string& where, Checkpoint& out) {
  ByteReader in(bytes, "safetensors", where);
  const uint64_t length = in.number<uint64_t>("header length");
  if (length > kMaxHeader) bad(where, fmt::format("says its header has {} bytes, at most {}", length, kMaxHeader));
  const std::string header = in.text(length, "header");
  const Json json = parse_header(header, where);
  const std::span<const std::byte> data = bytes.subspan(in.offset());
  const size_t first = out.tensors.size();
  for (const auto& [name, entry] : json.items())
    if (name != "__metadata__") out.tensors.push_back(read_entry(where, name, entry, data));
  if (json.contains("__metadata__")) out.metadata = texts_of(json["__metadata__"], where);
  const auto begin = out.tensors.begin() + static_cast<std::ptrdiff_t>(first);
  std::stable_sort(begin, out.tensors.end(), [](const TensorView& a, const TensorView& b) { return a.data < b.data; });
  check_overlaps(where, std::span(out.tensors).subspan(first));
}

Checkpoint open_safetensors(const std::string& path) {
  Checkpoint c;
  c.format = "safetensors";
  c.path = path;
  c.metadata = nlohmann::ordered_json::object();
  auto add = [&](const std::string& file) {
    c.files.push_back(std::make_shared<MappedFile>(file));
    parse_safetensors(c.files.back()->bytes(), file, c);
  };
  const std::string index = path + "/model.safetensors.index.json";
  std::map<std::string, std::string> shards;
  if (!fs::is_directory(path)) {
    add(path);
  } else if (!fs::exists(index)) {
    add(single_file(path));
  } else {
    std::set<std::string> names;
    for (const auto& [tensor, file] : (shards = shards_of(index))) names.insert(file);
    for (const std::string& name : names) add(path + "/" + name);
  }
  c.index();
  for (const auto& [tensor, file] : shards)
    if (c.find(tensor) == nullptr) bad(index, fmt::format("places tensor {} in {}, which lacks it", tensor, file));
  return c;
}

}  // namespace frugal
