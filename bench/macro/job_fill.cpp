// bench_job_fill FILE COUNT MODEL BYTES: as many jobs of MODEL wait in the store FILE, of the
// tenant "backlog" and of the least weight, so that others pass them.
#include <cstdlib>
#include <memory>
#include <string>

#include <fmt/core.h>

#include "store/sqlite/sqlite_store.h"

namespace {

using namespace std::chrono_literals;
using namespace windlass;

constexpr std::size_t kAtOnce = 4'000;

template <class T>
T must(base::Result<T> result) {
    if (result) return std::move(*result);
    fmt::print(stderr, "bench: {}\n", result.error().message);
    std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) return 2;
    io::Loop loop;
    const auto store = must(store::sqlite::SqliteStore::make(loop, argv[1]));
    auto left = static_cast<std::size_t>(std::atoll(argv[2]));
    const auto size = static_cast<std::size_t>(std::atoll(argv[4]));
    const std::string input = '"' + std::string(size - 2, 'i') + '"';
    while (left > 0) {
        const std::size_t count = std::min(left, kAtOnce);
        for (std::size_t i = 0; i < count; ++i) {
            store->jobs().submit({.model = argv[3],
                                  .tenant = "backlog",
                                  .priority = 9,
                                  .content_type = "application/json",
                                  .input = input},
                                 100'000'000, [](auto made) { must(std::move(made)); });
        }
        if (!store->settle(60s)) return 1;
        left -= count;
    }
    return store->finish(60s) ? 0 : 1;
}
