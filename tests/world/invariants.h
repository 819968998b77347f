// What is promised, one plain sentence each, with the function that looks whether it is so. The
// table is in invariants.cpp; docs/proof.md carries it (tools/promises.py).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/engine.h"

namespace windlass::world {

struct Facts;

enum class Invariant : std::uint8_t {
    runs_alone,
    claims_fit,
    released_is_proved,
    unknown_is_not_zero,
    one_answer,
    limits_are_kept,
    protected_stay,
    room_is_enough,
    clients_harm_nobody,
    waits_are_true,
    waits_are_bounded,
    explanations_are_true,
    books_are_right,
    orders_make_sense,
    wishes_are_obeyed,
    jobs_are_permitted,
    jobs_end_once,
};

// A promise that was broken, as a sentence.
struct Breach {
    Invariant invariant;
    std::string sentence;
};

// When a promise is looked at.
enum class Moment : std::uint8_t {
    decided,  // after each event: by what was ordered
    due,      // before time is delivered: what was due earlier ought to have been done by now
    settled,  // after each turn of the loop
    over,     // at the end of a life, when nothing may be left
};

// What there is to look at.
struct Scene {
    const Facts& facts;
    const core::Engine* engine;  // its public view; only where a turn is over
    base::Instant now;
    std::optional<Breach>& broken;  // the first one stays
};

struct Promise {
    Invariant invariant;
    Moment moment;
    std::string_view sentence;
    void (*look)(const Scene& scene);
};

std::span<const Promise> promises();

// All that are to be looked at in this moment.
void look_at_promises(Moment moment, const Scene& scene);

}  // namespace windlass::world
