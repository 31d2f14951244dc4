// text(...): plain text files, each one document, named by its path. Packed files are unpacked; bytes that are no UTF-8
// are read in the character set that they look like (web/warc.h).
//
// Files are put together into parts of about 256 MiB, so that a folder of a million small files is not a million parts.
#include <fmt/format.h>

#include <cstring>
#include <filesystem>

#include "data/byte_stream.h"
#include "data/files.h"
#include "data/hash.h"
#include "data/op.h"
#include "data/web/warc.h"

namespace frugal::data {
namespace {

constexpr uint64_t kPartBytes = uint64_t{256} << 20;
constexpr uint64_t kOpening = 4096;  // what opening a file costs, in bytes read

// All of a file, unpacked; false when it is longer than `longest`.
bool read_whole(const std::string& path, size_t longest, std::string& out, Faults& faults) {
  const auto stream = open_stream({path, 0, std::filesystem::file_size(path)});
  std::vector<char> buffer(256 << 10);
  out.clear();
  while (out.size() <= longest) {
    const size_t n = stream->read(buffer.data(), buffer.size(), faults);
    if (n == 0 && !stream->broken()) return true;
    out.append(buffer.data(), n);
  }
  return false;
}

// In a block stand the lengths of a path and a text, the path, the text; and so on.
class FilesReader : public BlockReader {
 public:
  FilesReader(const std::vector<std::string>& files, const Part& part, size_t longest)
      : files_(files), at_(part.begin), end_(part.end), longest_(longest) {}

  bool next(RawBlock& block, Faults& faults) override {
    block.bytes.clear();
    while (block.bytes.size() < kBlockBytes && at_ < end_) add(files_[at_++], block.bytes, faults);
    block.size = block.bytes.size();
    return block.size > 0;
  }

 private:
  void add(const std::string& path, std::vector<char>& bytes, Faults& faults) {
    if (!read_whole(path, longest_, text_, faults)) return void(++faults["file too long"]);
    const uint64_t lengths[2] = {path.size(), text_.size()};
    const auto* raw = reinterpret_cast<const char*>(lengths);
    bytes.insert(bytes.end(), raw, raw + sizeof lengths);
    bytes.insert(bytes.end(), path.begin(), path.end());
    bytes.insert(bytes.end(), text_.begin(), text_.end());
  }

  const std::vector<std::string>& files_;
  uint64_t at_, end_;
  size_t longest_;
  std::string text_;
};

class TextSource : public Source {
 public:
  TextSource(const std::string& pattern, size_t longest) : files_(matching_files(pattern)), longest_(longest) {}

  // A part is a run of files: begin and end are their numbers, path its first.
  std::vector<Part> parts() const override {
    std::vector<Part> parts;
    for (size_t f = 0; f < files_.size(); ++f) {
      if (parts.empty() || parts.back().bytes >= kPartBytes) parts.push_back({files_[f], f, f});
      Part& part = parts.back();
      part.end = f + 1;
      part.bytes += std::filesystem::file_size(files_[f]) + kOpening;
      part.more = fmt::format("{:016x}", hash_bytes(part.more + file_key(files_[f])));
    }
    return parts;
  }
  std::unique_ptr<BlockReader> open(const Part& part) const override {
    return std::make_unique<FilesReader>(files_, part, longest_);
  }

  void parse(RawBlock block, Batch& batch, Faults&) const override {
    for (size_t at = 0; at < block.size;) {
      uint64_t lengths[2];
      std::memcpy(lengths, block.bytes.data() + at, sizeof lengths);
      at += sizeof lengths;
      const std::string_view path(block.bytes.data() + at, lengths[0]), text(path.data() + path.size(), lengths[1]);
      at += path.size() + text.size();
      batch.add(batch.arena.keep(to_utf8(text, "", false)), batch.arena.keep(to_utf8(path, "charset=utf-8", false)),
                "");
    }
    batch.source_bytes += block.size;
  }

 private:
  std::vector<std::string> files_;
  size_t longest_;
};

const Register<MakeEnd> kText(
    {.kind = "data",
     .role = "source",
     .name = "text",
     .help = "plain text files, each a document",
     .params = {ParamInfo::text("path", "a file, a folder, or a pattern with * and ?; .gz and .zst too"),
                ParamInfo::bytes("longest", "longer files are left out and counted").preset("64MiB")}},
    [](const Args& a, bool) {
      End end;
      end.source = std::make_unique<TextSource>(a.text("path"), static_cast<size_t>(a.bytes("longest")));
      return end;
    });

}  // namespace
}  // namespace frugal::data
