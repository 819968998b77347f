// What the search for tagged processes and its program share: descriptors, and a file in memory in
// which the program says what it looks at, so that a hang has a name.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace windlass::worker {

inline constexpr int kKilledDescriptor = 3;  // a pipe: the pids of those it killed, one a line
inline constexpr int kPositionDescriptor = 4;

struct TagPosition {
    std::uint32_t look_count = 0;
    pid_t pid = 0;  // 0: none yet
    friend bool operator==(const TagPosition&, const TagPosition&) = default;
};

// Of what another process writes, at any time; {} when nothing was written.
TagPosition read_position(int descriptor);
void write_position(int descriptor, const TagPosition& position);

}  // namespace windlass::worker
