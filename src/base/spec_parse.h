// What the printer of specs must know of the parser: which text may stand without quotes.
#pragma once

#include <string_view>

namespace frugal {

// Would text, written bare as a value, be read as just this text?
bool reads_as_bare_text(std::string_view text);

}  // namespace frugal
