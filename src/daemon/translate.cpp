// Structs of one floor into those of another.
#include "daemon/translate.h"

#include <fmt/core.h>

#include <chrono>
#include <filesystem>
#include <vector>

#include "base/digits.h"
#include "base/overloaded.h"

namespace windlass::daemon {

namespace {

constexpr core::Duration kNoRunLimit = std::chrono::years{10};

core::Need to_need(const NeedConfiguration& need) {
    switch (need.kind) {
        case NeedKind::unknown: return {};
        case NeedKind::bytes: return {.kind = core::NeedKind::bytes, .bytes = need.bytes};
        case NeedKind::share:
            return {.kind = core::NeedKind::share, .bytes = {}, .permyriad = need.percent * 100};
        case NeedKind::all: return {.kind = core::NeedKind::all};
    }
    return {};
}

// The worker that stands for the program, as `windlass http-program` reads them.
std::vector<std::string> http_program_words(const ModelConfiguration& model) {
    // Its own end takes some time too, and must not come to a SIGTERM of the ladder.
    const auto grace = std::chrono::floor<std::chrono::milliseconds>(model.term_grace * 4 / 5);
    std::vector<std::string> words = {"/proc/self/exe", "http-program",
                                      "--ready",        model.ready,
                                      "--grace",        fmt::format("{}ms", grace.count())};
    if (!model.offload.empty()) {
        words.insert(words.end(), {"--offload", model.offload, "--restore", model.restore});
    }
    words.emplace_back("--");
    return words;
}

}  // namespace

core::DeviceSettings to_settings(const DevicesConfiguration& devices) {
    return {.on_unknown_memory = devices.on_unknown_memory == UnknownMemory::allow
                                     ? core::UnknownMemory::admit
                                     : core::UnknownMemory::refuse,
            .headroom = devices.headroom,
            .settle_timeout = devices.settle_timeout,
            .sample_interval = devices.sample_interval,
            .answer_timeout = 3 * devices.answer_timeout,  // the floor replies within two
            .known = {}};
}

core::ModelSpec to_spec(const ModelConfiguration& model) {
    core::ModelSpec spec;
    spec.name = model.name;
    spec.limits.start_timeout = model.start_timeout;
    spec.limits.load_timeout = model.load_timeout;
    spec.limits.offload_timeout = model.offload_timeout;
    spec.limits.restore_timeout = model.restore_timeout;
    spec.limits.stop_grace = model.term_grace;
    spec.limits.cancel_grace = model.cancel_grace;
    spec.limits.term_grace = model.term_grace;
    spec.concurrency = model.concurrency;
    spec.copies = {.count_max = model.copies.value_or(core::Copies::kAutoMax),
                   .is_auto = !model.copies};
    spec.need = to_need(model.need);
    spec.devices = {.is_cpu = model.devices == DeviceChoice::cpu, .uuids = model.device_uuids};
    spec.queue_limit = model.queue_limit;
    spec.idempotent = model.idempotent;
    // A program that serves HTTP is closed a connection instead (Forwards).
    spec.run_timeout = model.ready.empty() ? model.run_timeout : kNoRunLimit;
    spec.stall_timeout = model.stall_timeout;
    spec.job_run_timeout = model.job_run_timeout;
    spec.job_failures_max = model.job_failures;
    spec.job_crashes_max = model.job_crashes;
    spec.job_backoff = model.job_backoff;
    spec.job_backoff_max = model.job_backoff_max;
    spec.backoff = model.backoff;
    spec.backoff_max = model.backoff_max;
    spec.breaker = {.deaths = model.breaker_deaths,
                    .window = model.breaker_window,
                    .cooldown = model.breaker_cooldown};
    spec.offload_after = model.offload_after;
    spec.unload_after = model.unload_after;
    spec.standby = model.standby;
    spec.is_pinned = model.pinned;
    spec.max_wait = model.max_wait;
    spec.recycle_after = model.recycle_after;
    spec.max_growth = model.max_growth;
    return spec;
}

worker::LaunchOrder to_launch_order(const ModelConfiguration& model, core::Generation generation,
                                    const std::string& package, const Environment& environment) {
    worker::LaunchOrder order{.generation = generation.value,
                              .model = model.name,
                              .variant = model.variant,
                              .environment = model.env,
                              .host_memory = model.host_memory};
    std::string python_path = model.path;
    if (!package.empty()) python_path += ":" + package;
    // What the model's own `env` says comes before what the daemon happened to inherit.
    if (const auto own = model.env.find("PYTHONPATH"); own != model.env.end()) {
        python_path += ":" + own->second;
    } else if (const auto inherited = environment.find("PYTHONPATH");
               inherited != environment.end() && !inherited->second.empty()) {
        python_path += ":" + inherited->second;
    }
    order.environment["PYTHONPATH"] = python_path;
    if (!model.python.empty()) {
        order.argv = {model.interpreter, "-m", "windlass.worker", model.python};
        return order;
    }
    std::vector<std::string> command = model.command;
    const std::filesystem::path program{command.front()};
    if (program.is_relative() && program.has_parent_path()) {
        command.front() = (std::filesystem::path{model.path} / program).lexically_normal();
    }
    if (!model.ready.empty()) order.argv = http_program_words(model);
    order.argv.insert(order.argv.end(), command.begin(), command.end());
    return order;
}

std::optional<core::Event> to_event(const worker::Event& event) {
    using Answer = std::optional<core::Event>;
    const auto worker_id = [](const auto& e) { return core::Generation{e.generation}; };
    const auto request_id = [](const auto& e) { return core::RequestId{e.request}; };
    return std::visit(
        base::Overloaded{
            [&](const worker::Hello& e) -> Answer {
                return core::WorkerHello{worker_id(e), e.can_offload, e.used_driver};
            },
            [&](const worker::Loaded& e) -> Answer { return core::WorkerLoaded{worker_id(e)}; },
            [&](const worker::Started& e) -> Answer {
                return core::RunStarted{worker_id(e), request_id(e)};
            },
            [](const worker::Adjusted&) -> Answer { return std::nullopt; },
            [&](const worker::Answered& e) -> Answer {
                return core::RunAnswered{worker_id(e), request_id(e)};
            },
            [&](const worker::Failed& e) -> Answer {
                if (e.request == 0) return core::LoadFailed{worker_id(e), e.error};
                return core::RunFailed{worker_id(e), request_id(e), e.error};
            },
            [&](const worker::Progressed& e) -> Answer {
                if (e.request == 0) return std::nullopt;
                return core::RunProgressed{worker_id(e), request_id(e)};
            },
            [&](const worker::Recalled& e) -> Answer {
                return core::RunRecalled{worker_id(e), request_id(e), e.recalled};
            },
            [&](const worker::Offloaded& e) -> Answer {
                return core::WorkerOffloaded{worker_id(e)};
            },
            [&](const worker::Restored& e) -> Answer { return core::WorkerRestored{worker_id(e)}; },
            [&](const worker::OffloadFailed& e) -> Answer {
                return core::OffloadFailed{worker_id(e), e.error};
            },
            [&](const worker::RestoreFailed& e) -> Answer {
                return core::RestoreFailed{worker_id(e), e.error};
            },
            [&](const worker::ChannelLost& e) -> Answer {
                return core::ChannelLost{worker_id(e), e.why};
            },
            [&](const worker::LaunchFailed& e) -> Answer {
                return core::LaunchFailed{worker_id(e), e.error};
            },
            [&](const worker::Exited& e) -> Answer {
                return core::WorkerExited{worker_id(e), to_text(e), e.cause};
            },
            [](const worker::HostMemoryExceeded&) -> Answer { return std::nullopt; },
            [](const worker::Printed&) -> Answer { return std::nullopt; },
            [](const worker::EvidenceTaken&) -> Answer { return std::nullopt; },
        },
        event);
}

http::ModelStatus to_status(const ModelConfiguration& model, const core::ModelView& view,
                            std::optional<int> pid, core::Instant now) {
    http::ModelStatus status{.name = model.name,
                             .model = std::string{model_of(model)},
                             .variant = model.variant,
                             .residency = std::string{to_text(view.residency)}};
    status.copies = static_cast<unsigned>(view.copies);
    status.worker_pid = pid;
    status.generation = view.generation.value;
    status.running = view.running;
    status.waiting = view.waiting;
    status.paused = view.is_paused;
    status.breaker = core::to_text(view.breaker);
    status.loads = view.load_count;
    status.failures = view.failure_count;
    if (view.ready_since) status.ready_since = now - *view.ready_since;
    if (view.loading_since) status.loading_for = now - *view.loading_since;
    if (view.backoff_until) {
        status.retry_after = std::max(core::Duration{0}, *view.backoff_until - now);
    }
    status.last_error = view.last_error;
    return status;
}

void set_need(http::ModelStatus& status, const NeedConfiguration& need,
              const core::ModelView& view) {
    if (need.kind != NeedKind::unknown) {
        status.need = "configured";
        if (need.kind == NeedKind::bytes) status.need_bytes = need.bytes;
    } else if (view.learned_need) {
        status.need = "learned";
        status.need_bytes = view.learned_need;
    }
}

http::WaitingRequest to_waiting(const core::WaitingView& view, core::Instant now) {
    return {.request_id = to_text(view.request),
            .reason = std::string{to_text(view.reason)},
            .waited = now - view.arrived,
            .priority = view.priority};
}

std::string to_text(core::RequestId request) {
    std::string text{"r"};
    base::append_digits(text, request.value);
    return text;
}

std::string find_python_package(const std::string& executable) {
    namespace fs = std::filesystem;
    const fs::path folder = fs::path{executable}.parent_path();
    for (const char* relative : {"../lib/windlass/python", "../../../python"}) {
        std::error_code ignored;  // not there is not there
        const fs::path candidate = fs::weakly_canonical(folder / relative, ignored);
        if (fs::exists(candidate / "windlass" / "worker.py", ignored)) return candidate;
    }
    return {};
}

}  // namespace windlass::daemon
