// Explanations for people: the sentence first, then what can be done, then who holds what.
#pragma once

#include <string>
#include <vector>

#include "cli/explain_json.h"

namespace windlass::cli {

std::string explanation_text(const ExplanationState& state);
std::string explanations_text(const std::vector<ExplanationState>& states);

}  // namespace windlass::cli
