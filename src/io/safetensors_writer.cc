// Safetensors: the JSON header in the order of declaration, padded with spaces to a multiple of 8 bytes.
#include "base/error.h"
#include "io/stream_writer.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

// __metadata__ maps texts to texts; anything else is written as its JSON.
Json texts_of(const Json& metadata) {
  Json out = Json::object();
  for (const auto& [key, v] : metadata.items())
    out[key] = v.is_string() ? v.get<std::string>() : v.dump(-1, ' ', false, Json::error_handler_t::replace);
  return out;
}

std::string quoted(const std::string& text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); }

class SafetensorsWriter : public StreamWriter {
 public:
  using StreamWriter::StreamWriter;

 private:
  bool holds(DType dtype) const override { return info(dtype).safetensors != nullptr; }

  // Written as text: an ordered JSON object takes quadratic time to fill.
  std::string header(const Json& metadata) override {
    place(1);
    std::string text = "{";
    if (!metadata.empty())
      text += "\"__metadata__\":" + texts_of(metadata).dump(-1, ' ', false, Json::error_handler_t::replace) + ",";
    for (const Entry& e : tensors())
      text += fmt::format("{}:{{\"dtype\":\"{}\",\"shape\":{},\"data_offsets\":[{},{}]}},", quoted(e.tensor.name),
                          info(e.tensor.dtype).safetensors, Json(e.tensor.shape).dump(), e.offset,
                          e.offset + e.tensor.bytes);
    if (text.back() == ',') text.pop_back();
    text += "}";
    text.resize((text.size() + 7) / 8 * 8, ' ');
    const uint64_t length = text.size();
    return std::string(reinterpret_cast<const char*>(&length), 8) + text;
  }
};

}  // namespace

std::unique_ptr<CheckpointWriter> create_safetensors(const std::string& path) {
  return std::make_unique<SafetensorsWriter>(path);
}

}  // namespace frugal
