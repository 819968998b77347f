// Reports and events put together to incidents.
#include "daemon/incidents.h"

#include <doctest/doctest.h>

namespace base = windlass::base;
namespace core = windlass::core;
namespace http = windlass::http;
namespace worker = windlass::worker;
using core::EventCode;
using windlass::daemon::Incidents;
using namespace std::chrono_literals;
using namespace windlass::base;  // _GiB

namespace {

constexpr base::Instant kStart{};
constexpr core::Generation kThird{3};
constexpr core::Generation kFourth{4};

core::Report report(EventCode code, core::Generation generation, core::RequestId request = {},
                    std::optional<base::Error> error = {}) {
    return {code, core::ModelId{1}, generation, request, std::move(error)};
}

std::string steps_of(const http::IncidentStatus& incident) {
    std::string text;
    for (const http::IncidentStep& step : incident.steps) {
        text += (text.empty() ? "" : " ") + std::string{step.name};
    }
    return text;
}

struct Book {
    void note(EventCode code, core::Generation generation = kThird, base::Duration at = {},
              core::RequestId request = {}, std::optional<base::Error> error = {}) {
        incidents.note(report(code, generation, request, std::move(error)),
                       {.model = "digits", .pid = 4711, .last_heartbeat = kStart}, kStart + at);
    }
    void signal(EventCode code, base::Duration at = {}) {
        note(code, kThird, at);
        incidents.note_signal(kThird, code, kStart + at);
    }
    void exit(core::Generation generation = kThird) {
        incidents.note(worker::Exited{.generation = generation.value,
                                      .pid = 4711,
                                      .code = {},
                                      .signal = 9,
                                      .leftover_count = 2},
                       kStart);
    }
    Incidents incidents;
};

}  // namespace

TEST_CASE("a run that broke a limit has every step once, with its time since detection") {
    Book book;
    book.incidents.note(
        worker::Progressed{
            .generation = 3, .request = 17, .step = 5, .total = {}, .phase = "encode"},
        kStart);
    book.note(EventCode::run_limit_reached, kThird, 1s, core::RequestId{17},
              base::fail(base::Errc::timeout, "too long"));
    book.incidents.note(
        worker::EvidenceTaken{.generation = 3,
                              .evidence = {.python_stacks = {"File"}, .is_complete = true}},
        kStart + 2s);
    book.signal(EventCode::worker_terminated, 3s);
    book.signal(EventCode::worker_killed, 4s);
    book.exit();
    book.note(EventCode::worker_reaped, kThird, 5s);
    book.note(EventCode::model_ready, kFourth, 6s);
    book.note(EventCode::model_ready, kFourth, 7s);
    const auto all = book.incidents.list();
    REQUIRE(all.size() == 1);
    const http::IncidentStatus& incident = all.front();
    CHECK(steps_of(incident) == "detected looked_at terminated killed reaped proved resumed");
    CHECK(incident.steps[3].after == 3s);
    CHECK(incident.steps.back().after == 5s);
    CHECK(incident.device == "cpu");
    CHECK(incident.steps[5].by == "reap");
    CHECK_FALSE(incident.steps[5].bytes.has_value());
    CHECK(incident.request == "r17");
    CHECK(incident.cause.value_or(base::Error{}).code == base::Errc::timeout);
    CHECK(incident.how == "was killed by signal 9 (SIGKILL)");
    CHECK(incident.leftovers == 2);
    CHECK(incident.heartbeat_age == 1s);
    CHECK(incident.progress.value_or(http::ProgressStatus{}).step == 5);
    CHECK(incident.progress.value_or(http::ProgressStatus{}).age == 1s);
    CHECK(incident.evidence.value_or(http::EvidenceStatus{}).python_stacks.size() == 1);
    CHECK(incident.detected_at.ends_with('Z'));
}

TEST_CASE("a death is told after the reap, and a good end is no incident") {
    Book book;
    book.exit();
    book.note(EventCode::worker_reaped);
    book.incidents.forget(kThird);
    CHECK(book.incidents.list().empty());
    book.exit(kFourth);
    book.note(EventCode::worker_reaped, kFourth);
    book.note(EventCode::worker_lost, kFourth, {}, {},
              base::fail(base::Errc::worker_lost, "it died"));
    const auto all = book.incidents.list();
    REQUIRE(all.size() == 1);
    CHECK(steps_of(all.front()) == "detected reaped proved");
    CHECK(all.front().worker == 4);
    CHECK_FALSE(all.front().evidence.has_value());
}

TEST_CASE("an order by hand is the cause where nothing else is") {
    Book book;
    book.incidents.note_order(kThird, {.model = "digits", .pid = 1}, kStart);
    book.signal(EventCode::worker_killed);
    const auto all = book.incidents.list();
    REQUIRE(all.size() == 1);
    CHECK(steps_of(all.front()) == "detected ordered killed");
    CHECK(all.front().cause.value_or(base::Error{}).message.contains("administrator"));
    CHECK(all.front().how.empty());
}

