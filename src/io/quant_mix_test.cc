// Every tensor's type in every mix against llama-quantize (tests/golden/mixes.json, tools/golden/make_mix_goldens.py).
#include "io/quant_mix.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"

namespace frugal {
namespace {

using Json = nlohmann::ordered_json;

// The golden lists, for each mix, the type that most tensors have and by name those with another.
std::string golden_type(const Json& mix, const std::string& name, bool vector) {
  if (vector) return "f32";
  for (const auto& [type, names] : mix.items())
    if (names.is_array() && std::find(names.begin(), names.end(), name) != names.end()) return type;
  return mix["most"].get<std::string>();
}

TEST(QuantMix, ChoosesAsLlamaQuantize) {
  const Json models = Json::parse(std::ifstream(std::string(FRUGAL_SOURCE_DIR) + "/tests/golden/mixes.json"));
  ASSERT_EQ(models.size(), 6u);
  for (const Json& m : models) {
    const MixContext context{m["layers"].get<int64_t>(), m["heads_per_kv"].get<int64_t>(), m["experts"].get<int64_t>(),
                             m["tied"].get<bool>()};
    for (const QuantMix& mix : all_mixes()) {
      const Json& golden = m["mixes"].at(mix.name);
      for (const auto& [name, shape] : m["tensors"].items()) {
        const TensorView t{name, DType::kF32, shape.get<std::vector<int64_t>>(), nullptr, 0};
        ASSERT_EQ(info(mixed_type(mix, t, context)).name, golden_type(golden, name, shape.size() == 1))
            << m["title"] << " " << mix.name << " " << name;
      }
    }
  }
}

TEST(QuantMix, Names) {
  EXPECT_EQ(find_mix("Q4_K_M").file_type, 15);
  EXPECT_EQ(all_mixes().size(), 17u);
  try {
    find_mix("q4_k_n");
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("did you mean 'q4_k_s'"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace frugal
