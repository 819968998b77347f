// What an error's body says of memory.
#include "client/error_json.h"

#include <doctest/doctest.h>

#include <ostream>

TEST_CASE("an error for lack of memory says how much is missing and who holds it") {
    const auto read = windlass::client::parse_error_body(
        R"({"error":{"type":"unavailable","message":"full","reason":"memory","device":"GPU-1",)"
        R"("required":6442450944,"available":null,"holders":[{"kind":"model","model":"x",)"
        R"("generation":7,"bytes":3221225472},{"kind":"foreign","bytes":5,"new":[]}]}})");
    REQUIRE(read.has_value());
    REQUIRE(read->memory.has_value());
    const windlass::MemoryShortage& memory = *read->memory;
    CHECK(memory.device == "GPU-1");
    CHECK(memory.required == 6'442'450'944);
    CHECK_FALSE(memory.available.has_value());
    REQUIRE(memory.holders.size() == 2);
    CHECK(memory.holders[0].model == "x");
    CHECK(memory.holders[0].generation == 7);
    CHECK(memory.holders[0].bytes == 3'221'225'472);
    CHECK(memory.holders[1].kind == "foreign");
    for (const std::string wrong : {R"("required":-1)", R"("required":1.5)", R"("holders":{})",
                                    R"("holders":[7])", R"("available":nul)"}) {
        CAPTURE(wrong);
        CHECK_FALSE(windlass::client::parse_error_body(R"({"error":{"type":"a",)" + wrong + "}}"));
    }
}
