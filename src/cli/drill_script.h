// What the scripts of all drills do alike: choose a device, watch it, and see all come back.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/drill_daemon.h"
#include "cli/drill_device.h"
#include "cli/drill_observer.h"
#include "cli/drill_report.h"
#include "cli/drill_stage.h"

namespace windlass::cli::drill {

inline constexpr std::chrono::seconds kStepLimit{60};  // of each step; a sound machine needs one
inline constexpr std::chrono::seconds kLookLimit{20};  // for a driver's next answer

class Script {
  public:
    Script(Stage& stage, std::string name) : stage_(stage) { report_.drill = std::move(name); }
    ~Script() { stage_.set_pulse({}); }
    Script(const Script&) = delete;
    Script& operator=(const Script&) = delete;

    const DrillDevice& device() const { return *device_; }
    Observer& observer() { return *observer_; }

    // Chooses it, says what will be taken of it, and begins to watch it.
    base::Result<void> choose_device(const DeviceWish& wish);

    void add(Check check) { report_.checks.push_back(std::move(check)); }
    void end_phase(const std::string& name, base::Duration begin);
    void set_told(std::vector<Told> told) { report_.told = std::move(told); }
    const std::vector<Told>& told() const { return report_.told; }

    // A look from now on; why there is none.
    base::Result<Look> look();
    // "; the driver does not say ...": for numbers of processes, which are then too small.
    std::string unnamed() const;

    // The most that was in use, by the emulator's ledger.
    base::Bytes ledger_peak() const { return ledger_peak_; }

    base::Result<void> see_memory_back(const std::string& what);
    // The daemon ends in order, and gives everything back.
    base::Result<void> end_daemon(DrillDaemon& daemon);

    Report take_report();

  private:
    void look_around();
    void see_ledger();

    Stage& stage_;
    Report report_;
    std::unique_ptr<DrillDevice> device_;
    std::unique_ptr<Observer> observer_;
    base::Bytes baseline_;  // in use before the drill began
    base::Bytes ledger_peak_;
};

}  // namespace windlass::cli::drill
