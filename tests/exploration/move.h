// What may happen next in a small world.
#pragma once

#include <optional>
#include <string>

#include "core/event.h"

namespace windlass::exploration {

// What a story tells of a move; the text is made only when it is told.
struct MoveName {
    const char* what = "";
    core::Generation worker;  // none: not done by a worker
    core::RequestId request;  // none: not about one
    core::DeviceId device;    // none: not about one
};
std::string to_text(const MoveName& name);

// What happens in the world without the engine's knowledge, before it hears of the event.
enum class Deed : std::uint8_t {
    none,
    memory_stays,    // of the worker that exits
    memory_returns,  // of one that exited
    lease_takes,     // a client what was leased to it
    stranger_takes,
    stranger_gives,
    answers_late,  // what was measured when the question was asked
    time_passes,
    job_arrives,
    job_is_due,  // the pause after a charge is over
    job_cancelled,
    store_answers,
    store_refuses,
    // Devices are asked and answer at once, always the same, until something else happens: what
    // recurs would keep rarer deadlines from ever coming.
    while_passes,
};

struct Move {
    MoveName name;
    std::optional<core::Event> event;  // none: the engine hears nothing
    Deed deed = Deed::none;
    // It happens sooner or later once nothing goes wrong any more and nobody asks for more: workers
    // do what they are told, devices answer, what was lost comes back, time passes.
    bool is_due = false;
};

inline Move due(Move move) {
    move.is_due = true;
    return move;
}

}  // namespace windlass::exploration
