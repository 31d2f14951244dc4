// Where models that ship with the tools lie: a path as it is, else a file of that name in $FRUGAL_MODELS, models/ or
// the checkout that the program was built in.
#pragma once

#include <string>

namespace frugal::data {

std::string find_model_file(const std::string& name);  // throws Error(kNotFound)

}  // namespace frugal::data
