// The options of `windlass submit`, `jobs`, `queue` and `report`.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/command_line_input.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the name that CLI11 gave it
class App;
}

namespace windlass::cli {

// Each: its options at construction, its arguments once parsed.
class SubmitCommand {
  public:
    explicit SubmitCommand(CLI::App& parent);

    bool is_given() const;
    Command take();

  private:
    void add_wishes();

    CLI::App& app_;
    SubmitArguments arguments_;
    InputOptions input_{app_, arguments_.model};
    std::string output_;
    unsigned priority_ = 0;
    std::string run_timeout_;
    std::string stall_timeout_;
};

class JobsCommand {
  public:
    explicit JobsCommand(CLI::App& parent);

    bool is_given() const;
    Command take();

  private:
    void add_common(CLI::App& app);
    void add_filter(CLI::App& app);
    void add_list(CLI::App& app);
    CLI::App& add_one(const char* name, const char* meaning);
    void add_order(const char* name, const char* meaning);
    std::string filter() const;

    CLI::App& app_;
    JobsArguments arguments_;
    std::vector<std::string> states_;
    std::string model_;
    std::string tenant_;
    std::string key_;
    std::string after_;
    std::string output_;
    unsigned limit_ = 100;
    bool all_ = false;
};

class QueueCommand {
  public:
    explicit QueueCommand(CLI::App& parent);

    bool is_given() const;
    Command take() const { return arguments_; }

  private:
    CLI::App& app_;
    QueueArguments arguments_;
};

class ReportCommand {
  public:
    explicit ReportCommand(CLI::App& parent);

    bool is_given() const;
    Command take() const { return arguments_; }

  private:
    CLI::App& app_;
    ReportArguments arguments_;
};

}  // namespace windlass::cli
