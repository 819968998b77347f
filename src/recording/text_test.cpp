// Events and commands in words.
#include "recording/text.h"

#include <doctest/doctest.h>

#include "recording/testing/filled.h"

namespace windlass::recording {
namespace {

using namespace std::chrono_literals;

Names names() {
    return Names{{.models = {{.name = "digits"}}, .devices = {.known = {{.uuid = "GPU-0"}}}}};
}

}  // namespace

TEST_CASE("a line names what it is about, exactly, and leaves out what is not there") {
    CHECK(
        to_text(core::Event{core::CallArrived{
                    .request = {17}, .model = {1}, .priority = 4, .timeout = 2500ms, .wait = 1ns}},
                names()) ==
        "CallArrived request=17 model=digits priority=4 timeout=2.5s wait=0.000000001s");
    CHECK(to_text(core::Event{core::TimePassed{}}, names()) == "TimePassed");
    CHECK(to_text(core::Command{core::Launch{.model = {1}, .generation = {3}, .device = {}}},
                  names()) == "Launch model=digits generation=3");
    CHECK(to_text(core::Command{core::Report{.code = core::EventCode::model_ready,
                                             .model = {2},
                                             .generation = {3},
                                             .request = {},
                                             .error = base::fail(base::Errc::timeout, "late"),
                                             .device = {1},
                                             .bytes = core::Bytes{3 << 20}}},
                  names()) ==
          "Report code=model.ready model=#2 generation=3 "
          "error={code=timeout} device=GPU-0 bytes=3MiB");
}

TEST_CASE("lists and structs within others are told, too") {
    const core::Event sampled = core::DeviceSampled{.device = {1},
                                                    .sequence = 5,
                                                    .used = core::Bytes{1025},
                                                    .own = {{{1}, core::Bytes{0}}, {{2}, {}}},
                                                    .own_known = true,
                                                    .strangers = {}};
    CHECK(to_text(sampled, names()) ==
          "DeviceSampled device=GPU-0 sequence=5 used=1025B own=[{generation=1 bytes=0B}, "
          "{generation=2 bytes=0B}] own_known=yes strangers=0B");
}

TEST_CASE("models and devices that come later have names, too") {
    Names known = names();
    known.note(core::ModelConfigured{.spec = {.name = "poems"}});
    known.note(core::ModelConfigured{.spec = {.name = "digits"}});
    known.note(core::DeviceFound{.device = {3}, .spec = {.uuid = "GPU-1"}});
    CHECK(known.models() == std::vector<std::string>{"digits", "poems"});
    CHECK(known.of(core::DeviceId{3}) == "GPU-1");
}

TEST_CASE("nothing in a file steers a terminal") {
    const std::string evil = "\x1b[2J\n\xc2\x9b\x7f\xff";
    const std::string told =
        to_text(core::Event{core::WorkerExited{.generation = {1}, .how = evil}}, names());
    CHECK(told == "WorkerExited generation=1 how=\"?[2J???\xef\xbf\xbd\"");
    CHECK(Names{{.models = {{.name = evil}}, .devices = {}}}.models().front().find('\x1b') ==
          std::string::npos);
}

}  // namespace windlass::recording
