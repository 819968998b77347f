// The table of keys. Defaults are those of the design; a test compares them with the structs.
#include "daemon/configuration_keys.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace windlass::daemon {
namespace {

constexpr Floor kNow = Floor::present;
constexpr Floor kLater = Floor::later;
constexpr Section kDaemon = Section::daemon;
constexpr Section kDevices = Section::devices;
constexpr Section kModel = Section::model;
constexpr Section kVariant = Section::variant;

// Upper limits of durations: 30 days is beyond any run; they catch a slip of the unit.
// clang-format off
constexpr auto kKeys = std::to_array<Key>({
    {kDaemon, "listen", KeyKind::listen, "\"127.0.0.1:7411\"", "", "", "", kNow,
     "Address and port of the HTTP interface; port 0 takes any free one. Only loopback, as "
     "long as there are no tokens."},
    {kDaemon, "socket", KeyKind::text, "", "\"/run/windlass.sock\"", "", "", kNow,
     "Unix socket that serves the same interface, with mode 0600, relative to this file; "
     "`\"none\"`: no such socket. Without it `windlass.sock` in `state_dir`. At most 107 bytes."},
    {kDaemon, "state_dir", KeyKind::text, "", "\"/var/lib/windlass\"", "", "", kNow,
     "Folder of what outlives the daemon; `windlass.db` in it keeps what models were measured to "
     "need. If it is not set, `$XDG_STATE_HOME/windlass`, else `~/.local/state/windlass`, else "
     "`/var/lib/windlass`."},
    {kDaemon, "log", KeyKind::choice, "\"text\"", "", "", "text json", kNow,
     "`\"text\"` for people, `\"json\"` for one object a line. Both go to stderr."},
    {kDaemon, "access_log", KeyKind::text, "", "\"access.log\"", "", "", kNow,
     "File, relative to this one, that gets a line for each HTTP request; `\"-\"`: stdout. SIGHUP "
     "opens it anew."},
    {kDaemon, "shutdown_grace", KeyKind::duration, "\"5s\"", "", "0s", "1h", kNow,
     "What running requests get to finish when the daemon is asked to stop. Cancelling and "
     "SIGTERM fall inside it, SIGKILL comes at its end."},
    {kDaemon, "token_file", KeyKind::text, "", "\"token\"", "", "", kLater,
     "File with the token that clients must show."},
    {kDaemon, "allowed_hosts", KeyKind::host_list, "[]", "[\"gpu.example\"]", "", "", kNow,
     "Names that a request's `Host` header may hold besides loopback and `localhost`."},
    {kDaemon, "body_limit", KeyKind::bytes, "\"256MiB\"", "", "1KiB", "2GiB", kNow,
     "Largest body of a request or an answer."},
    {kDaemon, "cgroups", KeyKind::choice, "\"auto\"", "", "", "auto none", kNow,
     "Whether each worker gets a cgroup (version 2) of its own, where the system allows it: what "
     "ends its children for certain. `\"none\"`: they are found by their environment only."},
    {kDaemon, "bodies_limit", KeyKind::bytes, "\"1GiB\"", "", "1KiB", "1TiB", kNow,
     "Bodies of all requests together; beyond it they are refused with `unavailable`. Not below "
     "`body_limit`."},
    {kDaemon, "events_keep", KeyKind::duration, "\"7d\"", "", "1m", "365d", kNow,
     "How long [events](events.md) can be listed and followed; older ones go when new ones come."},
    {kDaemon, "events_limit", KeyKind::count, "100000", "", "100", "10000000", kNow,
     "How many of them are kept at most, the latest; 100000 take some 40 MB in `windlass.db`."},
    {kDaemon, "disk_reserve", KeyKind::bytes, "\"64MiB\"", "", "0B", "1TiB", kNow,
     "Room set aside beside `windlass.db`. When the disk is full it is let go, so that what runs "
     "can still end and be kept, while no new job is taken. `\"0B\"`: none."},
    {kDaemon, "jobs_keep_succeeded", KeyKind::duration, "\"24h\"", "", "1m", "365d", kNow,
     "How long a [job](jobs.md) that succeeded is kept, with its result."},
    {kDaemon, "jobs_keep_cancelled", KeyKind::duration, "\"7d\"", "", "1m", "365d", kNow,
     "The same for one that was cancelled."},
    {kDaemon, "jobs_keep_failed", KeyKind::duration, "\"30d\"", "", "1m", "365d", kNow,
     "The same for one that failed for good, with its evidence."},

    {kDevices, "use", KeyKind::device_list, "\"auto\"", "[\"GPU-7e0f...\"]", "", "", kNow,
     "Which GPUs may be used: all, those of a list of UUIDs, or with `\"cpu\"` none: then no "
     "driver is even looked for. The CPU is always there; models with `devices = \"any\"` go to it "
     "only when the drivers have said that there are no GPUs, and never when a list of UUIDs "
     "leaves out `\"cpu\"`."},
    {kDevices, "answer_timeout", KeyKind::duration, "\"5s\"", "", "10ms", "10m", kNow,
     "How long a driver may take to answer. A device that takes longer is `unresponsive` until "
     "a later question is answered."},
    {kDevices, "sample_interval", KeyKind::duration, "\"2s\"", "", "10ms", "1h", kNow,
     "How often the memory of each GPU is measured when nobody asks, that of one in use every 2 s "
     "at least; five times less often while it shows the same again and again, and on the CPU."},
    {kDevices, "list_interval", KeyKind::duration, "\"30s\"", "", "10ms", "1d", kNow,
     "How often drivers are asked which devices there are."},
    {kDevices, "restart_pause", KeyKind::duration, "\"60s\"", "", "1ms", "1d", kNow,
     "At least so long after the start of a driver host that hung, or died again, the next one "
     "starts. The first answer of one, in which it opens the driver, may take as long (60 s at "
     "most)."},
    {kDevices, "settle_timeout", KeyKind::duration, "\"30s\"", "", "10ms", "1h", kNow,
     "How long the memory of a worker that is gone may take to come back. What the device still "
     "does not show as free then is fenced: nothing is placed on it until it does."},
    {kDevices, "headroom", KeyKind::bytes, "\"512MiB\"", "", "0B", "1TiB", kNow,
     "Memory of each device that is left free."},
    {kDevices, "on_unknown_memory", KeyKind::choice, "\"refuse\"", "", "", "refuse allow", kNow,
     "Whether a model may start on a device that does not say how full it is. On the CPU one "
     "without `need` always may."},

    {kModel, "python", KeyKind::python_class, "", "\"module:Class\"", "", "", kNow,
     "The class that serves the model. Exactly one of `python` and `command`."},
    {kModel, "command", KeyKind::command, "", "[\"prog\", \"arg\"]", "", "", kNow,
     "A program that speaks the [worker protocol](worker-protocol.md), or with `ready` any that "
     "serves HTTP, with its arguments. One with a slash is relative to this file."},
    {kModel, "ready", KeyKind::text, "", "\"http:/health\"", "", "", kNow,
     "The `command` is a [program that serves HTTP](command-models.md) and knows nothing of "
     "Windlass: `{port}` in its arguments is a port of 127.0.0.1 that it is to listen on, or "
     "`{socket}` a Unix socket, and it is ready when it answers a GET of this path with 2xx."},
    {kModel, "offload", KeyKind::text, "", "\"http:/sleep\"", "", "", kNow,
     "Path of such a program that is posted to, to have its weights moved off the device; it goes "
     "with `restore`."},
    {kModel, "restore", KeyKind::text, "", "\"http:/wake_up\"", "", "", kNow,
     "The same, to have them brought back."},
    {kModel, "path", KeyKind::directory, "\".\"", "", "", "", kNow,
     "Folder first on the worker's `PYTHONPATH`, relative to this file."},
    {kModel, "interpreter", KeyKind::program, "\"python3\"", "", "", "", kNow,
     "Python of the worker: a name for `PATH`, or a path; one with a slash is relative to this "
     "file."},
    {kModel, "env", KeyKind::environment, "{}", "{ OMP_NUM_THREADS = \"4\" }", "", "", kNow,
     "Environment of the worker on top of the daemon's, set before it starts. `TMPDIR` and "
     "`CUDA_VISIBLE_DEVICES`, among others, are Windlass's own to set."},
    {kModel, "need", KeyKind::memory_need, "", "\"2.5GiB\"", "", "", kNow,
     "Memory of one copy: an amount, a share such as `\"40%\"` of what the device has beside its "
     "`headroom`, or `\"all\"` (alone on its device). Without it a copy loads alone on the GPU "
     "with most free memory, makes its first run alone, and is measured after both; later copies "
     "on GPUs of that make claim what was learned, also after a restart. After a minute of waiting "
     "for that, and `max_wait`, a copy is loaded as if nothing were known."},
    {kModel, "devices", KeyKind::devices, "\"any\"", "[\"GPU-7e0f...\"]", "", "", kNow,
     "Where it may run: `\"cpu\"`, a list of UUIDs, or `\"any\"`: any GPU, and the CPU only where "
     "there is none."},
    {kModel, "copies", KeyKind::count_or_auto, "1", "", "1", "64", kNow,
     "How many copies may exist at once; another is started for requests that find no place. "
     "`\"auto\"`: as many as fit; idle ones go when programs other than Windlass's workers take "
     "the memory."},
    {kModel, "concurrency", KeyKind::count, "1", "", "1", "256", kNow,
     "Requests that run in one copy at the same time. 1: they never overlap."},
    {kModel, "queue_limit", KeyKind::count, "1000", "", "1", "100000000", kNow,
     "Requests that may wait, and so many [jobs](jobs.md) beside them; one more is refused with "
     "`queue_full`."},
    {kModel, "pinned", KeyKind::boolean, "false", "", "", "", kNow,
     "Never evicted: others that fit nowhere wait, and do not take its place. Pinned models whose "
     "needs leave no room for all of them, with all of their copies, are a mistake, of which the "
     "daemon hears from the devices: it refuses to start."},
    {kModel, "preload", KeyKind::boolean, "false", "", "", "", kNow,
     "Loaded when the daemon starts, or when it is added; `GET /readyz` is 503 until it was ready "
     "after the start. It takes what is free and evicts nobody; a load that fails is tried "
     "again, after pauses of 10 s to 5 minutes."},
    {kModel, "idempotent", KeyKind::boolean, "false", "", "", "", kNow,
     "Running a request twice does no harm: one whose worker died is run once more, "
     "`transient` errors are tried up to 3 times."},
    {kModel, "start_timeout", KeyKind::duration, "\"60s\"", "", "1ms", "30d", kNow,
     "From the start of the process to its first word."},
    {kModel, "load_timeout", KeyKind::duration, "\"10m\"", "", "1ms", "30d", kNow,
     "For loading the weights. At its end the worker is ended."},
    {kModel, "run_timeout", KeyKind::duration, "\"5m\"", "", "1ms", "30d", kNow,
     "For one request, from the moment the model's code begins. At its end the worker is ended."},
    {kModel, "job_run_timeout", KeyKind::duration, "\"24h\"", "", "1ms", "30d", kNow,
     "The same for an attempt of a [job](jobs.md), where that names none of its own."},
    {kModel, "job_failures", KeyKind::count, "5", "", "1", "1000", kNow,
     "Attempts of a job that may end with an error of the model; with the last of them it has "
     "failed."},
    {kModel, "job_crashes", KeyKind::count, "3", "", "1", "1000", kNow,
     "The same for attempts that took their worker along: it died, stalled, or ran too long."},
    {kModel, "job_backoff", KeyKind::duration, "\"2s\"", "", "1ms", "1d", kNow,
     "Pause before the next attempt, give or take a fifth; it doubles with each further one."},
    {kModel, "job_backoff_max", KeyKind::duration, "\"5m\"", "", "1ms", "1d", kNow,
     "Longest such pause."},
    {kModel, "stall_timeout", KeyKind::duration, "\"15m\"", "", "1ms", "30d", kNow,
     "Longest time without progress of a run that has begun. At its end the worker is ended."},
    {kModel, "offload_timeout", KeyKind::duration, "\"60s\"", "", "1ms", "30d", kNow,
     "For moving the weights to host memory. At its end the worker is ended."},
    {kModel, "restore_timeout", KeyKind::duration, "\"60s\"", "", "1ms", "30d", kNow,
     "For moving them back. At its end the worker is ended, and a new one loads."},
    {kModel, "call_timeout", KeyKind::duration, "\"20m\"", "", "1ms", "30d", kNow,
     "From the arrival of a request to its answer, where the client names no "
     "`X-Windlass-Timeout`."},
    {kModel, "wait_timeout", KeyKind::duration, "\"15m\"", "", "1ms", "30d", kNow,
     "From arrival to dispatch, loading included, where the client names no `X-Windlass-Wait`."},
    {kModel, "max_wait", KeyKind::duration, "\"60s\"", "", "1ms", "30d", kNow,
     "So long it waits for memory beside models that are at work; then one of them finishes what "
     "it has begun, and makes room. And `GET /readyz` is 503 while a request has waited that long "
     "and the model is neither being loaded nor paused."},
    {kModel, "backoff", KeyKind::duration, "\"1s\"", "", "1ms", "1d", kNow,
     "Pause after a failed load, a crash or a broken limit; it doubles with each further one."},
    {kModel, "backoff_max", KeyKind::duration, "\"5m\"", "", "1ms", "1d", kNow,
     "Longest such pause."},
    {kModel, "breaker_deaths", KeyKind::count, "5", "", "0", "1000", kNow,
     "Failures (as for `backoff`) within `breaker_window` after which a model rests for "
     "`breaker_cooldown` and requests are refused; 0: never."},
    {kModel, "breaker_window", KeyKind::duration, "\"60s\"", "", "1ms", "30d", kNow,
     "See `breaker_deaths`."},
    {kModel, "breaker_cooldown", KeyKind::duration, "\"5m\"", "", "1ms", "30d", kNow,
     "How long it rests; then one request at a time is let through until one is answered."},
    {kModel, "max_batch", KeyKind::count, "1", "", "1", "4096", kLater,
     "Waiting requests that a copy may take at once."},
    {kModel, "standby", KeyKind::count, "0", "", "0", "8", kNow,
     "Processes kept started for its next loads: they have imported the model and wait, on no "
     "device and with no weights. Not for variants, nor where the import uses the GPU's driver."},
    {kModel, "recycle_after", KeyKind::count, "0", "", "0", "1000000000", kNow,
     "Runs that a worker process makes at most, whatever became of them; then another takes its "
     "place, which is loaded at once where there is room. 0: any number."},
    {kModel, "max_growth", KeyKind::bytes, "", "\"1GiB\"", "1MiB", "1TiB", kNow,
     "So much more memory than after its first run a worker may have while nothing runs in it; one "
     "that has more is replaced, as by `recycle_after`. What counts is its own memory on its "
     "device, as the driver says (on the CPU: of its processes, measured every 2 s at most, after "
     "runs). Where processes are hidden, and for a worker that never rests, nothing happens."},
    {kModel, "host_memory", KeyKind::bytes, "", "\"8GiB\"", "1MiB", "1TiB", kNow,
     "What each worker, with all that it starts, may hold of the machine's memory; offloaded "
     "weights are part of it, pages of mapped files are not. One that holds more is killed, and "
     "its runs end with `host_out_of_memory`: by the kernel, where each worker has a cgroup whose "
     "memory is counted, else by the daemon, which looks every 250 ms."},
    {kModel, "cancel_grace", KeyKind::duration, "\"2s\"", "", "0s", "1h", kNow,
     "From `cancel` to SIGTERM when a worker must end."},
    {kModel, "term_grace", KeyKind::duration, "\"10s\"", "", "0s", "1h", kNow,
     "From SIGTERM to SIGKILL."},
    {kModel, "offload_after", KeyKind::duration_or_never, "\"5m\"", "", "0s", "30d", kNow,
     "Idle time after which the weights go to host memory, if the model's class has `offload` and "
     "`restore`; where there is no room for them, or it failed 3 times, the process goes instead. "
     "On the CPU there is nothing to offload."},
    {kModel, "unload_after", KeyKind::duration_or_never, "\"6m\"", "", "0s", "30d", kNow,
     "Idle time after which the process goes. Not below an `offload_after` that is given."},
    {kModel, "variants", KeyKind::variant_tables, "", "[models.NAME.variants.V]", "", "", kNow,
     "Named settings of the model, each a table with `need` and `env`: see "
     "[variants](variants.md)."},

    {kVariant, "need", KeyKind::memory_need, "", "\"2.5GiB\"", "", "", kNow,
     "Memory of one copy of this variant. Without it the model's own `need` counts; if that has "
     "none either, what this variant needs is learned."},
    {kVariant, "env", KeyKind::environment, "{}", "{ PRECISION = \"fp16\" }", "", "", kNow,
     "Environment of its worker, on top of the model's. `WINDLASS_VARIANT` names the variant there "
     "anyway."},
});
// clang-format on

}  // namespace

