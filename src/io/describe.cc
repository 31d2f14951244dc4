#include "io/describe.h"

#include <filesystem>
#include <map>

#include "base/error.h"
#include "io/json_file.h"
#include "io/model_config.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

// The text with what is not UTF-8 replaced, cut where it is too long.
std::string clean(const std::string& text, size_t longest) {
  const std::string shown = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string whole = Json::parse(shown).get<std::string>();
  if (whole.size() <= longest) return whole;
  size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(whole[end]) & 0xc0) == 0x80) --end;  // not inside a character
  return whole.substr(0, end) + fmt::format("... ({} bytes)", whole.size());
}

Json brief(const Json& value, const DescribeOptions& o) {
  if (value.is_string()) return clean(value.get<std::string>(), 100 * o.longest);
  if (value.is_object()) {
    Json out = Json::object();
    for (const auto& [key, v] : value.items()) out[clean(key, 100 * o.longest)] = brief(v, o);
    return out;
  }
  if (!value.is_array()) return value;
  Json list = Json::array();
  for (const Json& v : value) {
    if (list.size() == o.longest) break;
    list.push_back(brief(v, o));
  }
  if (value.size() <= o.longest) return list;
  return {{"items", value.size()}, {"first", list}};
}

Json model_of(const ModelConfig& c) {
  Json m = {{"family", c.family},
            {"layers", c.layers},
            {"width", c.width},
            {"heads", c.heads},
            {"kv_heads", c.kv_heads},
            {"head_dim", c.head_dim},
            {"ff_width", c.ff_width},
            {"vocab", c.vocab},
            {"context", c.context},
            {"tied_embeddings", c.tied_embeddings},
            {"rope_theta", c.position.theta},
            {"rope_scaling", c.position.scaling}};
  if (c.window > 0) m["window"] = c.window;
  if (c.experts > 0) m.update({{"experts", c.experts}, {"experts_used", c.experts_used}});
  m["bos"] = c.bos;
  m["eos"] = c.eos;
  return m;
}

// What the files beside safetensors say; nothing for GGUF, which says all in its metadata.
void put_neighbours(const Checkpoint& c, const DescribeOptions& o, Json& out) {
  if (c.format == "gguf") return;
  const fs::path dir = fs::is_directory(c.path) ? fs::path(c.path) : fs::path(c.path).parent_path();
  for (const auto& [key, name] : {std::pair("config", "config.json"), std::pair("adapter", "adapter_config.json")})
    if (fs::exists(dir / name)) out[key] = brief(read_json_file((dir / name).string()), o);
}

bool has_config(const Checkpoint& c, const Json& described) {
  return c.format == "gguf" ? c.metadata.contains("general.architecture") : described.contains("config");
}

}  // namespace

Json describe(const Checkpoint& c, const DescribeOptions& o) {
  Json out = {{"format", c.format}, {"files", Json::array()}};
  for (const auto& file : c.files) out["files"].push_back({{"path", file->path()}, {"bytes", file->bytes().size()}});
  int64_t parameters = 0, bytes = 0;
  std::map<std::string, std::pair<int64_t, int64_t>> types;
  Json tensors = Json::array();
  for (const TensorView& t : c.tensors) {
    parameters += t.elements();
    bytes += static_cast<int64_t>(t.bytes);
    auto& [count, size] = types[info(t.dtype).name];
    ++count;
    size += static_cast<int64_t>(t.bytes);
    tensors.push_back({{"name", clean(t.name, t.name.size())},
                       {"dtype", info(t.dtype).name},
                       {"shape", t.shape},
                       {"bytes", t.bytes}});
  }
  out.update({{"parameters", parameters}, {"bytes", bytes}});
  for (const auto& [type, sums] : types) out["types"][type] = {{"tensors", sums.first}, {"bytes", sums.second}};
  put_neighbours(c, o, out);
  if (has_config(c, out)) {
    try {
      out["model"] = model_of(read_model_config(c));
    } catch (const Error& e) {  // a vocabulary alone, a family that is not known: the rest is still worth showing
      out["model"] = nullptr;
      out["model_error"] = clean(e.what(), 200);
    }
  }
  out["metadata"] = brief(c.metadata, o);
  out["tensors"] = std::move(tensors);
  return out;
}

}  // namespace frugal
