#include "io/safetensors_reader.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/byte_reader.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr uint64_t kMaxHeader = 100 << 20;

[[noreturn]] void bad(const std::string& where, const std::string& what) {
  fail(ErrorCode::kBadInput, "safetensors", "{}: {}", where, what);
}

TensorView read_entry(const std::string& where, const std::string& name, const Json& entry, std::span<const std::byte> data) {
  TensorView t;
  t.name = name;
  const bool whole = entry.is_object() && entry.contains("dtype") && entry["dtype"].is_string() && entry.contains("shape") &&
                     entry["shape"].is_array() && entry.contains("data_offsets") && entry["data_offsets"].is_array() &&
                     entry["data_offsets"].size() == 2;
  if (!whole) bad(where, fmt::format("tensor {} needs dtype, shape and two data_offsets", name));
  const DTypeInfo* dtype = dtype_of_safetensors(entry["dtype"].get<std::string>());
  if (dtype == nullptr) bad(where, fmt::format("tensor {} has dtype {}, which this reader does not know", name, entry["dtype"].dump()));
  t.dtype = dtype->dtype;
  unsigned __int128 total = static_cast<unsigned __int128>(dtype->bytes);
  for (const Json& d : entry["shape"]) {
    if (!d.is_number_unsigned() || d.get<uint64_t>() > (uint64_t{1} << 40)) bad(where, fmt::format("tensor {} has the dimension {}", name, d.dump()));
    t.shape.push_back(d.get<int64_t>());
    total *= d.get<uint64_t>();
    if (total > data.size() && d.get<uint64_t>() != 0) bad(where, fmt::format("tensor {} is larger than the whole file", name));
  }
  const Json &first = entry["data_offsets"][0], &last = entry["data_offsets"][1];
  if (!first.is_number_unsigned() || !last.is_number_unsigned() || first.get<uint64_t>() > last.get<uint64_t>() || last.get<uint64_t>() > data.size())
    bad(where, fmt::format("tensor {} has data_offsets {}, the data has {} bytes: is the file cut short?", name, entry["data_offsets"].dump(), data.size()));
  t.bytes = static_cast<size_t>(last.get<uint64_t>() - first.get<uint64_t>());
  if (t.bytes != static_cast<size_t>(total)) bad(where, fmt::format("tensor {} has {} bytes, its shape and dtype make {}", name, t.bytes, static_cast<size_t>(total)));
  t.data = data.data() + first.get<uint64_t>();
  return t;
}

// No two tensors may share bytes.
void check_overlaps(const std::string& where, std::span<const TensorView> tensors) {
  std::vector<const TensorView*> order;
  for (const TensorView& t : tensors) order.push_back(&t);
  std::sort(order.begin(), order.end(), [](const TensorView* a, const TensorView* b) { return a->data < b->data; });
  for (size_t i = 1; i < order.size(); ++i)
    if (order[i - 1]->data + order[i - 1]->bytes > order[i]->data)
      bad(where, fmt::format("tensors {} and {} overlap", order[i - 1]->name, order[i]->name));
}

std::set<std::string> shards_of(const std::string& index_path) {
  MappedFile file(index_path);
  const auto bytes = file.bytes();
  const Json index = Json::parse(reinterpret_cast<const char*>(bytes.data()), reinterpret_cast<const char*>(bytes.data()) + bytes.size(), nullptr, false);
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object()) bad(index_path, "is no JSON object with a weight_map");
  std::set<std::string> names;
  for (const auto& [tensor, name] : index["weight_map"].items()) {
    if (!name.is_string() || name.get<std::string>().find('/') != std::string::npos) bad(index_path, fmt::format("maps {} to {}, expected a file name", tensor, name.dump()));
    names.insert(name.get<std::string>());
  }
  return names;
}

std::vector<std::string> files_of(const std::string& path) {
  if (!fs::is_directory(path)) return {path};
  const std::string single = path + "/model.safetensors", index = single + ".index.json";
  if (fs::exists(index)) {
    std::vector<std::string> files;
    for (const std::string& name : shards_of(index)) files.push_back(path + "/" + name);
    return files;
  }
  if (fs::exists(single)) return {single};
  if (fs::exists(path + "/adapter_model.safetensors")) return {path + "/adapter_model.safetensors"};
  fail(ErrorCode::kNotFound, "safetensors", "{} holds neither model.safetensors nor model.safetensors.index.json", path);
}

}  // namespace

void parse_safetensors(std::span<const std::byte> bytes, const std::string& where, Checkpoint& out) {
  ByteReader in(bytes, "safetensors", where);
  const uint64_t length = in.number<uint64_t>("header length");
  if (length > kMaxHeader) bad(where, fmt::format("says its header has {} bytes, at most {}", length, kMaxHeader));
  const std::string header = in.text(length, "header");
  // Depth is bounded by the callback: a header is an object of objects of arrays.
  const Json json = Json::parse(header, [](int depth, Json::parse_event_t, Json&) {
    if (depth > 8) fail(ErrorCode::kBadInput, "safetensors", "the header nests deeper than 8");
    return true;
  }, false);
  if (!json.is_object()) bad(where, "the header is not a JSON object");
  const std::span<const std::byte> data = bytes.subspan(in.offset());
  const size_t first = out.tensors.size();
  for (const auto& [name, entry] : json.items()) {
    if (name == "__metadata__") {
      out.metadata = entry;
      continue;
    }
    out.tensors.push_back(read_entry(where, name, entry, data));
  }
  check_overlaps(where, std::span(out.tensors).subspan(first));
}

Checkpoint open_safetensors(const std::string& path) {
  Checkpoint c;
  c.format = "safetensors";
  c.path = path;
  c.metadata = Json::object();
  for (const std::string& file : files_of(path)) {
    c.files.push_back(std::make_shared<MappedFile>(file));
    parse_safetensors(c.files.back()->bytes(), file, c);
  }
  c.index();
  return c;
}

}  // namespace frugal
