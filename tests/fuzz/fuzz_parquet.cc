// A Parquet file from anywhere: refused, or documents of valid UTF-8 whose metadata is JSON. The libraries are not
// instrumented; what is made of their arrays is.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/op.h"
#include "data/spill.h"
#include "fuzz_file.h"

namespace {

using namespace frugal::data;

void read_all(const Source& source) {
  Faults faults;
  for (const Part& part : source.parts()) {
    const auto reader = source.open(part);
    for (RawBlock block; reader->next(block, faults);) {
      Batch batch;
      source.parse(std::move(block), batch, faults);
      block = {};
      Schema schema;
      schema.columns = source.columns();
      std::string lines;
      encode_jsonl(batch, schema, false, true, lines);
      for (size_t at = 0; at < lines.size(); at = lines.find('\n', at) + 1)
        if (!nlohmann::json::accept(lines.substr(at, lines.find('\n', at) - at))) __builtin_trap();
      std::string spilled;
      spill_batch(batch, schema.columns, spilled);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static FuzzFile file;
  file.set(data, size);
  try {
    const auto unit = frugal::parse_unit("parquet(\"" + file.path() + "\")");
    read_all(*frugal::make_method<MakeEnd>("data", unit, false).source);
  } catch (const frugal::Error&) {
  }
  return 0;
}
