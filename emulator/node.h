// A node: a folder that stands for a machine with GPUs. Whoever has WINDLASS_EMULATOR=FOLDER in its
// environment and loads the look-alikes of libcuda.so.1 and libnvidia-ml.so.1 sees its devices.
// This is the view from outside: making one, breaking it, and knowing what is really there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "emulator/faults.h"

namespace windlass::emulator {

class Ledger;

inline constexpr const char* kNodeVariable = "WINDLASS_EMULATOR";

// The UUID of the device of this index in every node: "GPU-e0000000-0000-0000-0000-00000000000N",
// the index in hexadecimal.
std::string device_uuid(int index);

// The truth about a device, which no fault can hide.
struct DeviceTruth {
    struct Process {
        std::int32_t pid = 0;
        base::Bytes bytes;
    };
    std::string uuid;
    base::Bytes capacity;
    base::Bytes used;                     // strangers and what nobody gave back yet included
    std::vector<Process> processes = {};  // living, with a context; and listed strangers
};

// Thread: any; each call is a transaction among all processes that use the node.
class Node {
  public:
    // Makes the folder. An earlier node there is replaced, unless a process still uses it
    // (`conflict`). `specification`: see specification.h.
    static base::Result<Node> make(const std::string& folder, std::string_view specification);
    static base::Result<Node> open(const std::string& folder);
    ~Node();
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    Node(Node&&) noexcept;
    Node& operator=(Node&&) noexcept;

    const std::string& folder() const;
    int device_count() const;
    // By index, UUID, or an unambiguous beginning of one.
    std::optional<int> find_device(std::string_view name) const;

    // 0 switches a fault off; what hung goes on.
    void set_fault(int device, Fault fault, std::uint64_t value = 1);
    std::uint64_t fault(int device, Fault fault) const;
    void clear_faults(int device);

    // Takes memory that no process of the node holds; `pid` 0 is in no list. The same pid again
    // replaces its amount.
    base::Result<void> set_stranger(int device, std::uint32_t pid, base::Bytes bytes);
    void clear_strangers(int device);

    // Frees what no living process holds, as a reset of the GPU does.
    void reset(int device);

    DeviceTruth truth(int device) const;
    // Living processes that have called cuInit.
    int process_count() const;

    // Whether the books add up, and how often somebody died while writing them. For tests.
    bool is_consistent() const;
    std::uint32_t owner_deaths() const;

  private:
    explicit Node(std::unique_ptr<Ledger> ledger);
    std::unique_ptr<Ledger> ledger_;
};

// Removes the folder and all in it; what still runs there keeps what it has mapped.
base::Result<void> remove_node(const std::string& folder);

}  // namespace windlass::emulator
