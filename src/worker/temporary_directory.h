// The private TMPDIR of a worker: what it leaves there goes with it.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace windlass::worker {

class TemporaryDirectory {
  public:
    // Makes PARENT/NAME-XXXXXX, readable by this user only. Errors as in io::system_error().
    static base::Result<TemporaryDirectory> make(const std::string& parent,
                                                 const std::string& name);
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    TemporaryDirectory(TemporaryDirectory&&) noexcept;
    TemporaryDirectory& operator=(TemporaryDirectory&&) noexcept;
    ~TemporaryDirectory();  // closes what remove_some() holds open; removes nothing

    const std::string& path() const { return path_; }

    // Removes up to `entries_max` of its files and directories, itself last. True when it is done:
    // everything is gone, but what the system refuses to remove. Does not follow symbolic links.
    bool remove_some(std::size_t entries_max);

  private:
    struct Walk;
    explicit TemporaryDirectory(std::string path);

    std::string path_;
    std::unique_ptr<Walk> walk_;  // where the removal stands
};

}  // namespace windlass::worker
