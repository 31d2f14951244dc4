// Matching a call's arguments with the parameter names of a built-in filter, test, method or function.
#pragma once

#include <algorithm>
#include <array>

#include "text/jinja/interpreter.h"

namespace frugal::jinja {

// By position in `names`; null where the call leaves one out. The first `required` must be there. Throws
// Failure.
template <size_t N>
std::array<const Value*, N> bind(const Arguments& arguments, const char* function,
                                 const std::array<const char*, N>& names, size_t required = 0) {
  std::array<const Value*, N> out{};
  if (arguments.positional.size() > N) {
    raise("{}() takes at most {} argument(s) ({} given)", function, N, arguments.positional.size());
  }
  for (size_t i = 0; i < arguments.positional.size(); ++i) out[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.named) {
    const auto place = std::find(names.begin(), names.end(), std::string_view(name));
    if (place == names.end()) raise("{}() got an unexpected keyword argument '{}'", function, name);
    const Value*& slot = out[static_cast<size_t>(place - names.begin())];
    if (slot) raise("{}() got multiple values for argument '{}'", function, name);
    slot = &value;
  }
  for (size_t i = 0; i < required; ++i) {
    if (!out[i]) raise("{}() missing required argument '{}'", function, names[i]);
  }
  return out;
}

inline void no_arguments(const Arguments& arguments, const char* function) { bind<0>(arguments, function, {}); }

inline int64_t integer_or(const Value* value, int64_t otherwise) {
  if (!value || value->is_none()) return otherwise;
  defined(*value);
  if (!value->is_int()) raise("expected an integer, got '{}'", type_name(*value));
  return value->integer();
}

inline bool flag_or(const Value* value, bool otherwise) { return value ? truthy(*value) : otherwise; }

inline const std::string& string_of(const Value& value) {
  defined(value);
  if (!value.is_string()) raise("expected a string, got '{}'", type_name(value));
  return value.text();
}

// Filters by theme; find_filter looks through all of them.
struct NamedFunction {
  std::string_view name;
  Function function;
};

Function find_text_filter(std::string_view name);
Function find_sequence_filter(std::string_view name);
Function find_number_filter(std::string_view name);

}  // namespace frugal::jinja
