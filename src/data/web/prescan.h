// The character set that a page declares of itself.
#pragma once

#include <string>
#include <string_view>

namespace frugal::data {

// The lower-case name in the first <meta> that says one, by the HTML standard's prescan (13.2.3.2); empty: none. head:
// the first bytes of the page, 1,024 and more. Declared UTF-16 is UTF-8: what could be read so far was ASCII.
std::string declared_charset(std::string_view head);

// The name after "charset=" in a header's value or a <meta>'s content; lower case.
std::string charset_in(std::string_view text);

}  // namespace frugal::data
