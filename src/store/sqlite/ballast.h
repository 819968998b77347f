// Room on the disk that is kept for the day when it is full: let go, it lets what has begun come to
// its end, while nothing new is taken on. Thread: the order thread's.
#pragma once

#include <cstdint>
#include <string>

namespace windlass::store::sqlite {

class Ballast {
  public:
    // Nothing is touched yet. `bytes` 0: none is wanted.
    Ballast(std::string path, std::uint64_t bytes) : path_(std::move(path)), bytes_(bytes) {}

    // Takes the room, or finds it taken by an earlier process. False: the disk has not that much.
    // A file system that cannot set room aside counts as one that has it.
    bool take();
    // False: there was none to let go.
    bool let_go();

  private:
    std::string path_;
    std::uint64_t bytes_;
};

}  // namespace windlass::store::sqlite
