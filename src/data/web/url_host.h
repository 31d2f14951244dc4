// Hosts of addresses, as the URL standard reads and writes them (https://url.spec.whatwg.org, section 3.5).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace frugal::data {

// The host in its one form, or nothing where it is none: a domain in lower-case ASCII (percent signs decoded, other
// scripts as xn--), an IPv4 address of four numbers, an IPv6 address in brackets with its longest run of zeros as ::.
// opaque: of a scheme that gives hosts no meaning; then only encoded. text is UTF-8.
std::optional<std::string> parse_host(std::string_view text, bool opaque);

}  // namespace frugal::data
