// The options of `windlass top`.
#pragma once

#include <cstdint>
#include <string>

#include "cli/command_line.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the name that CLI11 gave it
class App;
}

namespace windlass::cli {

// Its options at construction, its arguments once parsed.
class TopCommand {
  public:
    explicit TopCommand(CLI::App& parent);

    bool is_given() const;
    Command take();

  private:
    CLI::App& app_;
    TopArguments arguments_;
    std::string interval_ = "1s";
    std::uint64_t count_ = 0;
};

}  // namespace windlass::cli
