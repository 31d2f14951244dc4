#include "data/language/model_file.h"

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "base/error.h"

namespace frugal::data {
namespace fs = std::filesystem;

std::string find_model_file(const std::string& name) {
  if (fs::exists(name)) return name;
  std::vector<std::string> folders;
  if (const char* dir = std::getenv("FRUGAL_MODELS")) folders.emplace_back(dir);
  folders.emplace_back("models");
  std::error_code ignored;
  const fs::path self = fs::read_symlink("/proc/self/exe", ignored);
  if (!self.empty()) folders.push_back((self.parent_path() / "../../models").lexically_normal().string());
  for (const std::string& folder : folders)
    if (fs::exists(folder + "/" + name)) return folder + "/" + name;
  fail(ErrorCode::kNotFound, "data",
       "found no model file '{}'; `tools/setup.sh language` fetches lid.176.ftz into models/", name);
}

}  // namespace frugal::data
