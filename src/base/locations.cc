#include "base/locations.h"

#include <cstdlib>
#include <filesystem>

namespace frugal {
namespace {

std::filesystem::path program_folder() {  // empty: not known
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
}

}  // namespace

std::string plugin_path(const char* variable, const char* file) {
  if (const char* set = std::getenv(variable); set != nullptr && *set != '\0') return set;
  return (program_folder() / file).string();
}

std::vector<std::string> model_folders() {
  std::vector<std::string> folders;
  if (const char* dir = std::getenv("FRUGAL_MODELS")) folders.emplace_back(dir);
  folders.emplace_back("models");
  if (const auto here = program_folder(); !here.empty())
    folders.push_back((here / "../../models").lexically_normal().string());
  return folders;
}

std::string in_model_folders(const std::string& file) {
  for (const std::string& folder : model_folders())
    if (std::filesystem::exists(folder + "/" + file)) return folder + "/" + file;
  return {};
}

}  // namespace frugal
