// Addresses from anywhere, alone and relative to another; what parses writes itself, and reads so again.
#include <cstddef>
#include <cstdint>

#include "data/web/url.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace frugal::data;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const size_t cut = all.find('\x01');
  const std::optional<Url> base = cut == std::string_view::npos ? std::nullopt : parse_url(all.substr(0, cut));
  const std::optional<Url> url =
      parse_url(cut == std::string_view::npos ? all : all.substr(cut + 1), base ? &*base : nullptr);
  if (!url) return 0;
  const std::optional<Url> again = parse_url(url->href());
  if (!again || again->href() != url->href()) __builtin_trap();
  canonical_url(*url, {});
  registered_domain(plain_host(*url));
  return 0;
}
