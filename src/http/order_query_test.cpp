// Which switches which order knows.
#include "http/order_query.h"

#include <doctest/doctest.h>

#include <string>

namespace http = windlass::http;
using http::ModelAction;
using http::OrderQuery;
using http::read_order_query;

namespace {

bool is_refused(ModelAction action, std::string_view query) {
    const auto read = read_order_query(action, query);
    if (read) return false;
    CHECK(read.error().code == windlass::base::Errc::invalid_input);
    CHECK(read.error().message.find("it knows") != std::string::npos);
    return true;
}

}  // namespace

TEST_CASE("each order knows its own switches") {
    CHECK(*read_order_query(ModelAction::load, "") == OrderQuery{});
    CHECK(*read_order_query(ModelAction::load, "wait=0") == OrderQuery{.is_hint = true});
    CHECK(*read_order_query(ModelAction::load, "wait=false") == OrderQuery{.is_hint = true});
    CHECK(*read_order_query(ModelAction::load, "wait=0&wait=1") == OrderQuery{});
    CHECK(*read_order_query(ModelAction::restart, "") == OrderQuery{});
    for (const char* force : {"force", "force=", "force=1", "force=true", "force=0&force"}) {
        CHECK(*read_order_query(ModelAction::unload, force) == OrderQuery{.is_forced = true});
    }
    CHECK(*read_order_query(ModelAction::unload, "force=0") == OrderQuery{});
    CHECK(*read_order_query(ModelAction::unload, "force=false") == OrderQuery{});
    CHECK(*read_order_query(ModelAction::unload, "") == OrderQuery{});
}

TEST_CASE("what an order does not know is refused, rather than done otherwise than wanted") {
    CHECK(is_refused(ModelAction::load, "force"));
    CHECK(is_refused(ModelAction::load, "wait"));
    CHECK(is_refused(ModelAction::load, "wait=5s"));
    CHECK(is_refused(ModelAction::unload, "wait=0"));
    CHECK(is_refused(ModelAction::unload, "force=5"));
    CHECK(is_refused(ModelAction::unload, "force&x=1"));
    CHECK(is_refused(ModelAction::offload, "force"));
    CHECK(is_refused(ModelAction::load, "wait=0&x=1"));
    CHECK(is_refused(ModelAction::load, "wait=0&&"));
    CHECK(is_refused(ModelAction::pause, "="));
}
