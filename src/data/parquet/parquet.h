// Parquet files at either end of a pipeline, through the Arrow and Parquet libraries.
//
// What includes Arrow is a plug-in, libfrugal_parquet.so beside the program, built where the libraries are found and
// loaded when a pipeline names parquet(...): nobody else waits for 50 MB of libraries, and a program whose pyarrow was
// removed or replaced still runs. Where it cannot be loaded, parquet(...) says why and what to install.
//
// Columns of a file that is written: text, id, metadata (a document's other members as one JSON object), those members
// that `columns` names as columns of their own, and values, a struct of what rules found (null where nothing was). Of a
// file that is read: text and id by name; metadata, a JSON string or a struct, whose members become the document's;
// values, a struct whose numbers and texts become value columns, as if the stages had just written them; every other
// column becomes a member by its name, whatever its type.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/op.h"

namespace frugal::data {

struct ParquetRead {
  std::string pattern, text, id;
  size_t longest = 0;  // texts of more bytes are left out and counted
  uint64_t piece = 0;  // files are cut into parts of about so many packed bytes, between row groups
};

struct ParquetWrite {
  std::string folder;
  uint64_t group = 0;  // bytes of text, before packing, after which a row group ends: the writer's memory
  int level = 3;       // zstd's
  std::vector<std::string> columns;
};

// What the plug-in exports under the name frugal_parquet.
struct ParquetPlugin {
  int version;
  // Throws Error: kNotFound, or kBadInput for a file that is no Parquet or has no column of texts by that name.
  std::unique_ptr<Source> (*read)(const ParquetRead& form);
  std::unique_ptr<Sink> (*write)(const ParquetWrite& form);
};
constexpr int kParquetPluginVersion = 1;                        // of this header and of what it includes
std::unique_ptr<Sink> write_parquet(const ParquetWrite& form);  // the plug-in's own, in two files

}  // namespace frugal::data
