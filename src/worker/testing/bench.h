// For tests: a loop, a supervisor, a directory of its own, and the events so far.
#pragma once

#include <doctest/doctest.h>
#include <deque>
#include <string>
#include <variant>
#include <vector>

#include "base/testing/scratch_directory.h"
#include "io/loop.h"
#include "io/testing/run_until.h"
#include "worker/supervisor.h"
#include "worker/testing/life_line.h"

namespace windlass::worker::testing {

class Bench {
  public:
    // `cgroup`: of make_daemon_cgroup(). `searcher`: stands in for `windlass`.
    explicit Bench(const std::string& cgroup = "", const std::string& searcher = WL_TEST_SHIM)
        : supervisor(loop, options(cgroup, searcher),
                     [this](Event event) { take(std::move(event)); }) {}
    ~Bench() {
        for (std::uint64_t generation = 1; generation <= last_; ++generation) {
            supervisor.kill(generation);
        }
        CHECK(io::testing::run_until(loop, [this] { return supervisor.size() == 0; }));
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;

    std::uint64_t launch(std::vector<std::string> argv,
                         std::map<std::string, std::string> environment = {},
                         std::optional<base::Bytes> host_memory = {}) {
        supervisor.launch({.generation = ++last_,
                           .model = "digits",
                           .argv = std::move(argv),
                           .environment = std::move(environment),
                           .host_memory = host_memory});
        return last_;
    }
    std::uint64_t launch_fake(const std::string& mode, const std::string& argument = "") {
        std::vector<std::string> argv{"python3", "-S", WL_TEST_FAKE_WORKER, mode};
        if (!argument.empty()) argv.push_back(argument);
        return launch(std::move(argv));
    }
    // A fake worker in mode `serve` that has loaded.
    std::uint64_t launch_loaded(const std::string& mode = "serve",
                                std::uint64_t body_max = 1 << 20) {
        const std::uint64_t generation = launch_fake(mode);
        wait<Hello>(generation);
        load(generation, body_max);
        wait<Loaded>(generation);
        return generation;
    }
    void load(std::uint64_t generation, std::uint64_t body_max) {
        supervisor.load(generation, {.model = "digits",
                                     .device = "cpu",
                                     .concurrency = 1,
                                     .body_max = base::Bytes{body_max},
                                     .heartbeat = std::chrono::seconds{1}});
    }
    void run(std::uint64_t generation, std::uint64_t request, const std::string& content_type,
             std::string body = "") {
        supervisor.run(generation, request, {.content_type = content_type, .variant = "fast"},
                       std::make_shared<const std::string>(std::move(body)));
    }

    // The `count`th event of a kind that a generation has had.
    template <class Kind>
    const Kind* find(std::uint64_t generation, int count = 1) const {
        for (const Event& event : events) {
            const Kind* const found = std::get_if<Kind>(&event);
            if (found != nullptr && found->generation == generation && --count == 0) return found;
        }
        return nullptr;
    }
    // The same; fails the test, and gives an empty one, if it has not come.
    template <class Kind>
    const Kind& get(std::uint64_t generation, int count = 1) const {
        static const Kind none{};
        const Kind* const found = find<Kind>(generation, count);
        CHECK(found != nullptr);
        return found == nullptr ? none : *found;
    }
    template <class Kind>
    const Kind& wait(std::uint64_t generation, int count = 1) {
        REQUIRE(
            io::testing::run_until(loop, [&] { return find<Kind>(generation, count) != nullptr; }));
        return get<Kind>(generation, count);
    }
    template <class Kind>
    int count(std::uint64_t generation) const {
        int found = 0;
        while (find<Kind>(generation, found + 1) != nullptr) ++found;
        return found;
    }
    // All lines that a generation printed that way, joined with "|".
    std::string printed(std::uint64_t generation, Output output) const {
        std::string lines;
        for (int number = 1; const Printed* line = find<Printed>(generation, number); ++number) {
            if (line->output == output) lines += (lines.empty() ? "" : "|") + line->line;
        }
        return lines;
    }

    const base::testing::ScratchDirectory scratch;
    const std::string& directory = scratch.path;
    io::Loop loop;
    std::deque<Event> events;  // references to earlier ones stay good
    Supervisor supervisor;

  private:
    SupervisorOptions options(const std::string& cgroup, const std::string& searcher) const {
        return {.daemon_id = unique_id(),
                .executable = WL_TEST_SHIM,
                .searcher = searcher,
                .runtime_dir = directory,
                .cgroup = cgroup};
    }
    void take(Event event) {
        // Nothing comes after the last event of a generation.
        const std::uint64_t generation =
            std::visit([](const auto& known) { return known.generation; }, event);
        CHECK(find<Exited>(generation) == nullptr);
        CHECK(find<LaunchFailed>(generation) == nullptr);
        events.push_back(std::move(event));
    }

    std::uint64_t last_ = 0;
};

}  // namespace windlass::worker::testing
