// What the JSON of each frame says, as typed values, to and from text. Unknown keys are ignored, so
// that either side may be newer; a missing or mistyped known key is data_corrupt, never a throw.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/time.h"
#include "wire/attempt.h"
#include "wire/frame.h"

namespace windlass::wire {

struct Hello {
    std::uint32_t protocol = 0;
    std::string sdk;      // "python/0.1.0"
    int pid = 0;          // as the worker sees itself; another one behind a wrapper program
    std::string runtime;  // "3.11.2"
    // It has the hooks for `offload` and `restore`. Absent, as from an older SDK: it has not.
    bool can_offload = false;
    // Of a process on standby: whether it has used the GPU's driver already.
    std::optional<bool> used_driver = {};

    friend bool operator==(const Hello&, const Hello&) = default;
};

// Of `loaded`: where a worker serves HTTP by itself on this machine. At most one of the two.
struct Loaded {
    std::optional<std::uint16_t> http_port = {};  // of 127.0.0.1; above 0
    std::optional<std::string> http_socket = {};  // an absolute path

    friend bool operator==(const Loaded&, const Loaded&) = default;
};

// 1 to 256 printable ASCII characters: safe in an HTTP header, in JSON and in a log.
bool is_header_text(std::string_view text);

// Of `result`: the answer's type, and what the worker's own allocator says of the device's memory,
// where it has one. Claims of the worker.
struct Answer {
    std::string content_type;  // is_header_text() holds for what was read
    // The most that was handed out during the run; with others beside it, since the first of them.
    std::optional<base::Bytes> peak = {};
    // What it held of the device all the time since the run before ended, or the load: it neither
    // took more from the driver nor gave anything back. Absent: it did, or runs overlapped.
    std::optional<base::Bytes> reserved = {};

    friend bool operator==(const Answer&, const Answer&) = default;
};

// Each is optional; a number that is not whole is cut down to one.
struct Progress {
    std::optional<std::uint64_t> step;
    std::optional<std::uint64_t> total;
    std::optional<std::string> phase;

    friend bool operator==(const Progress&, const Progress&) = default;
};

// Of `recalled`.
struct RecallAnswer {
    bool recalled = false;

    friend bool operator==(const RecallAnswer&, const RecallAnswer&) = default;
};

// Of `offloaded` and `restored`: how long the model's hook took, and what the worker's own
// allocator held of the device around it. Claims of the worker, and for some allocators there are
// none.
struct Moved {
    base::Duration duration{};  // written in whole microseconds
    std::optional<base::Bytes> before;
    std::optional<base::Bytes> after;

    friend bool operator==(const Moved&, const Moved&) = default;
};

struct LogLine {
    base::log::Level level = base::log::Level::info;  // an unknown word is read as info
    std::string message;
    // Of a hook that raised at the worker's end, when nothing else tells of it.
    std::string hook = {};
    std::string cause = {};  // the exception's class
    std::string traceback = {};

    friend bool operator==(const LogLine&, const LogLine&) = default;
};

struct LoadOrder {
    std::string model;
    std::string device;  // "cpu" or "cuda": the one that the worker sees
    std::string uuid;    // of that GPU, for a process that stood by; empty for the CPU
    std::uint32_t concurrency = 1;
    base::Bytes body_max;  // fits 32 bits, as in the frame header
    base::Duration heartbeat{};

    friend bool operator==(const LoadOrder&, const LoadOrder&) = default;
};

// Both texts come from a client: is_header_text() must hold for them before they are written.
struct RunOrder {
    std::string content_type;
    std::optional<std::string> variant;
    base::Duration timeout{};  // what is left of the client's time; written in whole milliseconds
    std::optional<Attempt> attempt = {};  // empty: a call

    friend bool operator==(const RunOrder&, const RunOrder&) = default;
};

std::string to_json(const Hello& hello);
std::string to_json(const Loaded& loaded);
std::string to_json(const Answer& answer);
std::string to_json(const Progress& progress);
std::string to_json(const RecallAnswer& answer);
std::string to_json(const Moved& moved);
std::string to_json(const LogLine& line);
std::string to_json(const LoadOrder& order);
std::string to_json(const RunOrder& order);

// Of `error`: type, message and, where given, cause, traceback, reason and retry_after_s. Texts
// that would make the meta larger than a frame may carry are cut.
std::string to_json(const base::Error& error);

base::Result<Hello> parse_hello(std::string_view json);
base::Result<Loaded> parse_loaded(std::string_view json);
base::Result<Answer> parse_answer(std::string_view json);
base::Result<Progress> parse_progress(std::string_view json);
base::Result<RecallAnswer> parse_recall_answer(std::string_view json);
// `type` is the frame's, for the message: `offloaded` or `restored`.
base::Result<Moved> parse_moved(FrameType type, std::string_view json);
base::Result<LogLine> parse_log_line(std::string_view json);
base::Result<LoadOrder> parse_load_order(std::string_view json);
base::Result<RunOrder> parse_run_order(std::string_view json);
// Of `settings`, whose meta is the settings themselves: whether that is an object.
base::Result<void> check_settings(std::string_view json);

// The value is the error that the worker reports; the Result's own error says that the meta is bad.
// An unknown type is read as `internal` with the word as its cause.
struct RemoteError {
    base::Error error;
};
base::Result<RemoteError> parse_error(std::string_view json);

}  // namespace windlass::wire
