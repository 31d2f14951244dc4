// Addresses as deduplication and block lists see them: one form for those that name the same page, on top of the URL
// standard's, and the part of a host that somebody registers.
#pragma once

#include <string>
#include <string_view>

#include "data/web/whatwg_url.h"

namespace frugal::data {

// What may keep two addresses apart.
struct UrlForm {
  bool scheme = false;    // http and https
  bool www = false;       // a leading www.
  bool tracking = false;  // utm_*, gclid, fbclid and the like in the query
};

// One line for all addresses of a page: host:port/path?query, with scheme and www. where the form asks for them. On top
// of the URL standard: user information, fragment, dots at the host's end and slashes at the path's go; percent signs
// before unreserved characters are decoded, their digits upper case.
std::string canonical_url(const Url& url, const UrlForm& form);

// The same for text; what is no address with a host is its own line.
std::string canonical_url(std::string_view text, const UrlForm& form);

// The host without dots at its end; empty where there is none.
std::string_view plain_host(const Url& url);

// The part of a host that somebody registers: the label before a public suffix and that suffix, by the public suffix
// list (publicsuffix.org) that libpsl holds, private parts included (a blog of a blog host is a site). An address in
// numbers and a host that is itself a suffix are themselves. host: as in Url.
std::string_view registered_domain(std::string_view host);

}  // namespace frugal::data
