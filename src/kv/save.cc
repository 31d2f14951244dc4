// Saved caches: the file that both layouts write, and the paged one's content.
#include "kv/cache_file.h"

#include <algorithm>

#include "base/mapped_file.h"
#include "kv/pool.h"

namespace frugal {
namespace {

constexpr char kMagic[] = "FRUGALKV";
constexpr uint32_t kVersion = 1;

}  // namespace

CacheWriter::CacheWriter(std::string path, const std::string& spec)
    : path_(std::move(path)), part_(path_ + ".part"), file_(std::fopen(part_.c_str(), "wb")), good_(file_ != nullptr) {
  put(kMagic, 8);
  number(kVersion);
  number(static_cast<uint32_t>(spec.size()));
  put(spec.data(), spec.size());
}

CacheWriter::~CacheWriter() {
  if (file_ == nullptr) return;
  file_.reset();
  std::remove(part_.c_str());
}

void CacheWriter::put(const void* p, size_t bytes) {
  good_ = good_ && (bytes == 0 || std::fwrite(p, 1, bytes, file_.get()) == bytes);
}

void CacheWriter::finish() {
  good_ = good_ && std::fflush(file_.get()) == 0;
  file_.reset();
  if (good_ && std::rename(part_.c_str(), path_.c_str()) == 0) return;
  std::remove(part_.c_str());
  fail(ErrorCode::kIo, "kv", "cannot write the cache to {}", path_);
}

void read_cache_header(ByteReader& in, const std::string& path, const std::string& spec) {
  if (in.text(8, "magic") != std::string(kMagic, 8)) fail(ErrorCode::kBadInput, "kv", "{} is not a saved cache", path);
  if (const auto version = in.number<uint32_t>("version"); version != kVersion)
    fail(ErrorCode::kUnsupported, "kv", "{} is of version {}, expected {}", path, version, kVersion);
  const std::string saved = in.text(in.number<uint32_t>("spec length"), "spec");
  if (saved != spec)
    fail(ErrorCode::kBadInput, "kv", "{} was saved under --kv \"{}\", this run has \"{}\"", path, saved, spec);
}

// Paged: u64 extent bytes, u64 length, u64 ids, ids i32, positions i32, extents.
void PagedSeq::save(const std::string& path, const std::vector<int32_t>& ids) const {
  CacheWriter out(path, pool_.spec());
  out.number(static_cast<uint64_t>(pool_.extent_bytes()));
  out.number(static_cast<uint64_t>(length_));
  out.number(static_cast<uint64_t>(ids.size()));
  out.list(ids, ids.size());
  out.list(positions_, static_cast<size_t>(length_));
  for (int64_t e = 0; e * kPageRows < length_; ++e) out.put(extents_[static_cast<size_t>(e)], pool_.extent_bytes());
  out.finish();
}

std::vector<int32_t> PagedSeq::load(const std::string& path) {
  const MappedFile file(path);
  ByteReader in(file.bytes(), "kv", path);
  read_cache_header(in, path, pool_.spec());
  const uint64_t bytes = in.number<uint64_t>("extent bytes"), length = in.number<uint64_t>("length"),
                 count = in.number<uint64_t>("ids");
  if (bytes != pool_.extent_bytes())
    fail(ErrorCode::kBadInput, "kv", "{} is of another model: {} bytes a page group, expected {}", path, bytes,
         pool_.extent_bytes());
  in.need(count, 4, "ids");
  in.need(length, 4, "positions");
  const auto ids = read_list<int32_t>(in, count, "ids"), positions = read_list<int32_t>(in, length, "positions");
  const uint64_t pages = (length + kPageRows - 1) / kPageRows;
  in.need(pages, bytes, "pages");
  if (in.left() != pages * bytes)
    fail(ErrorCode::kBadInput, "kv", "{} has {} bytes of pages, expected {}", path, in.left(), pages * bytes);
  truncate(0);
  if (!reserve(static_cast<int64_t>(length)))
    fail(ErrorCode::kIo, "kv", "{} holds {} rows, more than the cache may", path, length);
  std::copy(positions.begin(), positions.end(), positions_.begin());
  for (uint64_t e = 0; e < pages; ++e) {
    const std::string raw = in.text(bytes, "pages");
    std::memcpy(extents_[e], raw.data(), raw.size());
  }
  length_ = static_cast<int64_t>(length);
  return ids;
}

}  // namespace frugal
