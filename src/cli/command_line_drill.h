// The options of `windlass drill`.
#pragma once

#include <string>

#include "cli/command_line.h"

namespace CLI {
class App;  // NOLINT(readability-identifier-naming): the name that CLI11 gave it
}

namespace windlass::cli {

// Its options at construction, its arguments once parsed.
class DrillCommand {
  public:
    explicit DrillCommand(CLI::App& parent);

    bool is_given() const;
    Command take();

  private:
    void add_duplicates();

    CLI::App& app_;
    CLI::App* duplicates_app_ = nullptr;
    DuplicatesArguments duplicates_;
    std::string mode_ = "prod";
    std::string model_size_ = "100MiB";
};

}  // namespace windlass::cli
