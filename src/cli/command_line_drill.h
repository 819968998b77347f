// The options of `windlass drill`.
#pragma once

#include <map>
#include <string>

#include "cli/command_line.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the name that CLI11 gave it
class App;
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
    void add_idle();
    void add_job_drill(const char* name, JobDrill drill, const char* meaning, const char* example);
    void add_job_drills();
    void add_all();
    Command take_idle();
    Command take_job_drill();

    CLI::App& app_;
    CLI::App* duplicates_app_ = nullptr;
    DuplicatesArguments duplicates_;
    std::string mode_ = "prod";
    CLI::App* idle_app_ = nullptr;
    IdleArguments idle_;
    std::string offload_ = "2s";
    std::string unload_ = "4s";
    std::string slack_ = "500ms";
    std::map<JobDrill, CLI::App*> job_apps_;
    CLI::App* all_app_ = nullptr;
    std::size_t jobs_ = 200;
    std::string stall_ = "2s";
    std::string job_slack_ = "1s";
    bool json_ = false;
    std::string model_size_ = "100MiB";  // of whichever drill is meant
};

}  // namespace windlass::cli
