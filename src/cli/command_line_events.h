// The options of `windlass events`.
#pragma once

#include <cstdint>
#include <string>

#include "cli/command_line.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the name that CLI11 gave it
class App;
}

namespace windlass::cli {

// Its options at construction, its arguments once parsed.
class EventsCommand {
  public:
    explicit EventsCommand(CLI::App& parent);

    bool is_given() const;
    Command take();

  private:
    CLI::App& app_;
    EventsArguments arguments_;
    std::string since_;
    std::string model_;
    std::string code_;
    std::string level_;
    std::string job_;
    std::uint64_t worker_ = 0;
};

}  // namespace windlass::cli