std::span<const Key> key_table() { return kKeys; }

const Key* find_key(Section section, std::string_view name) {
    const auto found = std::ranges::find_if(
        kKeys, [&](const Key& key) { return key.section == section && key.name == name; });
    return found == kKeys.end() ? nullptr : &*found;
}

std::vector<std::string_view> key_names(Section section) {
    std::vector<std::string_view> names;
    for (const Key& key : kKeys) {
        if (key.section == section) names.push_back(key.name);
    }
    return names;
}

std::string_view section_title(Section section) {
    switch (section) {
        case Section::daemon: return "[daemon]";
        case Section::devices: return "[devices]";
        case Section::model: return "[models.NAME]";
        case Section::variant: return "[models.NAME.variants.V]";
    }
    return "";
}

std::string wanted(const Key& key) {
    const std::string_view example = key.example.empty() ? key.default_text : key.example;
    switch (key.kind) {
        case KeyKind::duration: return fmt::format("a duration such as {}", example);
        case KeyKind::duration_or_never:
            return fmt::format("a duration such as {}, or \"never\"", example);
        case KeyKind::bytes: return fmt::format("an amount of memory such as {}", example);
        case KeyKind::count: return fmt::format("a whole number such as {}", example);
        case KeyKind::boolean: return "true or false";
        case KeyKind::text: return fmt::format("text in quotes such as {}", example);
        case KeyKind::choice: {
            const std::size_t gap = key.high.find(' ');
            return fmt::format("\"{}\" or \"{}\"", key.high.substr(0, gap),
                               key.high.substr(gap + 1));
        }
        case KeyKind::listen: return fmt::format("an address and port such as {}", example);
        case KeyKind::host_list: return fmt::format("a list of host names such as {}", example);
        case KeyKind::device_list:
            return fmt::format("\"auto\", \"cpu\" or a list of UUIDs such as {}", example);
        case KeyKind::python_class: return fmt::format("a module and a class such as {}", example);
        case KeyKind::command:
            return fmt::format("a list of a program and its arguments such as {}", example);
        case KeyKind::directory: return fmt::format("a folder such as {}", example);
        case KeyKind::program: return fmt::format("a program such as {}", example);
        case KeyKind::environment: return fmt::format("a table of texts such as {}", example);
        case KeyKind::devices:
            return fmt::format("\"any\", \"cpu\" or a list of UUIDs such as {}", example);
        case KeyKind::count_or_auto:
            return fmt::format("a whole number such as {}, or \"auto\"", example);
        case KeyKind::memory_need:
            return fmt::format(
                "an amount of memory such as {}, a share such as \"40%\", or \"all\"", example);
        case KeyKind::variant_tables: return fmt::format("a table of tables such as {}", example);
    }
    return "";
}

}  // namespace windlass::daemon
