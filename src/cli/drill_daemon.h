// A daemon of the drill's own, and clients of it: each a process.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "cli/drill_device.h"
#include "cli/drill_report.h"
#include "cli/drill_stage.h"

namespace windlass::cli::drill {

struct DaemonWish {
    base::Bytes model_size;
    bool is_real = false;
    unsigned port = 0;           // 0: any
    std::string idle_keys = {};  // of the model, TOML: when it moves
    std::string models = {};     // TOML; instead of the model "steel"
};

class DrillDaemon {
  public:
    // Serves the one model "steel" on that device, or others, and returns when it does.
    static base::Result<std::unique_ptr<DrillDaemon>> make(Stage& stage, const DrillDevice& device,
                                                           const DaemonWish& wish);

    int pid() const { return part_.pid(); }
    const std::string& url() const { return url_; }

    // A process that hands over a job for each line of its input; see drill_client.cpp.
    base::Result<Part*> start_submitter();

    // So many clients at the same time, each a process and one call; what each was told.
    std::vector<Told> call(std::size_t clients, base::Duration limit);

    // Pids of its workers: its children by the process table, and what it shows of them itself.
    std::set<int> workers() const;
    std::set<int> shown_workers(base::Duration limit);

    // Asks it to end; whether it did so in order.
    bool end(base::Duration limit);
    // SIGKILL, to it alone; whether it is gone.
    bool kill(base::Duration limit);

  private:
    base::Result<Part*> start_client(std::vector<std::string> words);

    DrillDaemon(Stage& stage, Part& part, std::string url, Variables environment)
        : stage_(stage), part_(part), url_(std::move(url)), environment_(std::move(environment)) {}

    Stage& stage_;
    Part& part_;
    std::string url_;
    Variables environment_;
};

}  // namespace windlass::cli::drill
