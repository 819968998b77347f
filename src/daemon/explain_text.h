// An explanation in words: one sentence or a few, and what a person can do. All that the words say
// is in the fields, too. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "http/explanation_status.h"

namespace windlass::daemon {

std::string explain_sentence(const http::ExplanationStatus& told);
// The most promising first.
std::vector<http::Advice> explain_advice(const http::ExplanationStatus& told);

}  // namespace windlass::daemon
