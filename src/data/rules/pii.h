// Personal data that has a form of its own: where it stands in a text.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/registry.h"

namespace frugal::data {

enum class Pii : uint8_t { kEmail, kIp, kPhone, kCard, kIban };
constexpr size_t kPiiKinds = 5;
extern const std::array<std::string, kPiiKinds> kPiiNames;  // email, ip, phone, card, iban

// The mask of the names in a list parameter `kinds`; throws Error(kUsage) for another name.
uint32_t pii_mask(const Args& args);

struct PiiSpan {
  size_t begin, end;
  Pii kind;
};

// Spans of the kinds asked for (a mask of 1 << kind), left to right, none overlapping; of two that begin together the
// longer.
//   kEmail  name@domain.tld; addresses at example.com, .org, .net are none: what replaces them is not found again
//   kIp     four numbers up to 255 that the public routes know: no private, local, documentation or multicast ranges,
//   and no
//           longer chain of numbers (a version, say)
//   kPhone  ten digits of North America in groups, + or 00 and a country's number, an area code in brackets with its 0;
//           with an extension (x751)
//   kCard   13 to 19 digits with the prefix and length of an issuer and a right check digit (Luhn)
//   kIban   two letters, two digits and the country's account number, right modulo 97 (ISO 13616)
void find_pii(std::string_view text, uint32_t kinds, std::vector<PiiSpan>& out);

bool luhn(std::string_view digits);

}  // namespace frugal::data
