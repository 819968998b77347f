// What windlass-conformance prints: a line for each check, answers to open questions, and at the
// end everything that was not as expected.
#pragma once

#include <fmt/core.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace windlass::conformance {

class Report {
  public:
    void section(std::string_view name) { fmt::print("{}\n", name); }

    void check(std::string_view what, bool holds, const std::string& detail = "") {
        ++count_;
        const std::string line = fmt::format("{}{}{}", what, detail.empty() ? "" : ": ", detail);
        fmt::print("  {}  {}\n", holds ? "ok  " : "FAIL", line);
        std::fflush(stdout);
        if (!holds) divergences_.push_back(line);
    }

    // Results of drivers, compared as numbers.
    template <class T, class U>
    void expect(std::string_view what, T got, U wanted) {
        const auto is = static_cast<long long>(got);
        const auto should = static_cast<long long>(wanted);
        check(what, is == should,
              is == should ? "" : fmt::format("got {}, expected {}", is, should));
    }

    // What no document says and only a device can tell: noted, not judged.
    void answer(std::string_view question, const std::string& text) {
        fmt::print("  note  {}: {}\n", question, text);
        std::fflush(stdout);
    }

    // The exit status.
    int finish() const {
        fmt::print("{} checks, {} divergences\n", count_, divergences_.size());
        for (const std::string& line : divergences_) fmt::print("  {}\n", line);
        return divergences_.empty() ? 0 : 1;
    }

  private:
    int count_ = 0;
    std::vector<std::string> divergences_;
};

}  // namespace windlass::conformance
