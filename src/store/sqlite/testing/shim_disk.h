// For tests: a disk between SQLite and the real one, as its default VFS while it lives. It records
// what is written and synced, so that the files can be made anew as a power cut might leave them,
// and fails a call when it is told to. https://sqlite.org/c3ref/vfs.html
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace windlass::store::sqlite::testing {

struct DiskChange {
    enum class Kind : std::uint8_t { write, truncate, sync, failed_sync, remove };
    Kind kind = Kind::write;
    std::string path;
    std::int64_t offset = 0;  // of a truncation: the new size
    std::string bytes = {};
};

// What becomes of one 512 byte sector of a write that was not synced.
enum class Fate : std::uint8_t { kept, lost, junk };

class ShimDisk {
  public:
    ShimDisk();
    ~ShimDisk();
    ShimDisk(const ShimDisk&) = delete;
    ShimDisk& operator=(const ShimDisk&) = delete;

    // All so far; not while another thread works on a file.
    const std::vector<DiskChange>& changes() const;
    // The files after the first `count` changes and a power cut: what was synced is there, of the
    // rest `fate` decides for each sector, truncation and removal. What a failed sync did not
    // write no later one does: the system may have dropped it.
    std::map<std::string, std::string> image(std::size_t count,
                                             const std::function<Fate()>& fate) const;

    // The n-th call from now on (open, write, sync, truncate) fails with this errno; 0: none does.
    void fail_at(std::uint64_t n, int errno_value);
    bool has_failed() const;
    struct State;

  private:
    std::unique_ptr<State> state_;
};

}  // namespace windlass::store::sqlite::testing
