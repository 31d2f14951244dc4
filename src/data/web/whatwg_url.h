// Addresses by the URL standard, as browsers read them (https://url.spec.whatwg.org).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace frugal::data {

// An address in its one form: all parts normalised and percent-encoded.
struct Url {
  std::string scheme;  // lower case, without the colon
  std::string username, password;
  std::optional<std::string> host;  // see parse_host; none for addresses such as mailto:
  std::optional<uint16_t> port;     // none where it is the scheme's own
  std::string path;                 // each segment with a slash before it, or opaque text (mailto:)
  bool opaque_path = false;
  std::optional<std::string> query, fragment;  // without ? and #

  std::string href() const;
};

// Reads an address, relative to a base where one is given. Nothing where the standard says failure. Bytes that are no
// UTF-8 count as U+FFFD.
std::optional<Url> parse_url(std::string_view text, const Url* base = nullptr);

}  // namespace frugal::data
