// Searching, splitting, replacing and padding, shared by string methods and filters. Positions count code
// points.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/interpreter.h"

namespace frugal::jinja {

// At most `limit` replacements, all when it is negative; an empty `old` matches between characters.
std::string replace_text(Interpreter& interpreter, const std::string& text, const std::string& old,
                         const std::string& with, int64_t limit);
// Parts between separators, at most limit + 1 of them when limit >= 0, counted from the chosen end.
Value split_text(Interpreter& interpreter, const std::string& text, const Value* separator, int64_t limit,
                 bool from_right);
// `text` padded to `width` characters: on the right for -1, on both sides for 0, on the left for +1.
std::string pad_text(Interpreter& interpreter, std::string_view text, int64_t width, int where,
                     std::string_view fill = " ");
std::string join_text(Interpreter& interpreter, const std::vector<Value>& items, std::string_view separator);

}  // namespace frugal::jinja
