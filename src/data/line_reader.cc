#include "data/line_reader.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "data/byte_stream.h"

namespace frugal::data {
namespace {

// A piece of a plain file holds the lines that begin in [begin, end): reading starts one byte before, to see whether a
// line begins at `begin`, and goes past `end` to finish the last one.
class LineReader : public BlockReader {
 public:
  LineReader(const Part& part, size_t longest) : longest_(longest), end_(part.end) {
    Part whole = part;
    if (is_packed(part.path)) {
      end_ = ~uint64_t{0};
    } else {
      skipping_ = part.begin > 0;
      whole.begin -= skipping_ ? 1 : 0;
      whole.end = std::filesystem::file_size(part.path);
    }
    at_ = whole.begin;
    stream_ = open_stream(whole);
  }

  bool next(RawBlock& block, Faults& faults) override {
    while (!ended_) {
      fill(block, faults);
      if (skipping_) skip_line(block);
      if (skipping_) continue;
      cut(block);
      if (block.size > 0) return true;
      if (tail_.size() > longest_) leave_out_tail(faults);
    }
    return false;
  }

 private:
  // The bytes kept from before, then new ones up to the size of a block.
  void fill(RawBlock& block, Faults& faults) {
    const size_t want = std::max(kBlockBytes, tail_.size() * 2);
    block.bytes.resize(want + kPadding);
    std::copy(tail_.begin(), tail_.end(), block.bytes.begin());
    block.size = tail_.size();
    tail_.clear();
    while (block.size < want && !eof_) {
      const size_t n = stream_->read(block.bytes.data() + block.size, want - block.size, faults);
      block.size += n;
      if (stream_->broken()) {  // what comes next does not finish the last line
        faults["line cut by broken data"] += block.size > lines_end(block) ? 1 : 0;
        block.size = lines_end(block);
      } else {
        eof_ = n == 0;
      }
    }
  }

  static size_t lines_end(const RawBlock& block) {
    const void* newline = block.size == 0 ? nullptr : ::memrchr(block.bytes.data(), '\n', block.size);
    return newline == nullptr ? 0 : static_cast<size_t>(static_cast<const char*>(newline) - block.bytes.data()) + 1;
  }
  static size_t line_end(const RawBlock& block, size_t from) {  // past the first line break at or after from
    const void* newline = std::memchr(block.bytes.data() + from, '\n', block.size - from);
    return newline == nullptr ? block.size
                              : static_cast<size_t>(static_cast<const char*>(newline) - block.bytes.data()) + 1;
  }

  // Takes the rest of a line from the block's front.
  void skip_line(RawBlock& block) {
    const size_t gone = line_end(block, 0);
    skipping_ = gone == 0 || block.bytes[gone - 1] != '\n';
    at_ += gone;
    block.size -= gone;
    std::memmove(block.bytes.data(), block.bytes.data() + gone, block.size);
    ended_ = skipping_ && eof_;
  }

  // Leaves whole lines in the block, those that begin before end_, and keeps the rest for the next.
  void cut(RawBlock& block) {
    size_t end = eof_ ? block.size : lines_end(block);
    ended_ = eof_;
    if (at_ >= end_) {
      end = 0;
      ended_ = true;
    } else if (at_ + end > end_) {
      end = line_end(block, end_ - at_ - 1);
      ended_ = true;
    }
    tail_.assign(block.bytes.data() + end, block.bytes.data() + block.size);
    block.size = end;
    at_ += end;
  }

  void leave_out_tail(Faults& faults) {
    ++faults["line too long"];
    at_ += tail_.size();
    tail_.clear();
    skipping_ = true;
  }

  size_t longest_;
  bool skipping_ = false, eof_ = false, ended_ = false;
  uint64_t end_, at_ = 0;  // at_: where in the file (or in what it unpacks to) the next block begins
  std::unique_ptr<ByteStream> stream_;
  std::vector<char> tail_;
};

}  // namespace

std::unique_ptr<BlockReader> read_lines(const Part& part, size_t longest) {
  return std::make_unique<LineReader>(part, longest);
}

}  // namespace frugal::data
