// A file as a stream of bytes, whatever it is packed in: plain, gzip of any number of members, zstd of any number of
// frames, told apart by their first bytes.
//
// A broken member is no end: what it gave so far has been delivered, the fault is counted, and reading goes on at the
// next place that looks like the start of a member. Memory: two buffers of 256 KiB.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "data/op.h"

namespace frugal::data {

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Fills up to `room` bytes and returns how many; 0 at the end. After a fault, and before the bytes that follow it,
  // broken() is true once: what was read last does not join what comes next.
  virtual size_t read(char* to, size_t room, Faults& faults) = 0;
  virtual bool broken() { return false; }
};

// begin, end: a piece of a plain file; packed files are read whole. Throws Error when the file cannot be opened.
std::unique_ptr<ByteStream> open_stream(const Part& part);
bool is_packed(const std::string& path);  // by its first bytes

// Bytes in the form that a name's ending says (.gz, .zst, else as they are): one member or frame a call.
void pack_bytes(const std::string& name, std::string& bytes);

}  // namespace frugal::data
