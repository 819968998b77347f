// Shared by the tests of the configuration: parses text and compares what is said of it.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "daemon/configuration.h"

namespace windlass::daemon::testing {

// Prints when a comparison fails.
struct Lines : std::vector<std::string> {
    using std::vector<std::string>::vector;
    friend std::ostream& operator<<(std::ostream& out, const Lines& lines) {
        for (const std::string& line : lines) out << "\n  " << line;
        return out;
    }
};

inline const Environment kNoEnvironment = {{"HOME", "/home/ada"}};

inline LoadedConfiguration parse(std::string_view text,
                                 const Environment& environment = kNoEnvironment,
                                 const Overrides& overrides = {}) {
    return parse_configuration(text, "w.toml", environment, overrides);
}

inline Lines problems(const LoadedConfiguration& loaded) {
    Lines lines;
    for (const Problem& problem : loaded.problems) {
        const bool notice = problem.severity == Severity::notice;
        lines.push_back((notice ? "notice: " : "") + to_text(problem));
    }
    return lines;
}

// The problems of [models.m] with `python` and these lines; the first of them is line 3.
inline Lines model_problems(const std::string& lines) {
    return problems(parse("[models.m]\npython = \"a:B\"\n" + lines));
}

// What was read, of a file without an error.
inline Configuration good(const LoadedConfiguration& loaded) {
    REQUIRE(loaded.configuration.has_value());
    return loaded.configuration.value_or(Configuration{});
}

inline ModelConfiguration model(const std::string& lines,
                                const Environment& environment = kNoEnvironment) {
    const auto loaded = parse("[models.m]\npython = \"a:B\"\n" + lines, environment);
    CHECK(problems(loaded) == Lines{});
    return good(loaded).models.at(0);
}

}  // namespace windlass::daemon::testing
