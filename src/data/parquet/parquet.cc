// parquet(...), registered whether the plug-in is there or not, and the loading of the plug-in.
#include "data/parquet/parquet.h"

#include <dlfcn.h>

#include <filesystem>

#include "base/error.h"
#include "base/locations.h"

namespace frugal::data {
namespace {

[[noreturn]] void refuse(std::string_view why) {
  fail(ErrorCode::kUnsupported, "parquet",
       "{}; expected the plug-in that is built where the Python package pyarrow 20 or newer is: run "
       "`tools/setup.sh arrow` and build again",
       why);
}

// Loaded once, it stays for the life of the process.
const ParquetPlugin& plugin() {
  const std::string path = plugin_path("FRUGAL_PARQUET_PLUGIN", "libfrugal_parquet.so");
  std::error_code error;
  if (!std::filesystem::exists(path, error)) refuse(fmt::format("found no {}", path));
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) refuse(::dlerror());
  const auto* table = static_cast<const ParquetPlugin*>(::dlsym(library, "frugal_parquet"));
  if (table == nullptr || table->version != kParquetPluginVersion)
    refuse(fmt::format("found {} of another version", path));
  return *table;
}

ParquetRead reading(const Args& a) {
  return {a.text("path"), a.text("text"), a.text("id"), static_cast<size_t>(a.bytes("longest")),
          static_cast<uint64_t>(a.bytes("piece"))};
}

ParquetWrite writing_form(const Args& a) {
  ParquetWrite form{a.text("path"), static_cast<uint64_t>(a.bytes("group")), static_cast<int>(a.integer("level")), {}};
  for (const Value& name : a.list("columns")) form.columns.push_back(name.text);
  return form;
}

const Register<MakeEnd> kParquet(
    {.kind = "data",
     .role = "store",
     .name = "parquet",
     .help = "Parquet: reads FILE, a folder or a pattern at the front of a pipeline, writes a folder at its end",
     .params =
         {ParamInfo::text("path", "reading: a file, a folder, or a pattern with * and ?; writing: a folder"),
          ParamInfo::text("text", "reading: the column that holds the text").preset("text"),
          ParamInfo::text("id", "reading: the column that names a document").preset("id"),
          ParamInfo::bytes("longest", "reading: longer texts are left out and counted").preset("64MiB"),
          ParamInfo::bytes("piece", "reading: files are cut into parts of this size, between row groups")
              .preset("256MiB"),
          ParamInfo::list("columns", "writing: members of the metadata that get a column of their own").preset("[]"),
          ParamInfo::bytes("group", "writing: text in a row group").preset("64MiB"),
          ParamInfo::integer("level", "writing: how hard zstd packs").preset("3").within(1, 22)}},
    [](const Args& a, bool writing) {
      End end;
      if (writing)
        end.sink = plugin().write(writing_form(a));
      else
        end.source = plugin().read(reading(a));
      return end;
    });

}  // namespace
}  // namespace frugal::data
