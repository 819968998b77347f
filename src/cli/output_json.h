// JSON that commands print: one object and a line break each.
#pragma once

#include <windlass/client.h>

#include <string>
#include <string_view>

namespace windlass::cli {

std::string error_table_json();
std::string version_json();

// As the body of an error of the HTTP API.
std::string error_json(const Failure& error);

// `body` is text where it can be; else `body_base64` holds it.
std::string answer_json(std::string_view model, const Answer& answer);

// Likewise.
std::string result_json(std::string_view job, const JobResult& result);

// The text as a JSON string.
std::string quoted_json(std::string_view text);

bool reads_as_json(std::string_view text);

}  // namespace windlass::cli
