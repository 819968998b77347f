// How explanations are shown: the sentence first, what can be done, then a table.
#include "cli/explain_text.h"

#include <doctest/doctest.h>

namespace cli = windlass::cli;

namespace {

constexpr const char* kAnswer = R"({"subject": "r17", "sentence": "r17 waits for memory.",
  "advice": [{"command": "windlass models unload small", "what": "frees 3 GiB"},
             {"command": null, "what": "lower need"}],
  "processes": [],
  "memory": {"device": "GPU-1", "holders": [
    {"kind": "model", "model": "small", "worker": 7, "pid": 4711, "doing": "running",
     "bytes": 3221225472, "since_s": 4.0, "makes_room_in_s": 51.0,
     "until": {"step": "run_timeout", "in_s": 296.0}},
    {"kind": "foreign", "model": null, "worker": null, "pid": null, "doing": "foreign",
     "bytes": 536870912, "since_s": null, "makes_room_in_s": null, "until": null,
     "processes": [{"pid": 812}]}]}})";

}  // namespace

TEST_CASE("an explanation is read and shown") {
    const auto state = cli::parse_explanation(kAnswer);
    REQUIRE(state.has_value());
    CHECK(cli::explanation_text(*state) ==
          "r17 waits for memory.\n"
          "\nTo end it:\n"
          "  windlass models unload small  frees 3 GiB\n"
          "\nOr lower need.\n"
          "\non GPU-1\n"
          "HOLDER   WORKER  PID   BYTES    DOES     SINCE  UNTIL                MAKES ROOM IN\n"
          "small    7       4711  3 GiB    running  4 s    5 min (run_timeout)  51 s\n"
          "foreign  -       812   512 MiB  foreign  -      -                    -\n");
}

TEST_CASE("nothing waits, and what is no daemon's answer") {
    const auto none = cli::parse_explanations(R"({"explanations": []})");
    REQUIRE(none.has_value());
    CHECK(cli::explanations_text(*none) == "nothing waits, and all models are well\n");
    CHECK_FALSE(cli::parse_explanations("{}"));
    CHECK_FALSE(cli::parse_explanation("[1]"));
    CHECK_FALSE(cli::parse_explanation("{}"));
}
