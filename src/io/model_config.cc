#include "io/model_config.h"

#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "io/config_reader.h"

namespace frugal {

void Fields::wrong(const std::string& key, const char* expected) const {
  fail(ErrorCode::kBadInput, "config", "{}: {} is {}, expected {}", where_, key, json_[key].dump().substr(0, 80), expected);
}

double Fields::number(const std::string& key, double otherwise) const {
  if (!has(key)) return otherwise;
  if (!json_[key].is_number() || !std::isfinite(json_[key].get<double>())) wrong(key, "a number");
  return json_[key].get<double>();
}

int64_t Fields::whole(const std::string& key, int64_t otherwise) const {
  if (!has(key)) return otherwise;
  const nlohmann::ordered_json& v = json_[key];
  if (v.is_number_unsigned() && v.get<uint64_t>() > (uint64_t{1} << 40)) wrong(key, "a whole number up to 2^40");
  if (!v.is_number_integer() || v.get<int64_t>() < -1) wrong(key, "a whole number");
  return v.get<int64_t>();
}

bool Fields::flag(const std::string& key, bool otherwise) const {
  if (!has(key)) return otherwise;
  if (!json_[key].is_boolean()) wrong(key, "true or false");
  return json_[key].get<bool>();
}

std::string Fields::text(const std::string& key, const std::string& otherwise) const {
  if (!has(key)) return otherwise;
  if (!json_[key].is_string()) wrong(key, "a text");
  return json_[key].get<std::string>();
}

std::vector<int32_t> Fields::ids(const std::string& key) const {
  std::vector<int32_t> list;
  if (!has(key)) return list;
  auto add = [&](const nlohmann::ordered_json& v) {
    if (!v.is_number_integer() || v.get<int64_t>() < 0 || v.get<int64_t>() > INT32_MAX) wrong(key, "token ids");
    list.push_back(v.get<int32_t>());
  };
  if (json_[key].is_array())
    for (const auto& v : json_[key]) add(v);
  else
    add(json_[key]);
  return list;
}

nlohmann::ordered_json read_json_file(const std::string& path) {
  MappedFile file(path);
  const char* text = reinterpret_cast<const char*>(file.bytes().data());
  try {
    auto shallow = [&](int depth, nlohmann::ordered_json::parse_event_t, nlohmann::ordered_json&) {
      if (depth > 64) fail(ErrorCode::kBadInput, "json", "{} nests deeper than 64", path);
      return true;
    };
    return nlohmann::ordered_json::parse(text, text + file.bytes().size(), shallow);
  } catch (const nlohmann::json::exception& e) {
    fail(ErrorCode::kBadInput, "json", "{} is not JSON: {}", path, e.what());
  }
}

namespace {

void check(const ModelConfig& c, const std::string& where) {
  auto require = [&](bool good, const char* field, int64_t found, const char* expected) {
    if (!good) fail(ErrorCode::kBadInput, "config", "{}: {} is {}, expected {}", where, field, found, expected);
  };
  require(c.layers >= 1 && c.layers <= 1024, "layers", c.layers, "1 to 1024");
  require(c.width >= 1 && c.width <= 65536, "width", c.width, "1 to 65536");
  require(c.heads >= 1 && c.heads <= 1024, "heads", c.heads, "1 to 1024");
  require(c.kv_heads >= 1 && c.heads % c.kv_heads == 0, "kv_heads", c.kv_heads, "a divisor of heads");
  require(c.head_dim >= 2 && c.head_dim <= 1024 && c.head_dim % 2 == 0, "head_dim", c.head_dim, "an even number up to 1024");
  require(c.ff_width >= 1 && c.ff_width <= (1 << 20), "ff_width", c.ff_width, "1 to 2^20");
  require(c.vocab >= 1 && c.vocab <= (1 << 24), "vocab", c.vocab, "1 to 2^24");
  require(c.experts >= 0 && c.experts <= 1024 && c.experts_used <= c.experts, "experts_used", c.experts_used, "at most experts");
  require(c.layer_is_local.empty() || static_cast<int64_t>(c.layer_is_local.size()) == c.layers, "layer kinds",
          static_cast<int64_t>(c.layer_is_local.size()), "one for each layer");
  require(c.position.partial > 0 && c.position.partial <= 1, "rotary share x 100", static_cast<int64_t>(c.position.partial * 100), "1 to 100");
  for (int32_t id : c.eos) require(id < c.vocab, "end token", id, "below the vocabulary's size");
}

}  // namespace

ModelConfig read_model_config(const Checkpoint& file) {
  ModelConfig c;
  if (file.format == "gguf") {
    c = config_from_gguf(file);
  } else {
    namespace fs = std::filesystem;
    const std::string dir = fs::is_directory(file.path) ? file.path : fs::path(file.path).parent_path().string();
    const std::string generation = dir + "/generation_config.json";
    c = config_from_json(read_json_file(dir + "/config.json"),
                         fs::exists(generation) ? read_json_file(generation) : nlohmann::ordered_json());
  }
  check(c, file.path);
  return c;
}

}  // namespace frugal
