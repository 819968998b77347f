// The way of a replica's weights off its device and back.
#include "base/assert.h"
#include "core/mutant.h"
#include "core/replica.h"

namespace windlass::core {

using enum Residency;

void Replica::note_idle(Instant now) {
    if (!idle_since_) idle_since_ = now;
}

void Replica::forget_idle() {
    idle_since_.reset();
    awaits_room_ = false;
}

void Replica::offload(Instant now, Commands& out) {
    WL_ASSERT(leases_.empty() && can_offload_);
    awaits_room_ = false;
    enter(offloading, out);
    deadline_ = saturating_add(now, limits_.offload_timeout);
    out.push_back(Offload{generation_});
}

void Replica::on_offloaded(Commands& out) {
    failed_offloads_ = 0;
    enter(offloaded, out);
}

void Replica::on_offload_failed(Instant retry_at, Instant now, Commands& out) {
    WL_ASSERT(residency_ == offloading);
    ++failed_offloads_;
    offload_retry_at_ = retry_at;
    place_free_since_ = now;
    enter(ready, out);
}

void Replica::restore(Instant now, Commands& out) {
    WL_ASSERT(leases_.empty());
    loading_since_ = now;
    enter(restoring, out);
    deadline_ = saturating_add(
        now, mutant(Mutant::restore_unlimited) ? std::chrono::hours{1} : limits_.restore_timeout);
    out.push_back(Restore{generation_});
}

void Replica::on_restored(Instant now, Commands& out) {
    WL_ASSERT(residency_ == restoring);
    failed_restores_ = 0;
    ready_since_ = now;
    place_free_since_ = now;
    enter(ready, out);
}

void Replica::on_restore_failed(Commands& out) {
    WL_ASSERT(residency_ == restoring);
    ++failed_restores_;
    enter(offloaded, out);
}

}  // namespace windlass::core
