// What the drills about jobs do alike: serve models whose workers can break, hand jobs over, and
// compare what the daemon says of them with the workers' own log, the process table and the
// emulator's ledger.
#pragma once

#include <windlass/client.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/device_json.h"
#include "cli/drill_log.h"
#include "cli/drill_script.h"
#include "cli/job_json.h"

namespace windlass::cli::drill {

struct ModelWish {
    std::string name;
    base::Bytes size;
    std::string keys = {};  // of the configuration, TOML
    bool has_need = true;   // else it is to be measured
};

struct Given {
    std::string id;    // of the daemon
    std::string name;  // in the workers' log
};

class JobScript {
  public:
    JobScript(Stage& stage, std::string name, base::Duration slack)
        : script_(stage, std::move(name)), stage_(stage), slack_(slack) {}

    Script& script() { return script_; }
    Stage& stage() { return stage_; }
    DrillDaemon& daemon() { return *daemon_; }
    Client& client() { return *client_; }
    base::Duration slack() const { return slack_; }

    // A device on which the drill has at most `most` at once, and a daemon with these models.
    base::Result<void> open(base::Bytes most, const std::vector<ModelWish>& models);
    // Another daemon with the same files, after the first is gone. When it began to start.
    base::Result<base::Duration> open_again();
    // It ends in order, and everything comes back.
    base::Result<Report> close();

    // "JOB DEED ..."; see drill_worker.cpp.
    base::Result<Given> submit(const std::string& model, const std::string& order);
    base::Result<std::vector<Given>> submit(const std::string& model, const std::string& prefix,
                                            std::size_t count, const std::string& deed);

    // What the daemon tells of the device; nothing when it does not answer.
    DeviceState told_device();

    std::vector<LogLine> log() const { return read_log(log_path_); }
    // The first such line, once it is there; none at the limit.
    std::optional<LogLine> wait_for_line(std::string_view word, const std::string& job,
                                         base::Duration limit);
    base::Duration when(const LogLine& line) const { return stage_.since_began(line.at); }

    // As the daemon tells it, once all are over; those that are not have no state at the limit.
    base::Result<std::vector<JobView>> wait_until_over(const std::vector<Given>& jobs,
                                                       base::Duration limit);
    // All have succeeded by the daemon, and by the log each has come to its end once.
    base::Result<void> see_done_once(const std::string& what, const std::vector<Given>& jobs);

    // That it is gone from the process table, from `begin` on; when that was seen.
    base::Result<std::optional<base::Duration>> see_gone(const std::string& what, int pid,
                                                         base::Duration begin,
                                                         base::Duration limit);
    // And from the ledger, with all of its bytes.
    base::Result<void> see_bytes_back(const std::string& what, int pid);
    // At no moment was there more on the device.
    void see_most(const std::string& expected, base::Bytes most);
    // `at` is due so long after `begin`, and may be late by the slack.
    void judge_time(const std::string& what, base::Duration due, base::Duration begin,
                    std::optional<base::Duration> at);

  private:
    base::Result<void> start_daemon(unsigned port);

    Script script_;
    Stage& stage_;
    base::Duration slack_;
    std::string log_path_;
    std::string models_;
    std::unique_ptr<DrillDaemon> daemon_;
    std::unique_ptr<Client> client_;
};

// What a copy of such a model has on an emulated device.
base::Bytes copy_size(base::Bytes size);

std::string count_text(std::size_t count);

}  // namespace windlass::cli::drill
