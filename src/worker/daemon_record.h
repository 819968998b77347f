// What must be known of a daemon to clear up after it: its identity, its folder, its cgroup and its
// workers. As lines of text, for the keeper's channel and for the file in the daemon's folder.
// Sans I/O.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "io/process_identity.h"

namespace windlass::worker {

struct DaemonRecord {
    std::string daemon_id;  // 16 hexadecimal digits
    std::string pid_space;
    io::ProcessIdentity daemon;
    std::string folder;  // its own folder, whose name is the daemon id; absolute
    std::string cgroup;  // folder of its workers' cgroups; empty: it has none
    std::map<std::uint64_t, io::ProcessIdentity> workers;  // not reaped yet, by generation

    friend bool operator==(const DaemonRecord&, const DaemonRecord&) = default;
};

// Whether `text` can be the id of a daemon.
bool is_daemon_id(std::string_view text);

// The whole record, and the two lines that change it.
std::string encode(const DaemonRecord& record);
std::string encode_added(std::uint64_t generation, const io::ProcessIdentity& worker);
std::string encode_removed(std::uint64_t generation);

// Lines that it does not understand are ignored, and so is a last one without an end: its writer
// was killed within it.
class DaemonRecordReader {
  public:
    void feed(std::span<const char> bytes);
    const DaemonRecord& record() const { return record_; }

  private:
    void read_line(std::string_view line);

    DaemonRecord record_;
    std::string partial_;
};

}  // namespace windlass::worker
