// The input as a file in memory, for parsers that open paths.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>

class FuzzFile {
 public:
  FuzzFile() : handle_(memfd_create("fuzz", 0)) {}
  ~FuzzFile() { close(handle_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(handle_); }
  void set(const uint8_t* data, size_t size) {
    if (ftruncate(handle_, 0) != 0 || pwrite(handle_, data, size, 0) != static_cast<ssize_t>(size)) __builtin_trap();
  }

 private:
  int handle_;
};
