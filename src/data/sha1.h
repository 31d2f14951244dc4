// SHA-1 (FIPS 180-4), for the published hashes that are defined by it: not for secrets.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace frugal::data {

std::array<uint8_t, 20> sha1(std::string_view bytes);
uint64_t sha1_64(std::string_view bytes);  // its first eight bytes, the lowest first

}  // namespace frugal::data
