// Makes and removes private directories.
#include "worker/temporary_directory.h"

#include <fts.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "io/file_descriptor.h"

namespace windlass::worker {

struct TemporaryDirectory::Walk {
    explicit Walk(std::string path) {
        std::array<char*, 2> roots = {path.data(), nullptr};
        // Physical: a link is an entry to remove, not a way to follow. The daemon does not change
        // its directory.
        tree = ::fts_open(roots.data(), FTS_PHYSICAL | FTS_NOCHDIR, nullptr);
    }
    ~Walk() {
        if (tree != nullptr) ::fts_close(tree);
    }
    Walk(const Walk&) = delete;
    Walk& operator=(const Walk&) = delete;

    FTS* tree = nullptr;
};

base::Result<TemporaryDirectory> TemporaryDirectory::make(const std::string& parent,
                                                          const std::string& name) {
    std::string path = parent + "/" + name + "-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) {
        return io::system_error(errno, "making the temporary directory " + path);
    }
    return TemporaryDirectory{std::move(path)};
}

TemporaryDirectory::TemporaryDirectory(std::string path) : path_(std::move(path)) {}
TemporaryDirectory::TemporaryDirectory(TemporaryDirectory&&) noexcept = default;
TemporaryDirectory& TemporaryDirectory::operator=(TemporaryDirectory&&) noexcept = default;
TemporaryDirectory::~TemporaryDirectory() = default;

bool TemporaryDirectory::remove_some(std::size_t entries_max) {
    if (!walk_) walk_ = std::make_unique<Walk>(path_);
    if (walk_->tree == nullptr) return true;
    for (std::size_t removed = 0; removed < entries_max;) {
        const FTSENT* const entry = ::fts_read(walk_->tree);
        if (entry == nullptr) return true;
        if (entry->fts_info == FTS_D) continue;  // comes again, as FTS_DP, after its contents
        const bool is_directory = entry->fts_info == FTS_DP || entry->fts_info == FTS_DNR;
        static_cast<void>(is_directory ? ::rmdir(entry->fts_accpath)
                                       : ::unlink(entry->fts_accpath));
        ++removed;
    }
    return false;
}

}  // namespace windlass::worker
