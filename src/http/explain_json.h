// The JSON of GET /api/explain.
#pragma once

#include <span>
#include <string>

#include "http/explanation_status.h"

namespace windlass::http {

std::string to_json(const ExplanationStatus& explanation);
std::string to_json(std::span<const ExplanationStatus> explanations);

}  // namespace windlass::http
