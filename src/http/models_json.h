// The JSON bodies of the API.
#pragma once

#include <span>
#include <string>

#include "http/api.h"
#include "http/json_writer.h"
#include "http/reply.h"

namespace windlass::http {

// Bytes that are not UTF-8 become U+FFFD, so that every body is valid JSON.
std::string to_json(const ModelStatus& model);
std::string to_json(std::span<const ModelStatus> models);
std::string to_json(const Health& health);
std::string to_json(const base::Error& error, const ErrorContext& context);

// The object of one error: what stands behind "error" in that body.
void write_error(JsonWriter& json, const base::Error& error, const ErrorContext& context = {});

}  // namespace windlass::http
