// Where the program finds what is installed beside it.
#pragma once

#include <string>
#include <vector>

namespace frugal {

// A plug-in: what the environment's variable says, else the file in the program's folder.
std::string plugin_path(const char* variable, const char* file);

// Where models are looked for by name, first ones first: $FRUGAL_MODELS, ./models, models/ of the checkout that the
// program was built in.
std::vector<std::string> model_folders();
std::string in_model_folders(const std::string& file);  // its path; empty: in none of them

}  // namespace frugal
