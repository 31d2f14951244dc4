// Addresses: one form for those that name the same page, and the parts that block lists ask for.
#pragma once

#include <string>
#include <string_view>

namespace frugal::data {

// What may keep two addresses apart.
struct UrlForm {
  bool scheme = false;    // http and https
  bool www = false;       // a leading www.
  bool tracking = false;  // utm_*, gclid, fbclid and the like in the query
};

struct UrlParts {
  std::string scheme, host, port, path, query;  // lower-case scheme and host; no port where it is the scheme's own
};

// Splits an absolute address; for anything else the host is empty and the path is the text. User information and
// fragment are left out; . and .. segments are resolved; percent signs before unreserved characters are decoded, their
// digits upper case.
UrlParts split_url(std::string_view url);

// One line for all addresses of a page: host/path?query, with scheme and www. where the form asks for them. A slash at
// the end of a path does not count.
std::string canonical_url(std::string_view url, const UrlForm& form);

// The part of a host that somebody registers: the last label before a public suffix and that suffix, by a short list of
// two-label suffixes (co.uk, com.au, ...). An address in digits is itself.
std::string_view registered_domain(std::string_view host);

}  // namespace frugal::data
