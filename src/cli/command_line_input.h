// The options of `windlass call` and `windlass submit` that say what is sent to which model.
#pragma once

#include <optional>
#include <string>

namespace CLI {  // NOLINT(readability-identifier-naming): the name that CLI11 gave it
class App;
}

namespace windlass::cli {

class InputOptions {
  public:
    // Adds MODEL, which is read into `model`, and the input behind it. This object stays where it
    // is until the command line was parsed.
    InputOptions(CLI::App& app, std::string& model);

    // An empty text counts; neither `data` nor `file` is there without.
    bool is_given() const;
    std::optional<std::string> data() const;
    std::optional<std::string> file() const;  // "-": standard input
    std::optional<std::string> content_type() const;

  private:
    std::optional<std::string> given(const char* option, const std::string& value) const;

    const CLI::App& app_;
    std::string dash_;
    std::string data_;
    std::string file_;
    std::string content_type_;
};

}  // namespace windlass::cli
