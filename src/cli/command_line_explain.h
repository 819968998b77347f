// The options of `windlass explain`.
#pragma once

#include "cli/command_line.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the name that CLI11 gave it
class App;
}

namespace windlass::cli {

// Its options at construction, its arguments once parsed.
class ExplainCommand {
  public:
    explicit ExplainCommand(CLI::App& parent);

    CLI::App& app() { return app_; }
    ExplainArguments& arguments() { return arguments_; }
    bool is_given() const;
    Command take() const { return arguments_; }

  private:
    CLI::App& app_;
    ExplainArguments arguments_;
};

}  // namespace windlass::cli
