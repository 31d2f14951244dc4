// What a run has finished, so that another one goes on where it was killed: a line a part, appended when the part's
// files stand under their final names. A part that has no line is done again, and its files are replaced by equal ones.
//
// The first line names the pipeline, its inputs and its form; a run with another pipeline or other inputs refuses to
// resume. A last line that was cut by a kill is ignored.
#pragma once

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "data/counts.h"

namespace frugal::data {

struct PartDone {
  uint64_t rows = 0;  // kept, and so in its file
  Counts counts;
};

class Manifest {
 public:
  // Reads what is there when resume, else begins anew. Throws Error when it is of another run.
  Manifest(const std::string& path, const std::string& identity, bool resume);
  ~Manifest();
  Manifest(const Manifest&) = delete;
  Manifest& operator=(const Manifest&) = delete;

  const PartDone* find(size_t pass, size_t part) const;
  void add(size_t pass, size_t part, PartDone done);

 private:
  void read(const std::string& identity);
  std::string path_;
  std::FILE* file_ = nullptr;
  std::map<std::pair<size_t, size_t>, PartDone> done_;
};

}  // namespace frugal::data
