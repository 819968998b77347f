// The options of `windlass doctor`.
#pragma once

#include <string>

#include "cli/command_line.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the name that CLI11 gave it
class App;
}

namespace windlass::cli {

// Its options at construction, its arguments once parsed.
class DoctorCommand {
  public:
    explicit DoctorCommand(CLI::App& parent);

    bool is_given() const;
    Command take();

  private:
    CLI::App& app_;
    DoctorArguments arguments_;
    std::string configuration_;
    std::string state_dir_;
    std::string limit_;
};

}  // namespace windlass::cli
