// The hidden `windlass ballast`: see ballast.h.
#include "cli/ballast.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <vector>

#include "base/assert.h"
#include "cli/commands.h"

namespace windlass::cli {

using base::Errc;
using base::Error;
using base::Result;

namespace {

// The unit in which the driver gives out memory; a page of each is touched, so that every unit is
// really there.
constexpr std::size_t kUnit = std::size_t{2} << 20;
constexpr std::size_t kPage = 4096;

constexpr std::string_view kUsage =
    "write it as: windlass ballast --bytes 3GiB --run-ms 20 (a worker; the daemon starts it), or "
    "after --hold without a daemon";

worker::ErrorType type_of(Errc code) {
    switch (code) {
        case Errc::out_of_memory: return worker::ErrorType::out_of_memory;
        case Errc::transient: return worker::ErrorType::transient;
        case Errc::context_lost: return worker::ErrorType::context_lost;
        case Errc::device_lost: return worker::ErrorType::device_lost;
        case Errc::driver_missing: return worker::ErrorType::driver_missing;
        case Errc::unsupported: return worker::ErrorType::unsupported;
        case Errc::permission_denied: return worker::ErrorType::permission_denied;
        case Errc::cancelled: return worker::ErrorType::cancelled;
        case Errc::data_corrupt: return worker::ErrorType::data_corrupt;
        case Errc::invalid_input: return worker::ErrorType::invalid_input;
        case Errc::host_out_of_memory: return worker::ErrorType::host_out_of_memory;
        case Errc::not_found:
        case Errc::conflict:
        case Errc::queue_full:
        case Errc::unavailable:
        case Errc::timeout:
        case Errc::stalled:
        case Errc::worker_lost:
        case Errc::internal: break;
    }
    return worker::ErrorType::internal;
}

std::unexpected<worker::Error> report(const Error& error) {
    return std::unexpected(
        worker::Error{.type = type_of(error.code), .message = error.message, .cause = error.cause});
}

std::optional<std::uint32_t> parse_milliseconds(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

Result<BallastSettings> parse_ballast(const std::vector<std::string>& words) {
    BallastSettings settings;
    for (std::size_t i = 0; i < words.size(); i += 2) {
        const std::string value = i + 1 < words.size() ? words[i + 1] : "";
        const auto bytes = base::parse_bytes(value);
        const auto milliseconds = parse_milliseconds(value);
        if (words[i] == "--bytes" && bytes && bytes->count() != 0) {
            settings.bytes = *bytes;
        } else if (words[i] == "--run-ms" && milliseconds) {
            settings.run = std::chrono::milliseconds{*milliseconds};
        } else {
            return base::fail(Errc::invalid_input, fmt::format("ballast: cannot use `{} {}`; {}",
                                                               words[i], value, kUsage));
        }
    }
    if (settings.bytes.count() == 0)
        return base::fail(Errc::invalid_input, fmt::format("ballast: no --bytes; {}", kUsage));
    return settings;
}

// The device is the one that the daemon lets this process see.
Result<void> Ballast::take() {
    driver_ = WL_TRY(guard::CudaDriver::open());
    driver_abi::CuContext context = nullptr;
    WL_TRY(driver_->call(driver_abi::cuDevicePrimaryCtxRetain, &context, 0));
    WL_TRY(driver_->call(driver_abi::cuCtxSetCurrent, context));
    const std::size_t bytes = settings_.bytes.count();
    WL_TRY(driver_->call(driver_abi::cuMemAlloc_v2, &memory_, bytes));
    const std::size_t page = std::min(kPage, bytes);
    const std::size_t units = (bytes - page) / kUnit + 1;
    WL_TRY(driver_->call(driver_abi::cuMemsetD2D8_v2, memory_, kUnit, static_cast<unsigned char>(1),
                         page, units));
    return driver_->call(driver_abi::cuCtxSynchronize);
}

worker::Outcome<void> Ballast::load(const std::string& device) {
    const auto taken = take();
    if (taken) return {};
    unload();
    return report(base::with_context(
        taken.error(), fmt::format("taking {} of {}", base::to_text(settings_.bytes), device)));
}

// What fails is undone, so that the bytes are in one of the two places.
Result<void> Ballast::move_out(const guard::CudaDriver& driver) {
    const std::size_t bytes = settings_.bytes.count();
    void* host = nullptr;
    Result<void> moved = driver.call(driver_abi::cuMemHostAlloc, &host, bytes, 0U);
    if (!moved) {
        Error error = moved.error();
        if (error.code == Errc::out_of_memory) error.code = Errc::host_out_of_memory;
        return error;
    }
    moved = driver.call(driver_abi::cuMemcpyDtoH_v2, host, memory_, bytes);
    if (moved) moved = driver.call(driver_abi::cuMemFree_v2, memory_);
    if (!moved) {
        static_cast<void>(driver.call(driver_abi::cuMemFreeHost, host));
        return moved;
    }
    memory_ = 0;
    host_ = host;
    return {};
}

Result<void> Ballast::move_in(const guard::CudaDriver& driver) {
    const std::size_t bytes = settings_.bytes.count();
    driver_abi::CuDevicePtr memory = 0;
    WL_TRY(driver.call(driver_abi::cuMemAlloc_v2, &memory, bytes));
    Result<void> moved = driver.call(driver_abi::cuMemcpyHtoD_v2, memory, host_, bytes);
    if (moved) moved = driver.call(driver_abi::cuMemFreeHost, host_);
    if (!moved) {
        static_cast<void>(driver.call(driver_abi::cuMemFree_v2, memory));
        return moved;
    }
    host_ = nullptr;
    memory_ = memory;
    return {};
}

worker::Outcome<void> Ballast::offload() {
    WL_ASSERT(driver_.has_value() && host_ == nullptr);  // as in run()
    const Result<void> moved = move_out(*driver_);
    if (moved) return {};
    return report(base::with_context(
        moved.error(), fmt::format("moving {} to host memory", base::to_text(settings_.bytes))));
}

worker::Outcome<void> Ballast::restore(const std::string& device) {
    WL_ASSERT(driver_.has_value() && host_ != nullptr);
    const Result<void> moved = move_in(*driver_);
    if (moved) return {};
    return report(base::with_context(
        moved.error(),
        fmt::format("moving {} back to {}", base::to_text(settings_.bytes), device)));
}

std::size_t Ballast::take_page() {
    const std::lock_guard lock{pages_mutex_};
    const auto free = std::ranges::find(pages_, false);
    const auto page = static_cast<std::size_t>(free - pages_.begin());
    if (free == pages_.end()) pages_.push_back(false);
    pages_[page] = true;
    return page;
}

void Ballast::give_page(std::size_t page) {
    const std::lock_guard lock{pages_mutex_};
    pages_[page] = false;
}

// A set, and a copy each way, which must bring back what was set.
Result<void> Ballast::work_once(const guard::CudaDriver& driver, driver_abi::CuDevicePtr page,
                                unsigned char value) {
    std::array<unsigned char, kPage> seen = {};
    const std::size_t bytes = std::min<std::size_t>(seen.size(), settings_.bytes.count());
    WL_TRY(driver.call(driver_abi::cuMemsetD8_v2, page, value, bytes));
    WL_TRY(driver.call(driver_abi::cuMemcpyDtoH_v2, seen.data(), page, bytes));
    if (seen[0] != value || seen[bytes - 1] != value) {
        return base::fail(Errc::data_corrupt,
                          fmt::format("device memory holds {} where {} was written; the device or "
                                      "its driver is broken",
                                      seen[0], value));
    }
    WL_TRY(driver.call(driver_abi::cuMemcpyHtoD_v2, page, seen.data(), bytes));
    return driver.call(driver_abi::cuCtxSynchronize);
}

Result<std::uint64_t> Ballast::work(const guard::CudaDriver& driver, worker::Request& request,
                                    std::size_t page) {
    if (page != 0 && (page + 1) * kPage > settings_.bytes.count()) {
        return base::fail(Errc::invalid_input,
                          fmt::format("{} cannot be busy {} times at once; take more --bytes, or "
                                      "lower `concurrency`",
                                      base::to_text(settings_.bytes), page + 1));
    }
    const auto asked = parse_milliseconds(request.body);
    const auto length = asked ? std::chrono::milliseconds{*asked} : settings_.run;
    const auto end = std::chrono::steady_clock::now() + length;
    // Contexts are current to a thread, and runs may be on other threads than the load.
    driver_abi::CuContext context = nullptr;
    WL_TRY(driver.call(driver_abi::cuDevicePrimaryCtxRetain, &context, 0));
    WL_TRY(driver.call(driver_abi::cuCtxSetCurrent, context));
    WL_TRY(driver.call(driver_abi::cuDevicePrimaryCtxRelease_v2, 0));
    std::uint64_t rounds = 0;
    do {
        if (request.cancelled()) return base::fail(Errc::cancelled, "the request was cancelled");
        WL_TRY(work_once(driver, memory_ + page * kPage, static_cast<unsigned char>(++rounds)));
        request.progress({.step = rounds});
    } while (std::chrono::steady_clock::now() < end);
    return rounds;
}

worker::Outcome<worker::Answer> Ballast::run(worker::Request& request) {
    WL_ASSERT(driver_.has_value());  // the SDK runs nothing before a load that succeeded
    const std::size_t page = take_page();
    const Result<std::uint64_t> rounds = work(*driver_, request, page);
    give_page(page);
    if (!rounds) return report(rounds.error());
    return worker::Answer{.body = fmt::format("{{\"pid\": {}, \"bytes\": {}, \"rounds\": {}}}\n",
                                              getpid(), settings_.bytes.count(), *rounds),
                          .content_type = "application/json"};
}

void Ballast::unload() {
    if (!driver_) return;
    // What fails here is freed with the process.
    if (memory_ != 0) static_cast<void>(driver_->call(driver_abi::cuMemFree_v2, memory_));
    memory_ = 0;
    if (host_ != nullptr) static_cast<void>(driver_->call(driver_abi::cuMemFreeHost, host_));
    host_ = nullptr;
    static_cast<void>(driver_->call(driver_abi::cuDevicePrimaryCtxRelease_v2, 0));
    driver_.reset();
}

worker::DeviceMemory Ballast::read_device_memory() {
    const std::uint64_t held = memory_ == 0 ? 0 : settings_.bytes.count();
    return {.peak = held, .reserved = held, .reserved_peak = held};
}

int run_ballast(int count, char* const* arguments) {
    const bool holds = count > 0 && std::string_view{arguments[0]} == "--hold";
    const auto settings = parse_ballast({arguments + (holds ? 1 : 0), arguments + count});
    if (!settings) {
        std::fputs(("windlass " + settings.error().message + "\n").c_str(), stderr);
        return base::traits(settings.error().code).exit_code;
    }
    Ballast ballast{*settings};
    return holds ? hold_ballast(ballast) : worker::serve(ballast);
}

}  // namespace windlass::cli
