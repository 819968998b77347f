// docs/doctor.md says of each finding what the program says.
#include <fmt/core.h>

#include <algorithm>

#include "cli/doctor_testing.h"
#include "io/read_file.h"

namespace windlass::cli {
namespace {

std::size_t count_of(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
}

TEST_CASE("[A5.10] the page lists every finding of the program once, and no other") {
    const std::string page = io::read_file(WL_TEST_DOCS "/doctor.md", 1 << 20).value_or("");
    REQUIRE_FALSE(page.empty());
    for (const FindingRow& row : finding_table()) {
        const std::string line = fmt::format("| `{}` | {} | {} | {} |\n", row.id,
                                             to_text(row.gravity), row.title, row.remedy);
        INFO("docs/doctor.md must hold: " << line);
        CHECK(count_of(page, line) == 1);
    }
    CHECK(count_of(page, " | error | ") + count_of(page, " | warning | ") +
              count_of(page, " | info | ") ==
          kFindingCount);
}

TEST_CASE("every finding says what is so, and what to do") {
    for (const FindingRow& row : finding_table()) {
        CAPTURE(row.id);
        CHECK(row.title.size() > 10);
        CHECK(row.remedy.size() > 10);
        CHECK_FALSE(row.title.ends_with('.'));
        CHECK(find_kind(row.id) == row.kind);
        const auto checks = doctor_checks();
        CHECK(
            (row.check == "any" || std::ranges::count(checks, row.check, &DoctorCheck::name) == 1));
    }
}

}  // namespace
}  // namespace windlass::cli
