#include "data/language/model_file.h"

#include <filesystem>

#include "base/error.h"
#include "base/locations.h"

namespace frugal::data {

std::string find_model_file(const std::string& name) {
  if (std::filesystem::exists(name)) return name;
  if (std::string found = in_model_folders(name); !found.empty()) return found;
  fail(ErrorCode::kNotFound, "data",
       "found no model file '{}'; `tools/setup.sh language` fetches lid.176.ftz into models/", name);
}

}  // namespace frugal::data
