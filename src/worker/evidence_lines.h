// How `windlass evidence` tells what it found: lines of fields between tabs, the first of which
// says what the line is about.
//   thread   PROCESS TID STATE WAIT_CHANNEL NAME
//   kernel   TID FRAME
//   native   TID FRAME
//   python   LINE
//   missing  TEXT
#pragma once

#include <cstddef>

namespace windlass::worker {

// A worker has some dozens of threads, those of its numerical libraries among them.
inline constexpr std::size_t kThreadsMax = 64;
inline constexpr std::size_t kFramesMax = 64;
inline constexpr std::size_t kPythonLinesMax = 1'000;

}  // namespace windlass::worker
