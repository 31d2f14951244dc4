// What a --kv line gives each layer: the narrowest scope wins, printing is canonical, mistakes are refused by name.
#include "kv/spec.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace frugal {
namespace {

// "k/v" codecs of each layer.
std::vector<std::string> codecs(const std::string& text, int layers) {
  std::vector<std::string> names;
  for (const LayerSpec& l : resolve_kv_spec(text, layers)) names.push_back(l.k_codec.name + "/" + l.v_codec.name);
  return names;
}
using Names = std::vector<std::string>;

TEST(KvSpec, DefaultsAreFullPagedF16) {
  const auto specs = resolve_kv_spec("full", 2);
  ASSERT_EQ(specs.size(), 2u);
  EXPECT_EQ(specs[1].policy.name, "full");
  EXPECT_EQ(specs[1].layout.name, "paged");
  EXPECT_EQ(codecs("full", 1), Names{"f16/f16"});
}

TEST(KvSpec, SidesAndLayers) {
  EXPECT_EQ(codecs("q8", 1), Names{"q8/q8"});
  EXPECT_EQ(codecs("k:q8", 1), Names{"q8/f16"});
  EXPECT_EQ(codecs("k:q8 | v:f32", 1), Names{"q8/f32"});
  EXPECT_EQ(codecs("L0-1:f32", 3), (Names{"f32/f32", "f32/f32", "f16/f16"}));
  EXPECT_EQ(codecs("L0,2-:v:q8", 4), (Names{"f16/q8", "f16/f16", "f16/q8", "f16/q8"}));
}

TEST(KvSpec, NarrowestScopeWinsWhateverTheOrder) {
  for (const char* text : {"q8 | k:bf16 | L1:f32 | L1:k:f16", "L1:k:f16 | L1:f32 | k:bf16 | q8"})
    EXPECT_EQ(codecs(text, 2), (Names{"bf16/q8", "f16/f32"})) << text;
}

TEST(KvSpec, AnotherRoleKeepsTheCodec) {
  EXPECT_EQ(codecs("q8 | L0:full", 2), (Names{"q8/q8", "q8/q8"}));
  EXPECT_EQ(codecs("full | paged | k:q8", 1), Names{"q8/f16"});
}

TEST(KvSpec, CanonicalFormParsesBackToItself) {
  for (const char* text : {"full", "k:q8|v:q8", "  L0-1:f16 |  q8", "L0,1,2:k:bf16"}) {
    const std::string once = canonical_kv_spec(text);
    EXPECT_EQ(canonical_kv_spec(once), once) << text;
    EXPECT_EQ(codecs(once, 4), codecs(text, 4)) << text;
  }
  EXPECT_EQ(canonical_kv_spec("k:q8|v:q8"), "k:q8 | v:q8");
}

TEST(KvSpec, RefusalsNameWhatWasFound) {
  auto refusal = [](const char* text) -> std::string {
    try {
      resolve_kv_spec(text, 2);
      return "";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kUsage) << text;
      return e.what();
    }
  };
  EXPECT_NE(refusal("q9").find("q9"), std::string::npos);
  EXPECT_NE(refusal("k:full").find("full"), std::string::npos);
  EXPECT_NE(refusal("v:paged").find("paged"), std::string::npos);
  EXPECT_NE(refusal("q8(bits=3)").find("bits"), std::string::npos);
  EXPECT_NE(refusal("q8 | | f16"), "");
  EXPECT_NE(refusal("L3-1:q8"), "");
  EXPECT_NE(refusal("x:q8"), "");
}

// One of each role for each scope: two codecs in the same place are a mistake, not a race.
TEST(KvSpec, TwoOfARoleInOneScopeAreRefused) {
  EXPECT_THROW(resolve_kv_spec("q8 | f16", 2), Error);
  EXPECT_THROW(resolve_kv_spec("k:q8 | k:f16", 2), Error);
  EXPECT_NO_THROW(resolve_kv_spec("q8 | k:f16", 2));
}

}  // namespace
}  // namespace frugal
