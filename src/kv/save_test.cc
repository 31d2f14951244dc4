// Saved caches: what is saved comes back bit for bit, and files from strangers are refused before they can do harm.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "kv/attend_harness.h"

namespace frugal {
namespace {

struct SavedCache : testing::Test {
  testkit::LayerSetup setup = testkit::make_setup(2, 2, 48, 32);
  testkit::Rows rows{setup.shape, setup.spec.heads, 120, 41};
  ThreadTeam team{1, false};
  std::string path =
      (std::filesystem::temp_directory_path() / ("frugal_saved_cache_" + std::to_string(getpid()))).string();
  std::vector<int32_t> ids = {5, 6, 7, -1, 9};
  ~SavedCache() override { std::filesystem::remove(path); }

  std::unique_ptr<KvPool> pool(const char* spec = "q8", int64_t max_rows = 4096) {
    KvPoolOptions o = setup.pool(spec, false);
    o.max_rows = max_rows;
    return make_kv_pool(o);
  }
  std::vector<float> feed(KvPool& p, KvSeq& seq, int first, int n) {
    auto out = testkit::attend_step(p, setup, {{&seq, &rows, first, n}}, team);
    seq.commit(n);
    return out;
  }
  std::string saved(int n) {
    auto p = pool();
    auto seq = p->create();
    feed(*p, *seq, 0, n);
    seq->save(path, ids);
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void put(const std::string& bytes) const { std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes; }
  // The message when loading the bytes fails; empty when it does not.
  std::string refusal(const std::string& bytes) {
    put(bytes);
    auto p = pool();
    auto seq = p->create();
    try {
      seq->load(path);
      return "";
    } catch (const Error& e) {
      EXPECT_EQ(seq->length(), 0) << "a failed load must not leave half a sequence";
      return e.what();
    }
  }
};

TEST_F(SavedCache, ComesBackBitForBit) {
  for (const char* spec : {"f32", "f16", "k:q8 | v:f16"})
    for (int n : {1, 32, 75}) {
      auto p = pool(spec), other = pool(spec);
      auto seq = p->create();
      feed(*p, *seq, 0, n);
      seq->save(path, ids);
      auto back = other->create();
      feed(*other, *back, 80, 40);  // replaced
      EXPECT_EQ(back->load(path), ids);
      ASSERT_EQ(back->length(), n);
      EXPECT_EQ(back->bytes(), seq->bytes());
      EXPECT_EQ(feed(*other, *back, 80, 40), feed(*p, *seq, 80, 40)) << spec << ", " << n << " rows";
    }
  EXPECT_FALSE(std::filesystem::exists(path + ".part"));
}

TEST_F(SavedCache, EveryTruncationIsRefused) {
  const std::string whole = saved(40);
  EXPECT_EQ(refusal(whole), "");
  for (size_t n = 0; n < whole.size(); n += n < 300 ? 1 : 997)
    EXPECT_NE(refusal(whole.substr(0, n)), "") << n << " of " << whole.size() << " bytes";
  EXPECT_NE(refusal(whole.substr(0, whole.size() - 1)), "");
  EXPECT_NE(refusal(whole + "x"), "");
}

TEST_F(SavedCache, WrongHeadersAreRefusedByName) {
  const std::string whole = saved(40);
  auto patched = [&](size_t offset, const std::string& bytes) {
    std::string s = whole;
    return s.replace(offset, bytes.size(), bytes);
  };
  uint32_t spec_bytes;
  std::memcpy(&spec_bytes, &whole[12], 4);
  // Behind the spec "paged" as text, length, number of ids, ids, heads (none); then the layout's extent bytes.
  const size_t length = 16 + spec_bytes + 4 + 5, heads = length + 16 + ids.size() * 4;
  EXPECT_NE(refusal(patched(0, "NOTCACHE")).find("not a saved cache"), std::string::npos);
  EXPECT_NE(refusal(patched(8, "\x03")).find("version 3"), std::string::npos);
  EXPECT_NE(refusal(patched(16, "k:")), "");
  const std::string huge(8, '\x7f'), negative(8, '\xff');
  for (size_t field : {length, length + 8, heads + 4}) {
    EXPECT_NE(refusal(patched(field, huge)), "") << field;
    EXPECT_NE(refusal(patched(field, negative)), "") << field;
  }
  for (size_t field : {size_t{12}, size_t{16 + spec_bytes}, heads})
    EXPECT_NE(refusal(patched(field, std::string(4, '\xff'))), "") << field;
}

TEST_F(SavedCache, OfAnotherSpecOrShapeOrPool) {
  saved(40);
  EXPECT_THROW(pool("f16")->create()->load(path), Error);
  EXPECT_THROW(pool("q8", 32)->create()->load(path), Error);
  KvPoolOptions wider = setup.pool("q8");
  wider.layers = {{2, 64, 32}};
  EXPECT_THROW(make_kv_pool(wider)->create()->load(path), Error);
  EXPECT_THROW(pool()->create()->load(path + ".absent"), Error);
  EXPECT_THROW(pool()->create()->save("/nonexistent/folder/cache", ids), Error);
}

}  // namespace
}  // namespace frugal
