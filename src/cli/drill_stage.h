// What a drill has started: processes in a private folder, all gone at its end, however it ends.
// Waits are bounded, and end when the user has had enough (Ctrl-C). Thread: main.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/file_descriptor.h"
#include "io/loop.h"
#include "io/process.h"
#include "io/process_identity.h"

namespace windlass::cli::drill {

using Variables = std::map<std::string, std::string>;

// This process's environment.
Variables own_environment();

// By the process table; none of a process that is gone.
std::vector<int> children_of(int pid);

// A process of the drill: this program with other words. Its stdin and stdout are one socket, whose
// end tells it that the drill is over; its stderr is a file of the folder.
class Part {
  public:
    int pid() const { return process_->pid(); }
    const std::string& log() const { return log_; }

    // The lines that it has written since the last time.
    std::vector<std::string> take_lines();
    // False when it does not read.
    bool write_line(std::string_view line);
    // No more will be written to it.
    void close_input();

    bool has_ended();
    // Once it has: "exited with status 1". Empty before.
    const std::string& end_text() const { return end_text_; }
    bool has_succeeded() const { return has_succeeded_; }
    // The last line of its stderr, or how it ended.
    std::string last_words() const;

  private:
    friend class Stage;
    Part() = default;

    std::unique_ptr<io::Process> process_;
    io::FileDescriptor socket_;
    std::string log_;
    std::string unfinished_;
    std::string end_text_;
    bool has_succeeded_ = false;
};

// A drill that takes longer is given up.
inline constexpr std::chrono::minutes kDrillLimit{5};

class Stage {
  public:
    // Makes the folder, and takes SIGINT, SIGTERM and SIGHUP for itself.
    static base::Result<std::unique_ptr<Stage>> make();
    // What still runs is killed; call finish() first.
    ~Stage();
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;

    const std::string& folder() const { return folder_; }
    base::Duration now() const;  // since the drill began
    // Of a time of the steady clock, which all processes of the machine read alike.
    base::Duration since_began(base::Duration steady) const {
        return steady - began_.time_since_epoch();
    }

    // `windlass WORDS...`; `name` names its log. Lives until the stage ends.
    base::Result<Part*> start(const std::string& name, std::vector<std::string> words,
                              const Variables& environment);

    // Is called about every 20 ms while somebody waits.
    void set_pulse(std::function<void()> pulse) { pulse_ = std::move(pulse); }
    // Until `is_so` says true: then true. False at the limit, or when check() has an error.
    bool wait_until(const std::function<bool()>& is_so, base::Duration limit);
    // cancelled, once the user wants it to end; timeout, beyond kDrillLimit.
    base::Result<void> check() const;

    // SIGTERM. Its children are remembered: in sessions of their own, they may outlive it for a
    // moment, and finish() waits for them.
    void ask_to_end(const Part& part);

    // Ends every part, the latest first: SIGTERM, and SIGKILL after the grace; removes the folder.
    // How many processes are left; 0 unless the kernel cannot end them.
    std::size_t finish();

  private:
    explicit Stage(std::string folder) : folder_(std::move(folder)) {}

    std::string folder_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    io::Loop loop_;  // never turned: io::Process wants one
    std::vector<std::unique_ptr<Part>> parts_;
    std::vector<io::ProcessIdentity> heirs_;  // children of parts that were asked to end
    std::function<void()> pulse_;
    int interrupt_ = 0;          // the signal
    bool is_finishing_ = false;  // then neither counts any more
};

}  // namespace windlass::cli::drill