TEST_CASE("a signal that is due is no step before it is sent, but its incident is there") {
    Book book;
    book.note(EventCode::worker_killed);
    CHECK(steps_of(book.incidents.list().front()) == "detected");
    book.incidents.note_order(kThird, {.model = "digits", .pid = 1}, kStart);
    book.incidents.note(worker::EvidenceTaken{.generation = 3, .evidence = {.is_complete = true}},
                        kStart + 80ms);
    book.incidents.note_signal(kThird, EventCode::worker_killed, kStart + 80ms);
    const auto all = book.incidents.list();
    CHECK(steps_of(all.front()) == "detected ordered looked_at killed");
    CHECK(all.front().steps.back().after == 80ms);
}

TEST_CASE("on a GPU the driver proves the memory back, and what it does not show is fenced") {
    Incidents incidents;
    const Incidents::Subject subject{
        .model = "digits", .pid = 4711, .last_heartbeat = {}, .device = "GPU-1"};
    const auto note = [&](EventCode code, base::Duration at, std::optional<base::Bytes> bytes) {
        core::Report told = report(code, kThird);
        told.bytes = bytes;
        incidents.note(told, subject, kStart + at);
    };
    note(EventCode::worker_poisoned, 0s, {});
    incidents.note(worker::EvidenceTaken{.generation = 3, .evidence = {.is_complete = true}},
                   kStart);
    incidents.note_activity(kThird, {.last = {.worker_bytes = 3_GiB, .age = 1s}});
    incidents.note(worker::Exited{.generation = 3, .pid = 4711, .code = 0}, kStart + 1s);
    note(EventCode::worker_reaped, 1s, {});
    incidents.forget(kThird);
    CHECK(steps_of(incidents.list().front()) == "detected looked_at reaped");
    note(EventCode::device_fenced, 31s, 2_GiB);
    note(EventCode::device_fence_lifted, 40s, {});
    const http::IncidentStatus incident = incidents.list().front();
    CHECK(incident.device == "GPU-1");
    CHECK(steps_of(incident) == "detected looked_at reaped fenced proved");
    CHECK(incident.steps[3].bytes == 2_GiB);
    CHECK(incident.steps[3].by.empty());
    CHECK(incident.steps[4].after == 40s);
    CHECK(incident.steps[4].by == "driver");
    const auto seen = incident.evidence.value_or(http::EvidenceStatus{}).activity.last;
    CHECK(seen.worker_bytes == 3_GiB);
    CHECK_FALSE(seen.used.has_value());
}

TEST_CASE("the cause of each incident is told once, as soon as it is known") {
    std::string told;
    Incidents incidents{[&](const std::string& model, std::string_view cause) {
        told += model + ":" + std::string{cause} + " ";
    }};
    const Incidents::Subject subject{.model = "digits", .pid = 1, .last_heartbeat = {}};
    core::Report limit = report(EventCode::run_limit_reached, core::Generation{1});
    limit.error = base::fail(base::Errc::timeout, "too long");
    incidents.note(limit, subject, kStart);
    incidents.note(report(EventCode::worker_killed, core::Generation{1}), subject, kStart);
    CHECK(told == "digits:timeout ");
    incidents.note_order(core::Generation{2}, subject, kStart);
    CHECK(told == "digits:timeout digits:cancelled ");
    // It ignored its stop, and no error led to that.
    incidents.note(report(EventCode::worker_terminated, core::Generation{3}), subject, kStart);
    incidents.note(worker::Exited{.generation = 3, .pid = 1}, kStart);
    incidents.note(report(EventCode::worker_reaped, core::Generation{3}), subject, kStart);
    CHECK(told == "digits:timeout digits:cancelled digits:forced ");
}

TEST_CASE("an incident has the last lines that its worker printed") {
    Book book;
    for (int i = 1; i <= 25; ++i) {
        book.incidents.note(worker::Printed{.generation = 3,
                                            .model = "digits",
                                            .line = std::to_string(i) + std::string(600, 'x')},
                            kStart);
    }
    book.incidents.note(worker::Printed{.generation = 4, .model = "digits", .line = "other"},
                        kStart);
    book.exit();
    book.note(EventCode::worker_reaped);
    book.note(EventCode::worker_lost);
    const std::vector<std::string> output = book.incidents.list().front().output;
    REQUIRE(output.size() == 20);
    CHECK(output.front() == "6" + std::string(499, 'x'));
    CHECK(output.back().starts_with("25x"));
}

TEST_CASE("only the latest are kept, the latest first") {
    Book book;
    for (std::uint64_t number = 1; number <= Incidents::kKept + 5; ++number) {
        book.note(EventCode::worker_lost, core::Generation{number});
    }
    const auto all = book.incidents.list();
    REQUIRE(all.size() == Incidents::kKept);
    CHECK(all.front().id == Incidents::kKept + 5);
    CHECK(all.back().id == 6);
}
