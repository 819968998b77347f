// Keeps the workers by generation and hands orders to them.
#include "worker/supervisor.h"

#include <csignal>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/assert.h"
#include "io/loop.h"
#include "io/timer.h"
#include "worker/keeper_link.h"
#include "worker/worker_process.h"

namespace windlass::worker {
namespace {

// What one turn removes of the TMPDIRs of former workers: about 1 ms.
constexpr std::size_t kRemovalsPerTurn = 64;
// What the destructor removes at most, so that it does not hold up the daemon's end.
constexpr std::size_t kRemovalsAtEnd = 10'000;

}  // namespace

struct Supervisor::State {
    State(io::Loop& the_loop, SupervisorOptions the_options, std::function<void(Event)> deliver)
        : loop(the_loop),
          options(std::move(the_options)),
          on_event(std::move(deliver)),
          due_timer(the_loop, [this] { deliver_due(); }),
          removal_timer(the_loop, [this] { remove_some(); }) {
        std::error_code failed;
        const auto absolute = std::filesystem::absolute(options.runtime_dir, failed);
        if (!failed) options.runtime_dir = absolute.string();
    }

    WorkerProcess* find(std::uint64_t generation) const {
        const auto worker = workers.find(generation);
        return worker == workers.end() ? nullptr : worker->second.get();
    }

    // What an order comes to at once is delivered from the loop all the same.
    void deliver_later(std::uint64_t generation, Event event) {
        due.push_back({.generation = generation, .event = std::move(event)});
        due_timer.start(base::Duration::zero());
    }

    void deliver_due() {
        for (Due& next : std::exchange(due, {})) {
            // Its generation may have ended meanwhile, and then nothing more is said of it.
            if (!workers.contains(next.generation)) continue;
            if (std::holds_alternative<LaunchFailed>(next.event)) workers.erase(next.generation);
            on_event(std::move(next.event));
        }
    }

    void on_exited(const Exited& exited) {
        // Out of the table first: on_event sees a world without it. It is destroyed at the end.
        const auto node = workers.extract(exited.generation);
        if (options.keeper != nullptr) options.keeper->remove(exited.generation);
        leftovers.push_back(node.mapped()->take_temporary_directory());
        remove_some();
        on_event(exited);
    }

    void remove_some() {
        if (!leftovers.empty() && leftovers.back().remove_some(kRemovalsPerTurn)) {
            leftovers.pop_back();
        }
        if (!leftovers.empty()) removal_timer.start(base::Duration::zero());
    }

    struct Due {
        std::uint64_t generation = 0;
        Event event;
    };

    io::Loop& loop;
    SupervisorOptions options;
    std::function<void(Event)> on_event;
    std::uint64_t generation_last = 0;
    // Null: it could not be launched, and LaunchFailed is due.
    std::map<std::uint64_t, std::unique_ptr<WorkerProcess>> workers;
    std::vector<Due> due;
    std::vector<TemporaryDirectory> leftovers;
    io::Timer due_timer;
    io::Timer removal_timer;
};

Supervisor::Supervisor(io::Loop& loop, SupervisorOptions options,
                       std::function<void(Event)> on_event)
    : state_(std::make_unique<State>(loop, std::move(options), std::move(on_event))) {}

Supervisor::~Supervisor() {
    for (auto& [generation, worker] : state_->workers) {
        if (!worker) continue;
        worker->kill();
        state_->leftovers.push_back(worker->take_temporary_directory());
    }
    for (TemporaryDirectory& leftover : state_->leftovers) leftover.remove_some(kRemovalsAtEnd);
}

void Supervisor::launch(const LaunchOrder& order) {
    WL_ASSERT(order.generation > state_->generation_last);
    WL_ASSERT(!order.argv.empty());
    state_->generation_last = order.generation;
    base::Result<std::unique_ptr<WorkerProcess>> worker = WorkerProcess::launch(
        state_->loop, state_->options, order,
        WorkerHandlers{.on_event = [this](Event event) { state_->on_event(std::move(event)); },
                       .on_exited = [this](const Exited& exited) { state_->on_exited(exited); }});
    if (worker) {
        if (KeeperLink* const keeper = state_->options.keeper) {
            keeper->add(order.generation, (*worker)->pid());
        }
        state_->workers.emplace(order.generation, std::move(*worker));
        return;
    }
    state_->workers.emplace(order.generation, nullptr);
    state_->deliver_later(
        order.generation,
        LaunchFailed{.generation = order.generation,
                     .error = base::with_context(worker.error(),
                                                 "launching a worker of model " + order.model)});
}

void Supervisor::load(std::uint64_t generation, const wire::LoadOrder& order) {
    if (WorkerProcess* const worker = state_->find(generation)) worker->load(order);
}

void Supervisor::run(std::uint64_t generation, std::uint64_t request, const wire::RunOrder& order,
                     io::SharedBytes body) {
    WorkerProcess* const worker = state_->find(generation);
    if (worker == nullptr) return;
    const base::Result<void> handed_over = worker->run(request, order, std::move(body));
    if (handed_over) return;
    state_->deliver_later(
        generation,
        Failed{.generation = generation, .request = request, .error = handed_over.error()});
}

void Supervisor::recall(std::uint64_t generation, std::uint64_t request) {
    if (WorkerProcess* const worker = state_->find(generation)) worker->recall(request);
}

void Supervisor::offload(std::uint64_t generation) {
    if (WorkerProcess* const worker = state_->find(generation)) worker->offload();
}

void Supervisor::restore(std::uint64_t generation) {
    if (WorkerProcess* const worker = state_->find(generation)) worker->restore();
}

void Supervisor::cancel(std::uint64_t generation, std::uint64_t request) {
    if (WorkerProcess* const worker = state_->find(generation)) worker->cancel(request);
}

void Supervisor::stop(std::uint64_t generation) {
    if (WorkerProcess* const worker = state_->find(generation)) worker->stop();
}

bool Supervisor::terminate(std::uint64_t generation) {
    WorkerProcess* const worker = state_->find(generation);
    return worker != nullptr && worker->end_by(SIGTERM);
}

void Supervisor::give_up_evidence(std::uint64_t generation) {
    if (WorkerProcess* const worker = state_->find(generation)) worker->give_up_evidence();
}

void Supervisor::take_evidence(std::uint64_t generation) {
    if (WorkerProcess* const worker = state_->find(generation)) worker->take_evidence();
}

bool Supervisor::kill(std::uint64_t generation) {
    WorkerProcess* const worker = state_->find(generation);
    return worker != nullptr && worker->end_by(SIGKILL);
}

std::optional<int> Supervisor::find_pid(std::uint64_t generation) const {
    const WorkerProcess* const worker = state_->find(generation);
    if (worker == nullptr) return std::nullopt;
    return worker->pid();
}

std::optional<base::Instant> Supervisor::find_last_heartbeat(std::uint64_t generation) const {
    const WorkerProcess* const worker = state_->find(generation);
    if (worker == nullptr) return std::nullopt;
    return worker->last_heartbeat();
}

std::size_t Supervisor::size() const { return state_->workers.size(); }

}  // namespace windlass::worker
