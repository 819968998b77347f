// What a thread writes into a file, and a disk that takes nothing.
#include "io/file_thread.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <cerrno>

#include "base/testing/scratch_directory.h"
#include "io/read_file.h"

using namespace std::chrono_literals;
namespace io = windlass::io;

namespace {

io::FileDescriptor open_file(const std::string& path) {
    return io::FileDescriptor{::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
}

}  // namespace

TEST_CASE("pieces are written in their order, and all of them before the end") {
    const windlass::base::testing::ScratchDirectory folder;
    std::string wanted;
    {
        io::FileThread thread{open_file(folder.file("a"))};
        for (std::size_t i = 0; i < io::FileThread::kPiecesMax; ++i) {
            std::string piece = std::to_string(i) + std::string(1000, 'x');
            wanted += piece;
            CHECK(thread.give(std::move(piece)));
        }
        wanted += "last";
        CHECK(thread.finish("last", 10s));
        CHECK_FALSE(thread.take_failure().has_value());
        std::string late = "late";
        CHECK_FALSE(thread.give(std::move(late)));
    }
    CHECK(io::read_file(folder.file("a"), 1 << 20) == wanted);
}

TEST_CASE("a disk that is full is told, once") {
    io::FileThread thread{open_file("/dev/full")};
    CHECK(thread.give("first"));
    CHECK(thread.give("second"));
    CHECK(thread.finish("third", 10s));
    CHECK(thread.take_failure() == ENOSPC);
    CHECK_FALSE(thread.take_failure().has_value());
}
