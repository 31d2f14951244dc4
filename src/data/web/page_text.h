// The main text of a page: what is left when its frame is taken away.
#pragma once

#include <string>

#include "data/web/html_tree.h"

namespace frugal::data {

// Paragraphs, headings and list items on lines of their own, an empty line between paragraphs; code as it stands;
// formulae by their annotation, pictures not at all.
std::string main_text(const HtmlTree& page);

}  // namespace frugal::data
