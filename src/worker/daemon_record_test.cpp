// The record of a daemon: written and read back, whole and in pieces.
#include "worker/daemon_record.h"

#include <doctest/doctest.h>

#include <string>

namespace worker = windlass::worker;

namespace {

worker::DaemonRecord example() {
    return {
        .daemon_id = "0123456789abcdef",
        .pid_space = "b-1",
        .daemon = {.pid = 1, .start_ticks = 77},
        .folder = "/state with space\nand %0A/run/0123456789abcdef",
        .cgroup = "/sys/fs/cgroup/windlass-0123456789abcdef",
        .workers = {{3, {.pid = 33, .start_ticks = 100}}, {4, {.pid = 44, .start_ticks = 101}}}};
}

worker::DaemonRecord read_back(const std::string& text) {
    worker::DaemonRecordReader reader;
    reader.feed(text);
    return reader.record();
}

}  // namespace

TEST_CASE("a record is read back as it was, in whatever pieces it comes") {
    const std::string text = worker::encode(example());
    CHECK(read_back(text) == example());
    worker::DaemonRecordReader reader;
    for (const char& byte : text) reader.feed({&byte, 1});
    CHECK(reader.record() == example());
}

TEST_CASE("workers come and go, and a line without its end does not count") {
    worker::DaemonRecord expected = example();
    std::string text = worker::encode(expected);
    text += worker::encode_added(5, {.pid = 55, .start_ticks = 102}) + worker::encode_removed(3);
    text += "gone 4";
    expected.workers.erase(3);
    expected.workers[5] = {.pid = 55, .start_ticks = 102};
    CHECK(read_back(text) == expected);
}

TEST_CASE("nonsense is ignored, and no number comes out of it that kill(2) reads otherwise") {
    const worker::DaemonRecord record = read_back(
        "worker 1 -1 5\nworker 2 0 5\nworker 3 1 5\nworker 4\nworker x 7 8\nprocess -4 4\n"
        "gone x\nnothing\n\nworker 6 99999999999999 1\n" +
        std::string(20'000, 'x'));
    CHECK(record == worker::DaemonRecord{});
}

TEST_CASE("an id of a daemon is 16 hexadecimal digits") {
    CHECK(worker::is_daemon_id("0123456789abcdef"));
    CHECK_FALSE(worker::is_daemon_id("0123456789abcde"));
    CHECK_FALSE(worker::is_daemon_id("0123456789abcdeg"));
    CHECK_FALSE(worker::is_daemon_id("../../../../../.."));
}
