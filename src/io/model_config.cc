#include "io/model_config.h"

#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "io/config_reader.h"
#include "io/json_file.h"

namespace frugal {

void Fields::wrong(const std::string& key, const char* expected) const {
  fail(ErrorCode::kBadInput, "config", "{}: {} is {}, expected {}", where_, key, shown(json_[key]), expected);
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

void check_sizes(const ModelConfig& c, const std::string& where) {
  auto require = [&](bool good, const char* field, int64_t found, const char* expected) {
    if (!good) fail(ErrorCode::kBadInput, "config", "{}: {} is {}, expected {}", where, field, found, expected);
  };
  require(c.layers >= 1 && c.layers <= 1024, "layers", c.layers, "1 to 1024");
  require(c.width >= 1 && c.width <= 65536, "width", c.width, "1 to 65536");
  require(c.heads >= 1 && c.heads <= 1024, "heads", c.heads, "1 to 1024");
  require(c.kv_heads >= 1 && c.heads % c.kv_heads == 0, "kv_heads", c.kv_heads, "a divisor of heads");
  require(c.head_dim >= 2 && c.head_dim <= 1024 && c.head_dim % 2 == 0, "head_dim", c.head_dim,
          "an even number up to 1024");
  require(c.ff_width >= 1 && c.ff_width <= (1 << 20), "ff_width", c.ff_width, "1 to 2^20");
  require(c.vocab >= 1 && c.vocab <= (1 << 24), "vocab", c.vocab, "1 to 2^24");
  require(c.context >= 1 && c.context <= (1 << 30), "context", c.context, "1 to 2^30");
  require(c.window >= 0 && c.window <= (1 << 30), "window", c.window, "0 to 2^30");
  require(c.experts >= 0 && c.experts <= 1024, "experts", c.experts, "0 to 1024");
  require(c.experts == 0 ? c.experts_used <= 0 : c.experts_used >= 1 && c.experts_used <= c.experts, "experts_used",
          c.experts_used, "1 to the number of experts");
}

namespace {

void check_positions(const PositionConfig& p, const ModelConfig& c, const std::string& where) {
  auto require = [&](bool good, const char* field, double found, const char* expected) {
    if (!good) fail(ErrorCode::kBadInput, "config", "{}: {} is {}, expected {}", where, field, found, expected);
  };
  require(p.theta > 0, "the rotary base", p.theta, "more than 0");
  require(p.partial > 0 && p.partial <= 1, "the share that rotates", p.partial, "more than 0, up to 1");
  require(p.factor > 0, "the rotary factor", p.factor, "more than 0");
  const double pairs = std::floor(p.partial * static_cast<double>(c.head_dim)) / 2,
               factors = static_cast<double>(p.freq_factors.size());
  require(p.freq_factors.empty() || factors == std::floor(pairs), "the count of rotary factors", factors,
          "one for each pair");
}

void check(const ModelConfig& c, const std::string& where) {
  check_sizes(c, where);
  check_positions(c.position, c, where);
  if (c.local_position) check_positions(*c.local_position, c, where);
  if (!c.layer_is_local.empty() && static_cast<int64_t>(c.layer_is_local.size()) != c.layers)
    fail(ErrorCode::kBadInput, "config", "{}: {} layer kinds, expected {}", where, c.layer_is_local.size(), c.layers);
  for (int32_t id : c.eos)
    if (id >= c.vocab)
      fail(ErrorCode::kBadInput, "config", "{}: end token {} is not below the vocabulary's size {}", where, id,
           c.vocab);
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
