// Tokens to tree: the grammar of jinja2's own parser, minus templates that include or extend others.
#pragma once

#include <string>

#include "text/jinja/ast.h"

namespace frugal::jinja {

// Throws Failure with a position; nesting and tree depth are bounded.
Body parse(const std::string& source);

}  // namespace frugal::jinja
