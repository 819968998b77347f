// Whether everybody gets on: from every state that was found, a quiet one can be reached by moves
// that are due. Whoever waits for something that never comes is in a state from which none can.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace windlass::exploration {

using State = std::uint32_t;  // by the order in which they were found

class Progress {
  public:
    void note_quiet(State state) { quiet_.push_back(state); }
    void note_way(State from, State to) { ways_.push_back({from, to}); }

    // The first of the states without such a way; empty: all have one.
    std::optional<State> find_stuck(std::size_t state_count) const;

  private:
    struct Way {
        State from;
        State to;
    };
    std::vector<State> quiet_;
    std::vector<Way> ways_;
};

}  // namespace windlass::exploration
