// What a model reports or throws, as the protocol takes it.
#include "sdk/failure.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "wire/frame_meta.h"

using namespace std::chrono_literals;
namespace base = windlass::base;
namespace sdk = windlass::sdk;
namespace worker = windlass::worker;

namespace {

template <class Exception>
base::Error thrown(const Exception& exception) {
    try {
        throw exception;
    } catch (...) {
        return sdk::describe_current_exception();
    }
}

}  // namespace

TEST_CASE("what an error says is kept, in the form of the protocol") {
    const base::Error error = sdk::to_error({.type = worker::ErrorType::unavailable,
                                             .message = "a file called \xff",
                                             .reason = "warming_up",
                                             .retry_after = -5s});
    CHECK(error.code == base::Errc::unavailable);
    CHECK(error.message == "a file called \xEF\xBF\xBD");
    CHECK(error.reason == "warming_up");
    CHECK(error.retry_after == 0s);
    CHECK(windlass::wire::parse_error(windlass::wire::to_json(error)).value().error == error);
}

TEST_CASE("an exception has its class as cause; the lack of memory has a type") {
    const base::Error plain = thrown(std::out_of_range{"no such pixel"});
    CHECK(plain.code == base::Errc::internal);
    CHECK(plain.cause == "std::out_of_range");
    CHECK(plain.message == "std::out_of_range: no such pixel");
    CHECK(thrown(std::bad_alloc{}).code == base::Errc::host_out_of_memory);
    CHECK(thrown(5).cause == "int");
}
