// What a worker tells somebody who starts it by hand.
#include "sdk/usage.h"

#include <doctest/doctest.h>

TEST_CASE("the text has a configuration that can be copied") {
    const std::string text = windlass::sdk::how_to_serve({"/opt/my models/ocr+\"2\"", "--fast"});
    CHECK(text.contains("[models.ocr__2_]"));
    CHECK(text.contains(R"(command = ["/opt/my models/ocr+\"2\"", "--fast"])"));
    CHECK(text.contains("/api/models/ocr__2_/call"));
}
