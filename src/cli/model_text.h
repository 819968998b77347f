// What is said of models to people.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "cli/model_json.h"

namespace windlass::cli {

// "3 s", "4 min", "2 h": one number, for people.
std::string rough_time(double seconds);

// "ready (4 min)".
std::string residency_text(const ModelState& model);

// A table of models; every detail of one; one line after a load or unload.
std::string models_table(const std::vector<ModelState>& models);
std::string model_details(const ModelState& model);
std::string model_line(const ModelState& model);

// What a call that began `elapsed` ago waits for: "digits: loading (3 s)".
std::string waiting_text(const ModelState& model, base::Duration elapsed);

}  // namespace windlass::cli
