// Bodies of any type on their way to people and into JSON.
#pragma once

#include <string>
#include <string_view>

namespace windlass::cli {

// Whether the bytes are UTF-8 without control characters other than line breaks and tabs: what a
// terminal shows without harm.
bool is_text(std::string_view body);

bool is_utf8(std::string_view body);

// What a model or a daemon says, made fit for a terminal: one line, or several. Control characters
// become spaces.
std::string one_line(std::string_view text);
std::string several_lines(std::string_view text);

// RFC 4648 section 4, with padding, in one line.
std::string to_base64(std::string_view body);

// The type that an input is sent as when none is given: from the file's name, or, without one,
// `application/json` when the text reads as JSON, else `text/plain`.
std::string type_of_file(std::string_view path);
std::string type_of_text(std::string_view text);

}  // namespace windlass::cli
