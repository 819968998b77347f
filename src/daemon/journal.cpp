// Commands and events as log lines and counts.
#include "daemon/journal.h"

#include <array>
#include <utility>

#include "base/log.h"
#include "base/overloaded.h"
#include "daemon/translate.h"

namespace windlass::daemon {

namespace log = base::log;
using base::Errc;

namespace {

// Everybody hears of a hook that fails in a load, a run or a move; of one at the end only we do.
void write_hook(const worker::Printed& failed, int pid) {
    log::warning("worker.hook_failed", {{"model", failed.model},
                                        {"generation", failed.generation},
                                        {"pid", pid},
                                        {"hook", failed.hook},
                                        {"message", failed.line},
                                        {"cause", failed.cause},
                                        {"traceback", failed.traceback}});
}

void write_printed(const worker::Printed& printed, std::optional<int> pid) {
    if (!printed.hook.empty()) return write_hook(printed, pid.value_or(0));
    constexpr std::array kStreams = {"stdout", "stderr", "log"};
    const log::Field fields[] = {{"model", printed.model},
                                 {"stream", kStreams[static_cast<std::size_t>(printed.output)]},
                                 {"line", printed.line}};
    log::write(printed.level, "worker.output", fields);
}

void write_hello(const worker::Hello& hello) {
    log::info("worker.hello", {{"generation", hello.generation},
                               {"pid", hello.pid},
                               {"sdk", hello.sdk},
                               {"runtime", hello.runtime}});
}

void write_leftovers(const worker::Exited& exited) {
    if (!exited.search_failure.empty()) {
        log::warning("worker.leftover_search_failed", {{"generation", exited.generation},
                                                       {"pid", exited.pid},
                                                       {"message", exited.search_failure}});
    }
    if (exited.leftover_count == 0) return;
    log::warning("worker.leftovers_killed", {{"generation", exited.generation},
                                             {"pid", exited.pid},
                                             {"processes", exited.leftover_count},
                                             {"all_gone", exited.is_everything_gone}});
}

void write_exceeded(const worker::HostMemoryExceeded& exceeded, int pid) {
    std::vector<log::Field> fields{{"generation", exceeded.generation}, {"pid", pid}};
    if (exceeded.bytes) fields.emplace_back("bytes", *exceeded.bytes);
    if (exceeded.limit) fields.emplace_back("limit", *exceeded.limit);
    fields.emplace_back("type", base::traits(exceeded.error.code).name);
    fields.emplace_back("message", exceeded.error.message);
    log::write(log::Level::warning, "worker.host_memory_exceeded", fields);
}

void write_evidence(const worker::EvidenceTaken& taken) {
    const worker::Evidence& evidence = taken.evidence;
    std::string stacks;
    for (const std::string& line : evidence.python_stacks) {
        stacks += (stacks.empty() ? "" : "\n") + line;
    }
    std::vector<log::Field> fields{{"generation", taken.generation},
                                   {"took", evidence.took},
                                   {"complete", evidence.is_complete},
                                   {"threads", evidence.threads.size()}};
    if (!stacks.empty()) fields.emplace_back("python_stacks", stacks);
    log::write(log::Level::warning, "worker.looked_at", fields);
}

}  // namespace

void Journal::write(const worker::Event& event, std::optional<int> pid) {
    std::visit(base::Overloaded{
                   [&](const worker::Printed& e) { write_printed(e, pid); },
                   [](const worker::Hello& e) { write_hello(e); },
                   [](const worker::Exited& e) { write_leftovers(e); },
                   [](const worker::EvidenceTaken& e) { write_evidence(e); },
                   [&](const worker::HostMemoryExceeded& e) { write_exceeded(e, pid.value_or(0)); },
                   [](const auto&) {}},
               event);
}

void Journal::write_kill_order(const http::WorkerStatus& worker) {
    log::warning("worker.kill_ordered",
                 {{"model", worker.model}, {"generation", worker.id}, {"pid", worker.pid}});
}

void Journal::write_failure(const core::Respond& failed, const std::string& model,
                            std::optional<int> pid) {
    if (!failed.error) return;
    const core::Error& error = *failed.error;
    const bool is_usual = error.code == Errc::cancelled || error.code == Errc::queue_full ||
                          error.code == Errc::invalid_input || error.reason == "shutting_down";
    std::vector<log::Field> fields{{"request", to_text(failed.request)},
                                   {"model", model},
                                   {"type", base::traits(error.code).name},
                                   {"message", error.message}};
    if (failed.generation) fields.emplace_back("generation", failed.generation.value);
    if (pid) fields.emplace_back("pid", *pid);
    if (!error.reason.empty()) fields.emplace_back("reason", error.reason);
    if (!error.cause.empty()) fields.emplace_back("cause", error.cause);
    if (!error.traceback.empty()) fields.emplace_back("traceback", error.traceback);
    log::write(is_usual ? log::Level::info : log::Level::warning, "request.failed", fields);
}

void Journal::write(const core::RememberPeak& learned, const std::string& model,
                    const std::string& device) {
    metrics_.count_event("model.need_learned", model);
    log::info("model.need_learned", {{"model", model},
                                     {"generation", learned.generation.value},
                                     {"device", device},
                                     {"bytes", learned.bytes}});
}

void Journal::write(const core::ForgetPeaks&, const std::string& model, const std::string& device) {
    metrics_.count_event("model.need_forgotten", model);
    log::warning("model.need_forgotten", {{"model", model}, {"device", device}});
}

void Journal::write(const core::Report& report, const Subject& subject) {
    metrics_.count_event(core::to_text(report.code), subject.model);
    metrics_.count(report, subject.model);
    std::vector<log::Field> fields;
    if (report.model) fields.emplace_back("model", subject.model);
    if (report.generation) fields.emplace_back("generation", report.generation.value);
    if (subject.pid) fields.emplace_back("pid", *subject.pid);
    if (report.request) fields.emplace_back("request", to_text(report.request));
    if (!subject.device.empty()) fields.emplace_back("device", subject.device);
    if (report.code == core::EventCode::model_recycled) {
        const char* cause = report.bytes ? "growth" : "runs";
        metrics_.count_recycled(cause, subject.model);
        fields.emplace_back("cause", cause);
    }
    if (report.runs) fields.emplace_back("runs", *report.runs);
    if (report.bytes) fields.emplace_back("bytes", *report.bytes);
    if (report.error) {
        fields.emplace_back("type", base::traits(report.error->code).name);
        fields.emplace_back("message", report.error->message);
        if (!report.error->cause.empty()) fields.emplace_back("cause", report.error->cause);
        if (!report.error->traceback.empty()) {
            fields.emplace_back("traceback", report.error->traceback);
        }
    }
    const bool is_violent = report.code == core::EventCode::worker_terminated ||
                            report.code == core::EventCode::worker_killed ||
                            report.code == core::EventCode::worker_unkillable ||
                            report.code == core::EventCode::device_fenced;
    log::write(report.error || is_violent ? log::Level::warning : log::Level::info,
               core::to_text(report.code), fields);
}

void Journal::note(http::ExchangeRecord record) {
    std::string variant;
    if (!record.variant.empty()) variant = variant_name(record.model, record.variant);
    // Else it was a word for the model itself.
    if (!variant.empty() && metrics_.has_model(variant)) record.model = variant;
    metrics_.count(record);
    if (access_log_ == nullptr) return;
    const bool is_nameless = record.trace.request_id.empty() && record.request != 0;
    const std::string name = is_nameless ? to_text(core::RequestId{record.request}) : "";
    access_log_->write(record, is_nameless ? name : record.trace.request_id);
}

std::string Journal::metrics(MetricsSnapshot snapshot) {
    snapshot.access_lines_lost = access_log_ != nullptr ? access_log_->lost() : 0;
    return metrics_.text(snapshot);
}

}  // namespace windlass::daemon
