// Which changes of a configuration touch which models.
#include "daemon/reload.h"

#include <doctest/doctest.h>

namespace windlass::daemon {

using namespace std::chrono_literals;

namespace {

Configuration two_models() {
    Configuration configuration;
    for (const char* name : {"a", "b"}) {
        ModelConfiguration model;
        model.name = name;
        model.python = "module:Class";
        configuration.models.push_back(model);
    }
    return configuration;
}

}  // namespace

TEST_CASE("what did not change is not touched") {
    const Reload reload = compare(two_models(), two_models());
    CHECK(reload.unchanged == 2);
    CHECK(reload.changed.empty());
    CHECK(reload.removed.empty());
    CHECK(reload.ignored.empty());
}

TEST_CASE("limits leave the process, what it was started with does not") {
    Configuration after = two_models();
    after.models[0].run_timeout = 7s;
    after.models[0].recycle_after = 100;
    after.models[0].max_growth = base::Bytes{1};
    after.models[1].env["THREADS"] = "4";
    const Reload reload = compare(two_models(), after);
    REQUIRE(reload.changed.size() == 2);
    CHECK(reload.changed[0].model.name == "a");
    CHECK_FALSE(reload.changed[0].needs_new_process);
    CHECK(reload.changed[1].needs_new_process);
    CHECK(reload.unchanged == 0);
}

TEST_CASE("models come and go by name") {
    Configuration after = two_models();
    after.models[1].name = "c";
    const Reload reload = compare(two_models(), after);
    REQUIRE(reload.changed.size() == 1);
    CHECK(reload.changed[0].model.name == "c");
    CHECK_FALSE(reload.changed[0].needs_new_process);
    CHECK(reload.removed == std::vector<std::string>{"b"});
    CHECK(reload.unchanged == 1);
}

TEST_CASE("what only a restart can change is named") {
    Configuration after = two_models();
    after.daemon.listen.port = 1;
    after.daemon.shutdown_grace = 9s;
    CHECK(compare(two_models(), after).ignored == std::vector<std::string>{"daemon.listen"});
}

}  // namespace windlass::daemon
