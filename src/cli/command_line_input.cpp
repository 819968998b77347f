// MODEL and its input, by CLI11.
#include "cli/command_line_input.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

namespace windlass::cli {
namespace {

std::string dash_mistake(const std::string& text) {
    if (text == "-") return {};
    return fmt::format(
        "must be - for standard input, not \"{}\"; --data sends a text, --file a file", text);
}

}  // namespace

InputOptions::InputOptions(CLI::App& app, std::string& model) : app_(app) {
    app.add_option("MODEL", model, "Name of the model")->required()->type_name("");
    auto* dash = app.add_option("INPUT", dash_, "- to send standard input");
    dash->check(dash_mistake)->type_name("");
    auto* text = app.add_option("--data", data_, "Send this text")->type_name("TEXT");
    auto* path = app.add_option("--file", file_, "Send this file")->type_name("FILE");
    text->excludes(path)->excludes(dash);
    path->excludes(dash);
    app.add_option("--content-type", content_type_,
                   "Type of the input; guessed from text or file name when not given")
        ->type_name("TYPE");
}

bool InputOptions::is_given() const { return data() || file(); }

std::optional<std::string> InputOptions::data() const { return given("--data", data_); }

std::optional<std::string> InputOptions::file() const {
    const auto dash = given("INPUT", dash_);
    return dash ? dash : given("--file", file_);
}

std::optional<std::string> InputOptions::content_type() const {
    return given("--content-type", content_type_);
}

std::optional<std::string> InputOptions::given(const char* option, const std::string& value) const {
    if (app_.count(option) == 0) return std::nullopt;
    return value;
}

}  // namespace windlass::cli
