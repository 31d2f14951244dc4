// Saved caches: the file that both layouts write, and the paged one's content.
#include "kv/cache_file.h"

#include <algorithm>

#include "base/mapped_file.h"
#include "kv/pool.h"

namespace frugal {
namespace {

constexpr char kMagic[] = "FRUGALKV";
constexpr uint32_t kVersion = 2;

}  // namespace

CacheWriter::CacheWriter(std::string path, const CacheIndex& index)
    : path_(std::move(path)), part_(path_ + ".part"), file_(std::fopen(part_.c_str(), "wb")), good_(file_ != nullptr) {
  put(kMagic, 8);
  number(kVersion);
  text(index.spec);
  text(index.layout);
  number(static_cast<uint64_t>(index.length));
  number(static_cast<uint64_t>(index.ids.size()));
  list(index.ids, index.ids.size());
  number(static_cast<uint32_t>(index.heads.size()));
  for (const CacheIndex::Head& h : index.heads) {
    number(static_cast<uint32_t>(h.layer));
    number(static_cast<uint64_t>(h.tokens.size()));
    list(h.tokens, h.tokens.size());
  }
}

CacheWriter::~CacheWriter() {
  if (file_ == nullptr) return;
  file_.reset();
  std::remove(part_.c_str());
}

void CacheWriter::put(const void* p, size_t bytes) {
  good_ = good_ && (bytes == 0 || std::fwrite(p, 1, bytes, file_.get()) == bytes);
}

void CacheWriter::text(const std::string& s) {
  number(static_cast<uint32_t>(s.size()));
  put(s.data(), s.size());
}

void CacheWriter::finish() {
  good_ = good_ && std::fflush(file_.get()) == 0;
  file_.reset();
  if (good_ && std::rename(part_.c_str(), path_.c_str()) == 0) return;
  std::remove(part_.c_str());
  fail(ErrorCode::kIo, "kv", "cannot write the cache to {}", path_);
}

bool is_saved_cache(std::span<const std::byte> bytes) {
  return bytes.size() >= 8 && std::memcmp(bytes.data(), kMagic, 8) == 0;
}

CacheIndex read_cache_index(ByteReader& in, const std::string& path) {
  if (in.text(8, "magic") != std::string(kMagic, 8)) fail(ErrorCode::kBadInput, "kv", "{} is not a saved cache", path);
  if (const auto version = in.number<uint32_t>("version"); version != kVersion)
    fail(ErrorCode::kUnsupported, "kv", "{} is of version {}, expected {}", path, version, kVersion);
  CacheIndex index;
  index.spec = in.text(in.number<uint32_t>("spec length"), "spec");
  index.layout = in.text(in.number<uint32_t>("layout length"), "layout");
  const auto length = in.number<uint64_t>("length");
  if (length > uint64_t{1} << 31) fail(ErrorCode::kBadInput, "kv", "{} is damaged: it claims {} tokens", path, length);
  index.length = static_cast<int64_t>(length);
  index.ids = read_list<int32_t>(in, in.number<uint64_t>("ids"), "ids");
  const auto heads = in.number<uint32_t>("heads");
  in.need(heads, 12, "heads");
  index.heads.resize(heads);
  for (CacheIndex::Head& h : index.heads) {
    h.layer = static_cast<int>(in.number<uint32_t>("layer") & 0x7fffffff);
    h.tokens = read_list<int32_t>(in, in.number<uint64_t>("slots"), "tokens");
  }
  return index;
}

CacheIndex read_cache_index(ByteReader& in, const std::string& path, const std::string& spec) {
  CacheIndex index = read_cache_index(in, path);
  if (index.spec != spec)
    fail(ErrorCode::kBadInput, "kv", "{} was saved under --kv \"{}\", this run has \"{}\"", path, index.spec, spec);
  return index;
}

// Paged: u64 extent bytes, positions i32, extents.
void PagedSeq::save(const std::string& path, const std::vector<int32_t>& ids) const {
  CacheWriter out(path, {pool_.spec(), "paged", length_, ids, {}});
  out.number(static_cast<uint64_t>(pool_.extent_bytes()));
  out.list(positions_, static_cast<size_t>(length_));
  for (int64_t e = 0; e * kPageRows < length_; ++e) out.put(extents_[static_cast<size_t>(e)], pool_.extent_bytes());
  out.finish();
}

std::vector<int32_t> PagedSeq::load(const std::string& path) {
  const MappedFile file(path);
  ByteReader in(file.bytes(), "kv", path);
  const CacheIndex index = read_cache_index(in, path, pool_.spec());
  const uint64_t bytes = in.number<uint64_t>("extent bytes"), length = static_cast<uint64_t>(index.length);
  if (bytes != pool_.extent_bytes())
    fail(ErrorCode::kBadInput, "kv", "{} is of another model: {} bytes a page group, expected {}", path, bytes,
         pool_.extent_bytes());
  const auto positions = read_list<int32_t>(in, length, "positions");
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
  length_ = index.length;
  return index.ids;
}

}  // namespace frugal
