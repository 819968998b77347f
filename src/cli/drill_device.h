// Where a drill takes its memory: an emulated device of its own, or a real one beside what runs.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "cli/drill_stage.h"
#include "emulator/faults.h"

namespace windlass::cli::drill {

struct DeviceWish {
    bool is_real = false;
    // All that the drill will ever have on it at once, by a guess of what contexts cost.
    base::Bytes most;
};

// What a context costs: of an emulated device, and the most that is to be expected of a real one.
base::Bytes context_guess(bool is_real);

// What a daemon leaves free on each device beside that.
base::Bytes headroom();

class DrillDevice {
  public:
    // On a real one: driver_missing without one, out_of_memory where nothing else would be left as
    // it is. On an emulated one: invalid_input where it would be too large.
    static base::Result<std::unique_ptr<DrillDevice>> make(Stage& stage, const DeviceWish& wish);
    ~DrillDevice();
    DrillDevice(const DrillDevice&) = delete;
    DrillDevice& operator=(const DrillDevice&) = delete;

    const std::string& uuid() const { return uuid_; }
    const std::string& description() const { return description_; }
    // Of processes that are to see the devices: daemon, watcher.
    const Variables& environment() const { return environment_; }
    // Of a process that is to see this device alone.
    Variables bare_environment() const;

    // What is really in use, by the emulator's ledger; none for a real device.
    std::optional<base::Bytes> ledger_used() const;
    // What that process has of an emulated device.
    base::Bytes ledger_bytes(int pid) const;
    // Of an emulated device: breaks it, and with 0 mends it.
    void set_fault(emulator::Fault fault, std::uint64_t value) const;

  private:
    DrillDevice();

    struct Node;
    std::unique_ptr<Node> node_;  // null: it is real
    std::string uuid_;
    std::string description_;
    Variables environment_;
};

}  // namespace windlass::cli::drill
