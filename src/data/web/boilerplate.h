// Which elements of a page are its frame: by what HTML says they are (nav, footer, role="search", hidden), and by the
// words that authors put into class and id. No rule names a site.
#pragma once

#include "data/web/html_tree.h"

namespace frugal::data {

enum class Frame {
  kNone,
  kNever,  // holds no text to read: scripts, controls, hidden parts
  kFrame,  // the page's frame by its tag or role
  kNamed,  // by a word in class or id: believed unless most of the page's text stands in it
};

Frame frame_of(const Node& node);

}  // namespace frugal::data
