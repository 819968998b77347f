// What the configuration says of one model; docs/configuration.md has the meaning of each key.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace windlass::daemon {

using base::Duration;

enum class DeviceChoice : std::uint8_t { any, cpu, listed };

enum class NeedKind : std::uint8_t { unknown, bytes, share, all };

struct NeedConfiguration {
    NeedKind kind = NeedKind::unknown;
    base::Bytes bytes;          // bytes
    std::uint32_t percent = 0;  // share: of the device without its headroom

    friend bool operator==(const NeedConfiguration&, const NeedConfiguration&) = default;
};

struct ModelConfiguration {
    std::string name;                  // of a variant "m:fp16", which no model can be called
    std::string variant;               // "fp16"; empty: the model itself
    std::string python;                // "module:Class"; empty when `command` is given
    std::vector<std::string> command;  // program and arguments; empty when `python` is given
    // Of a `command` that serves HTTP and does not speak the worker protocol: paths. Empty: it
    // does.
    std::string ready;    // answers 2xx as soon as it can serve
    std::string offload;  // posted to; given with `restore`, or empty
    std::string restore;
    std::string path;                     // absolute, an existing directory
    std::string interpreter = "python3";  // a name for PATH, or absolute
    std::map<std::string, std::string> env;
    DeviceChoice devices = DeviceChoice::any;
    std::vector<std::string> device_uuids;  // listed
    NeedConfiguration need;
    std::optional<std::uint32_t> copies = 1;  // empty: "auto"
    std::uint32_t concurrency = 1;
    std::uint32_t queue_limit = 1000;
    std::uint32_t standby = 0;  // processes that are started ahead of a load
    bool pinned = false;        // makes room for nobody
    bool preload = false;
    bool idempotent = false;
    Duration start_timeout = std::chrono::seconds{60};
    Duration load_timeout = std::chrono::minutes{10};
    Duration run_timeout = std::chrono::minutes{5};
    Duration job_run_timeout = std::chrono::hours{24};
    std::uint32_t job_failures = 5;  // attempts, as the next
    std::uint32_t job_crashes = 3;
    Duration job_backoff = std::chrono::seconds{2};
    Duration job_backoff_max = std::chrono::minutes{5};
    Duration stall_timeout = std::chrono::minutes{15};
    Duration offload_timeout = std::chrono::seconds{60};
    Duration restore_timeout = std::chrono::seconds{60};
    Duration call_timeout = std::chrono::minutes{20};
    Duration wait_timeout = std::chrono::minutes{15};
    Duration max_wait = std::chrono::minutes{1};
    Duration backoff = std::chrono::seconds{1};
    Duration backoff_max = std::chrono::minutes{5};
    std::uint32_t breaker_deaths = 5;  // 0: never
    Duration breaker_window = std::chrono::seconds{60};
    Duration breaker_cooldown = std::chrono::minutes{5};
    Duration cancel_grace = std::chrono::seconds{2};
    Duration term_grace = std::chrono::seconds{10};
    std::uint32_t recycle_after = 0;  // runs; 0: any number
    std::optional<base::Bytes> max_growth;
    std::optional<base::Bytes> host_memory;                           // of each worker, at most
    std::optional<Duration> offload_after = std::chrono::minutes{5};  // empty: "never"
    std::optional<Duration> unload_after = std::chrono::minutes{6};   // empty: "never"

    friend bool operator==(const ModelConfiguration&, const ModelConfiguration&) = default;
};

// "m:fp16": how a variant is called wherever models have names; empty for the model itself.
inline std::string variant_name(std::string_view model, std::string_view variant) {
    std::string name{model};
    if (!variant.empty()) name.append(":").append(variant);
    return name;
}

// "m", also of its variants.
inline std::string_view model_of(const ModelConfiguration& configuration) {
    const std::string_view name = configuration.name;
    const std::size_t suffix = configuration.variant.empty() ? 0 : configuration.variant.size() + 1;
    return name.substr(0, name.size() - suffix);
}

}  // namespace windlass::daemon
