// Processes as /proc lists them. Reads only what a process that hangs cannot hold back: neither its
// environment nor its command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/doctor_view.h"

namespace windlass::cli {

struct SeenProcess {
    int pid = 0;
    int parent = 0;
    int session = 0;
    char state = '?';
    std::uint64_t threads = 0;
    std::uint64_t start_ticks = 0;
    std::string name;

    // The same process, as long as numbers are given away again.
    friend bool operator==(const SeenProcess& a, const SeenProcess& b) {
        return a.pid == b.pid && a.start_ticks == b.start_ticks;
    }
};

// Of /proc/PID; none when it is gone.
std::optional<SeenProcess> see_process(const DoctorView& view, int pid);
std::vector<SeenProcess> see_processes(const DoctorView& view);

// Those that are of `state` now, and at each of so many more looks, half a second apart.
std::vector<SeenProcess> lasting_processes(const DoctorView& view, char state, int looks);

// "python3 (process 123)".
std::string to_text(const SeenProcess& process);
// Of several: the first of them, and how many more there are.
std::string to_text(const std::vector<SeenProcess>& processes);

// Whether it, or who started it and so on, is a program of Windlass.
bool is_of_windlass(const DoctorView& view, int pid);

}  // namespace windlass::cli
