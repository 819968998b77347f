// The fields of every event, every command, and of what an engine is made from: the one list that
// recordings are written, read, shown and compared by. Each line takes its struct apart, so that a
// field that is missing here, or gone there, does not compile.
// lint: long file, a table: one line for each struct
#pragma once

#include <concepts>
#include <string>
#include <type_traits>
#include <vector>

#include "core/command.h"
#include "core/event.h"
#include "recording/codec.h"
#include "recording/words.h"

namespace windlass::recording {

template <class Value, class Type>
concept Some = std::same_as<std::remove_const_t<Value>, Type>;

// A macro, because only it can name the fields once for three uses. The visitor is given the names
// of struct and fields as text, then the fields.
#define WL_FIELDS(Type, ...)                              \
    template <class Visitor, Some<Type> Value>            \
    void visit_fields(Visitor& visitor, Value& value) {   \
        auto& [__VA_ARGS__] = value;                      \
        visitor.fields(#Type, #__VA_ARGS__, __VA_ARGS__); \
    }
#define WL_NO_FIELDS(Type)                        \
    template <class Visitor, Some<Type> Value>    \
    void visit_fields(Visitor& visitor, Value&) { \
        static_assert(std::is_empty_v<Type>);     \
        visitor.fields(#Type, "");                \
    }

// --- what they are made of

// Without its texts, which may hold what belongs to users: what models raise and print.
template <class Visitor, Some<base::Error> Value>
void visit_fields(Visitor& visitor, Value& value) {
    auto& [code, message, reason, cause, traceback, retry_after, memory] = value;
    const Reason kept{reason};
    visitor.fields("base::Error", "code, reason, retry_after, memory", code, kept, retry_after,
                   memory);
}

WL_FIELDS(base::MemoryHolder, kind, model, generation, bytes)
WL_FIELDS(base::MemoryShortage, device, required, available, holders)
WL_FIELDS(core::OwnMemory, generation, bytes)
WL_FIELDS(core::Timings, queue, load, run)
WL_FIELDS(core::DeviceSpec, uuid, kind, capacity, is_measured, stands_in, make)
WL_FIELDS(core::DeviceSettings, on_unknown_memory, headroom, settle_timeout, sample_interval,
          answer_timeout, known)
WL_FIELDS(core::DeviceChoice, is_cpu, uuids)
WL_FIELDS(core::Need, kind, bytes, permyriad)
WL_FIELDS(core::Copies, count_max, is_auto)
WL_FIELDS(core::BreakerSettings, deaths, window, cooldown)
WL_FIELDS(core::ReplicaLimits, start_timeout, load_timeout, offload_timeout, restore_timeout,
          stop_grace, cancel_grace, term_grace, reap_timeout)
WL_FIELDS(core::ModelSpec, name, limits, copies, need, devices, concurrency, queue_limit,
          idempotent, run_timeout, stall_timeout, job_run_timeout, job_failures_max,
          job_crashes_max, job_backoff, job_backoff_max, backoff, backoff_max, breaker,
          offload_after, unload_after, standby, is_pinned, max_wait, recycle_after, max_growth,
          prefetch)

WL_FIELDS(core::JobHead, job, request, rank, failures, crashes, run_timeout, stall_timeout,
          deadline)

WL_FIELDS(Origin, models, devices)

// --- events

WL_FIELDS(core::CallArrived, request, model, priority, timeout, wait)
WL_FIELDS(core::LoadAsked, request, model, timeout, may_evict)
WL_FIELDS(core::RestartAsked, request, model, timeout)
WL_FIELDS(core::OffloadAsked, request, model, timeout)
WL_FIELDS(core::UnloadAsked, request, model, timeout, is_forced)
WL_FIELDS(core::PauseAsked, model)
WL_FIELDS(core::ResumeAsked, model)
WL_FIELDS(core::KillAsked, generation)
WL_FIELDS(core::ClientGone, request)
WL_FIELDS(core::LeaseAsked, request, bytes, devices, wait, duration)
WL_FIELDS(core::LeaseReturned, request)
WL_FIELDS(core::ModelConfigured, spec, needs_new_process)
WL_FIELDS(core::ModelRemoved, model)
WL_FIELDS(core::NeedRecalled, model, make, peaks)
WL_FIELDS(core::LaunchFailed, generation, error)
WL_FIELDS(core::WorkerHello, generation, can_offload, is_bound)
WL_FIELDS(core::WorkerLoaded, generation)
WL_FIELDS(core::LoadFailed, generation, error)
WL_FIELDS(core::WorkerOffloaded, generation)
WL_FIELDS(core::OffloadFailed, generation, error)
WL_FIELDS(core::WorkerRestored, generation)
WL_FIELDS(core::RestoreFailed, generation, error)
WL_FIELDS(core::RunStarted, generation, request)
WL_FIELDS(core::RunProgressed, generation, request)
WL_FIELDS(core::RunAnswered, generation, request)
WL_FIELDS(core::RunFailed, generation, request, error)
WL_FIELDS(core::RunRecalled, generation, request, recalled)
WL_FIELDS(core::ChannelLost, generation, error)
WL_FIELDS(core::WorkerExited, generation, how, cause)
WL_FIELDS(core::DeviceFound, device, spec)
WL_FIELDS(core::DeviceSampled, device, sequence, used, own, own_known, strangers)
WL_FIELDS(core::DeviceSilent, device, sequence)
WL_FIELDS(core::DeviceLost, device)
WL_FIELDS(core::JobStoreOpened, first_attempt)
WL_FIELDS(core::JobsReady, model, head)
WL_FIELDS(core::HeadFetched, model, heads)
WL_FIELDS(core::FetchFailed, model, error)
WL_FIELDS(core::JobClaimed, request)
WL_FIELDS(core::ClaimRefused, request, error)
WL_FIELDS(core::JobSettled, job, attempt, error)
WL_FIELDS(core::JobCancelAsked, job)
WL_NO_FIELDS(core::TimePassed)
WL_FIELDS(core::LoopDelayed, by)
WL_FIELDS(core::ShutdownAsked, grace)
WL_NO_FIELDS(core::ShutdownForced)

// --- commands

WL_FIELDS(core::Launch, model, generation, device)
WL_FIELDS(core::Assign, model, generation, device)
WL_FIELDS(core::Load, model, generation, device)
WL_FIELDS(core::Dispatch, generation, request, timeout)
WL_FIELDS(core::Recall, generation, request)
WL_FIELDS(core::Cancel, generation, request)
WL_FIELDS(core::Offload, generation)
WL_FIELDS(core::Restore, generation)
WL_FIELDS(core::Stop, generation)
WL_FIELDS(core::Terminate, generation)
WL_FIELDS(core::Kill, generation)
WL_FIELDS(core::SampleDevice, device, sequence)
WL_FIELDS(core::RememberPeak, model, generation, device, bytes)
WL_FIELDS(core::ForgetPeaks, model, device)
WL_FIELDS(core::FetchHead, model, limit)
WL_FIELDS(core::ClaimJob, model, job, attempt, request, generation)
WL_FIELDS(core::StopJob, job, attempt, cause)
WL_FIELDS(core::SettleJob, model, job, attempt, request, end, charge, reason, delay, error,
          generation, timings)
WL_FIELDS(core::Respond, request, model, generation, error, timings, device)
WL_FIELDS(core::Report, code, model, generation, request, error, device, bytes, runs)

#undef WL_FIELDS
#undef WL_NO_FIELDS

}  // namespace windlass::recording
