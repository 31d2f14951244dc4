// Saved caches: magic and version, the pool's canonical spec, shapes, then ids, positions and the extents as they are.
//
//   "FRUGALKV" u32 version=1 u32 spec bytes, spec, u64 extent bytes, u64 length, u64 ids, ids i32, positions i32, extents
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/mapped_file.h"
#include "base/byte_reader.h"
#include "kv/pool.h"

namespace frugal {
namespace {

constexpr char kMagic[] = "FRUGALKV";
constexpr uint32_t kVersion = 1;

struct Close {
  void operator()(FILE* f) const { std::fclose(f); }
};

}  // namespace

void PagedSeq::save(const std::string& path, const std::vector<int32_t>& ids) const {
  const std::string temporary = path + ".part";
  std::unique_ptr<FILE, Close> f(std::fopen(temporary.c_str(), "wb"));
  bool good = f != nullptr;
  auto put = [&](const void* p, size_t n) { good = good && std::fwrite(p, 1, n, f.get()) == n; };
  auto number = [&](auto x) { put(&x, sizeof x); };
  const std::string spec = pool_.spec();
  put(kMagic, 8);
  number(kVersion);
  number(static_cast<uint32_t>(spec.size()));
  put(spec.data(), spec.size());
  number(static_cast<uint64_t>(pool_.extent_bytes()));
  number(static_cast<uint64_t>(length_));
  number(static_cast<uint64_t>(ids.size()));
  put(ids.data(), ids.size() * 4);
  put(positions_.data(), static_cast<size_t>(length_) * 4);
  for (int64_t e = 0; e * kPageRows < length_; ++e) put(extents_[static_cast<size_t>(e)], pool_.extent_bytes());
  good = good && std::fflush(f.get()) == 0;
  f.reset();
  if (!good || std::rename(temporary.c_str(), path.c_str()) != 0) {
    std::remove(temporary.c_str());
    fail(ErrorCode::kIo, "kv", "cannot write the cache to {}", path);
  }
}

std::vector<int32_t> PagedSeq::load(const std::string& path) {
  const MappedFile file(path);
  ByteReader in(file.bytes(), "kv", path);
  if (in.text(8, "magic") != std::string(kMagic, 8)) fail(ErrorCode::kBadInput, "kv", "{} is not a saved cache", path);
  if (const auto version = in.number<uint32_t>("version"); version != kVersion)
    fail(ErrorCode::kUnsupported, "kv", "{} is of version {}, expected {}", path, version, kVersion);
  const std::string spec = in.text(in.number<uint32_t>("spec length"), "spec");
  if (spec != pool_.spec()) fail(ErrorCode::kBadInput, "kv", "{} was saved under --kv \"{}\", this run has \"{}\"", path, spec, pool_.spec());
  const uint64_t bytes = in.number<uint64_t>("extent bytes"), length = in.number<uint64_t>("length"), count = in.number<uint64_t>("ids");
  if (bytes != pool_.extent_bytes()) fail(ErrorCode::kBadInput, "kv", "{} is of another model: {} bytes a page group, expected {}", path, bytes, pool_.extent_bytes());
  in.need(count, 4, "ids");
  in.need(length, 4, "positions");
  std::vector<int32_t> ids(static_cast<size_t>(count));
  for (int32_t& id : ids) id = in.number<int32_t>("id");
  std::vector<int32_t> positions(static_cast<size_t>(length));
  for (int32_t& p : positions) p = in.number<int32_t>("position");
  const uint64_t pages = (length + kPageRows - 1) / kPageRows;
  in.need(pages, bytes, "pages");
  if (in.left() != pages * bytes) fail(ErrorCode::kBadInput, "kv", "{} has {} bytes of pages, expected {}", path, in.left(), pages * bytes);
  truncate(0);
  if (!reserve(static_cast<int64_t>(length))) fail(ErrorCode::kIo, "kv", "{} holds {} rows, more than the cache may", path, length);
  std::copy(positions.begin(), positions.end(), positions_.begin());
  for (uint64_t e = 0; e < pages; ++e) {
    const std::string raw = in.text(bytes, "pages");
    std::memcpy(extents_[e], raw.data(), raw.size());
  }
  length_ = static_cast<int64_t>(length);
  return ids;
}

}  // namespace frugal
