// Runs in the child. Everything here may block.
#include "device/driver_host.h"

#include <fmt/core.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>

#include "device/amd_backend.h"
#include "device/cpu_backend.h"
#include "device/nvml_backend.h"
#include "io/file_descriptor.h"
#include "wire/device_uuid.h"
#include "wire/frame_meta.h"
#include "wire/host_frame.h"

namespace windlass::device {
namespace {

constexpr int kNotOurs = 2;

// Of all makers.
class AllLister final : public Lister {
  public:
    wire::HostListing list() override {
        wire::HostListing listing = nvml_->list();
        wire::HostListing amd = amd_->list();
        std::ranges::move(amd.devices, std::back_inserter(listing.devices));
        std::ranges::move(amd.drivers, std::back_inserter(listing.drivers));
        listing.is_complete &= amd.is_complete;
        return listing;
    }

  private:
    std::unique_ptr<Lister> nvml_ = make_nvml_lister();
    std::unique_ptr<Lister> amd_ = make_amd_lister(find_amd_roots());
};

class DriverHost {
  public:
    explicit DriverHost(const DriverHostOrder& order) {
        if (order.device.empty()) {
            lister_ = std::make_unique<AllLister>();
        } else if (order.device == "cpu") {
            backend_ = std::make_unique<CpuBackend>();
        } else if (wire::is_amd_uuid(order.device)) {
            backend_ = make_amd_backend(order.device, find_amd_roots(), order.parent_pid);
        } else {
            backend_ = make_nvml_backend(order.device, order.bus_id, order.parent_pid);
        }
    }

    wire::HostFrame answer(const wire::HostFrame& question) {
        if (question.type == wire::HostFrameType::ask_listing && lister_) {
            return {wire::HostFrameType::listing, question.id, wire::to_json(lister_->list())};
        }
        if (question.type != wire::HostFrameType::ask_sample || !backend_) {
            return failed(question.id, base::fail(base::Errc::unsupported,
                                                  "this driver host answers the other question"));
        }
        const auto order = wire::parse_sample_order(question.meta);
        if (!order) return failed(question.id, order.error());
        const auto sample = backend_->sample(*order);
        if (!sample) return failed(question.id, sample.error());
        return {wire::HostFrameType::sample, question.id, wire::to_json(*sample)};
    }

  private:
    static wire::HostFrame failed(std::uint64_t id, const base::Error& error) {
        return {wire::HostFrameType::failed, id, wire::to_json(error)};
    }

    std::unique_ptr<Lister> lister_;
    std::unique_ptr<Backend> backend_;
};

// False when the daemon is gone.
bool send_all(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(kHostDescriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

int answer_all(DriverHost& host) {
    wire::HostFrameReader reader{wire::HostSide::daemon};
    std::array<char, 4096> buffer = {};
    while (true) {
        const io::ReadOutcome outcome = io::read_some(kHostDescriptor, buffer);
        if (outcome.size == 0) return 0;
        std::span<const char> bytes{buffer.data(), outcome.size};
        while (true) {
            const auto read = reader.next(bytes);
            if (!read) return kNotOurs;
            const std::optional<wire::HostFrame>& question = *read;
            if (!question) break;
            if (!send_all(wire::encode(host.answer(*question)))) return 0;
        }
    }
}

bool follow_daemon(int parent_pid) {
    ::prctl(PR_SET_NAME, "windlass-driver", 0, 0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    constexpr rlimit kNone = {.rlim_cur = 0, .rlim_max = 0};
    ::setrlimit(RLIMIT_CORE, &kNone);  // a driver that crashes leaves no core behind
    static_cast<void>(::chdir("/"));   // keeps no file system busy
    return ::getppid() == parent_pid;  // it died before its death could have been noticed
}

}  // namespace

std::vector<std::string> driver_host_argv(const DriverHostOrder& order) {
    std::vector<std::string> argv{"windlass", "driver-host", std::to_string(order.parent_pid)};
    if (order.device.empty()) {
        argv.emplace_back("--list");
        return argv;
    }
    argv.insert(argv.end(), {"--device", order.device});
    if (!order.bus_id.empty()) argv.insert(argv.end(), {"--bus-id", order.bus_id});
    return argv;
}

base::Result<DriverHostOrder> parse_driver_host(std::span<char* const> arguments) {
    DriverHostOrder order;
    bool lists = false;
    for (std::size_t index = 0; index < arguments.size(); ++index) {
        const std::string_view word = arguments[index];
        const bool has_next = index + 1 < arguments.size();
        if (index == 0) {
            std::from_chars(word.data(), word.data() + word.size(), order.parent_pid);
        } else if (word == "--list") {
            lists = true;
        } else if (word == "--device" && has_next) {
            order.device = arguments[++index];
        } else if (word == "--bus-id" && has_next) {
            order.bus_id = arguments[++index];
        } else {
            return base::fail(base::Errc::invalid_input,
                              fmt::format("driver-host: `{}` is not understood", word));
        }
    }
    if (order.parent_pid > 0 && lists == order.device.empty()) return order;
    return base::fail(base::Errc::invalid_input,
                      "driver-host is started by the daemon: driver-host PARENT_PID --list, or "
                      "--device UUID [--bus-id ID]");
}

int run_driver_host(std::span<char* const> arguments) {
    const auto order = parse_driver_host(arguments);
    if (!order || !follow_daemon(order->parent_pid)) return kNotOurs;
    DriverHost host{*order};
    return answer_all(host);
}

}  // namespace windlass::device
