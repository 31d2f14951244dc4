// config.json from anywhere, with itself as generation_config.json too; names are mapped both ways for what it
// describes.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "io/config_reader.h"
#include "io/json_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto json = frugal::parse_json(reinterpret_cast<const char*>(data), size, "config.json");
    const frugal::ModelConfig c = frugal::config_from_json(json, json);
    for (const char* name : {"blk.0.ffn_norm.weight", "output.weight"}) {
      const std::string file = frugal::file_name_of(name, c, "safetensors");
      if (frugal::engine_name_of(file, c, "safetensors") != name) __builtin_trap();
    }
  } catch (const frugal::Error&) {
  }
  return 0;
}
