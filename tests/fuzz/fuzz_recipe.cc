// A recipe from anywhere: refused, or a spec that parses to itself.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "base/spec.h"
#include "data/recipe.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const auto recipe = frugal::data::parse_recipe({reinterpret_cast<const char*>(data), size}, "recipe.toml");
    if (frugal::to_string(frugal::parse_spec(recipe.spec)) != recipe.spec) __builtin_trap();
  } catch (const frugal::Error&) {
  }
  return 0;
}
