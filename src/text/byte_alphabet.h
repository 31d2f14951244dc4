// GPT-2's byte alphabet: every byte as one printable character, the form in which byte-level vocabularies are written.
#pragma once

#include <string>
#include <string_view>

namespace frugal {

std::string to_byte_alphabet(std::string_view bytes);
// The bytes that a piece stands for; characters outside the alphabet stand for themselves.
std::string from_byte_alphabet(std::string_view piece);

}  // namespace frugal
