// One GPU, and all of them.
#include "device/nvml_backend.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "device/cpu_backend.h"
#include "device/nvml_library.h"
#include "device/process_table.h"
#include "device/steady_sample.h"

namespace windlass::device {
namespace {

using base::Errc;
using base::Result;
using driver_abi::NvmlClass;

constexpr const char* kNvml = "nvml";
// More than this in use, and nobody listed: the list lacks somebody. A context alone takes some
// hundred MiB; what the driver keeps beyond `reserved` are some MiB.
constexpr base::Bytes kNobodys{std::uint64_t{128} << 20};

// After these the library is opened anew: the driver may have been upgraded, loaded or reset since.
bool wants_new_library(const base::Error& error) {
    return error.code == Errc::driver_missing || error.code == Errc::internal;
}

class NvmlBackend final : public Backend {
  public:
    NvmlBackend(std::string uuid, std::string bus_id, int daemon_pid)
        : uuid_(std::move(uuid)), bus_id_(std::move(bus_id)), daemon_pid_(daemon_pid) {}

    Result<wire::HostSample> sample(const wire::SampleOrder&) override {
        const bool was_open = library_ != nullptr;
        Result<wire::HostSample> sample = try_sample();
        if (sample) return sample;
        const bool is_lost = sample.error().code == Errc::device_lost;
        if (is_lost || wants_new_library(sample.error())) library_.reset();
        return was_open && !is_lost && !library_ ? try_sample() : sample;
    }

  private:
    Result<wire::HostSample> try_sample() {
        if (!library_) {
            auto library = NvmlLibrary::open();
            if (!library) return base::fail(Errc::driver_missing, library.error().message);
            library_ = std::move(*library);
            device_ = nullptr;
        }
        if (device_ == nullptr) device_ = WL_TRY(find_device());
        // Each time: on some GPUs it is switched without a reset.
        if (library_->is_divided(device_)) return divided();
        wire::HostSample sample =
            WL_TRY(read_steadily([this](wire::HostSample& into) { return read_memory(into); },
                                 [this](wire::HostSample& into) { return read_processes(into); }));
        sample.busy_percent = library_->busy_percent(device_);
        return sample;
    }

    // By its place on the bus only this GPU is initialised; by UUID NVML may go through all of them
    // (nvml.h 12.9), and one that is stuck would hold up the search.
    Result<NvmlDevice> find_device() const {
        NvmlDevice device = nullptr;
        if (!bus_id_.empty()) {
            const NvmlReturn result = library_->call(driver_abi::nvmlDeviceGetHandleByPciBusId_v2,
                                                     bus_id_.c_str(), &device);
            if (result == NvmlReturn::success && library_->uuid(device) == uuid_) return device;
            if (classify(result) == NvmlClass::device_lost) return fail(result, "finding");
        }
        const NvmlReturn result =
            library_->call(driver_abi::nvmlDeviceGetHandleByUUID, uuid_.c_str(), &device);
        if (result == NvmlReturn::success) return device;
        if (result == NvmlReturn::not_found) {
            return base::fail(Errc::device_lost,
                              fmt::format("the driver knows no {} any more", uuid_));
        }
        return fail(result, "finding");
    }

    Result<void> read_memory(wire::HostSample& sample) {
        const auto memory = library_->memory(device_);
        if (memory) {
            sample.source = kNvml;
            sample.capacity = memory->total;
            sample.free = memory->free;
            // NVML's own `used` has meant different things; this is what nobody else can have.
            sample.used = memory->total - memory->free;
            reserved_ = memory->reserved;
            return {};
        }
        if (classify(memory.error()) != NvmlClass::unsupported) {
            return fail(memory.error(), "reading the memory of");
        }
        // A GPU without memory of its own shares the host's.
        const Result<wire::HostSample> host = CpuBackend{}.sample({});
        if (!host) return host.error();
        sample.source = host->source;
        sample.capacity = host->capacity;
        sample.free = host->free;
        sample.used = host->used;
        return {};
    }

    Result<void> read_processes(wire::HostSample& sample) {
        const auto processes = library_->processes(device_);
        if (!processes) return fail(processes.error(), "listing the processes of");
        sample.processes_source = kNvml;
        sample.processes_known = processes->is_complete && tells_ours(processes->list, sample);
        for (const Process& process : processes->list) {
            wire::HostProcess described = table_.describe(process.pid);
            if (daemon_pid_ > 0) described.branch = table_.find_branch(process.pid, daemon_pid_);
            // More than there is tells nothing.
            const bool is_possible = !sample.capacity || process.bytes <= sample.capacity;
            if (is_possible) described.bytes = process.bytes;
            sample.processes_known &= is_possible;
            sample.processes.push_back(std::move(described));
        }
        return {};
    }

    // A worker that sees only the whole GPU would get one of its instances, whatever that has free.
    base::Error divided() const {
        return base::fail(
            Errc::unsupported,
            fmt::format("{} is divided into MIG instances, and those cannot be used yet: switch "
                        "MIG off (`nvidia-smi -i {} -mig 0`), or name the other devices in `use` "
                        "of [devices]",
                        uuid_, uuid_));
    }

    // In containers some drivers list nobody, or the pids of another namespace: then ours, which
    // are not to be found there, would be taken for nothing, and their memory for a stranger's. One
    // that named processes that we can see goes on to do so: an empty list then means nobody.
    bool tells_ours(const std::vector<Process>& list, const wire::HostSample& sample) {
        const bool are_visible = std::ranges::all_of(list, [](const Process& process) {
            return ::kill(process.pid, 0) == 0 || errno != ESRCH;
        });
        has_told_ = has_told_ || (!list.empty() && are_visible);
        const base::Bytes used = sample.used.value_or(base::Bytes{});
        return has_told_ || (list.empty() && used <= reserved_ + kNobodys);
    }

    base::Error fail(NvmlReturn result, const char* doing) const {
        return library_->to_error(result, fmt::format("{} {}", doing, uuid_));
    }

    std::string uuid_;
    std::string bus_id_;
    int daemon_pid_ = 0;
    std::unique_ptr<NvmlLibrary> library_;
    NvmlDevice device_ = nullptr;  // of library_
    base::Bytes reserved_;         // as the last sample said
    bool has_told_ = false;        // it has listed processes of our pid namespace
    ProcessTable table_;
};

class NvmlLister final : public Lister {
  public:
    wire::HostListing list() override {
        const bool was_open = library_ != nullptr;
        std::optional<wire::HostListing> listing = try_list();
        if (listing) return *std::move(listing);
        library_.reset();
        if (was_open) listing = try_list();
        if (listing) return *std::move(listing);
        library_.reset();
        return {.drivers = {{.name = kNvml, .state = refusal_.state, .message = refusal_.message}}};
    }

  private:
    // None: see refusal_.
    std::optional<wire::HostListing> try_list() {
        if (!library_) {
            auto library = NvmlLibrary::open();
            if (!library) {
                refusal_ = library.error();
                return std::nullopt;
            }
            library_ = std::move(*library);
        } else if (const NvmlReturn result = library_->renew(); result != NvmlReturn::success) {
            return refuse(result, "initialising NVML");
        }
        unsigned count = 0;
        const NvmlReturn counted = library_->call(driver_abi::nvmlDeviceGetCount_v2, &count);
        if (counted != NvmlReturn::success) return refuse(counted, "counting the GPUs");
        wire::HostListing listing{.drivers = {{.name = kNvml,
                                               .state = Driver::State::usable,
                                               .version = library_->driver_version()}}};
        for (unsigned index = 0; index < count; ++index) {
            auto device = describe(index);
            if (device) {
                listing.devices.push_back(std::move(*device));
            } else {
                listing.is_complete = false;  // one failing device must not hide the others
            }
        }
        return listing;
    }

    std::nullopt_t refuse(NvmlReturn result, const char* doing) {
        const bool is_absent = classify(result) == NvmlClass::no_driver;
        refusal_ = {.state = is_absent ? Driver::State::absent : Driver::State::broken,
                    .message = library_->to_error(result, doing).message};
        return std::nullopt;
    }

    std::optional<wire::HostDevice> describe(unsigned index) const {
        NvmlDevice device = nullptr;
        const auto found =
            library_->call(driver_abi::nvmlDeviceGetHandleByIndex_v2, index, &device);
        if (found != NvmlReturn::success) return std::nullopt;
        std::optional<std::string> uuid = library_->uuid(device);
        if (!uuid || uuid->empty()) return std::nullopt;
        wire::HostDevice description{.uuid = *std::move(uuid),
                                     .name = library_->name(device),
                                     .bus_id = library_->bus_id(device),
                                     .compute_capability = library_->compute_capability(device),
                                     .driver_version = library_->driver_version(),
                                     .cuda_version = library_->cuda_version()};
        return description;
    }

    std::unique_ptr<NvmlLibrary> library_;
    NvmlLibrary::Refusal refusal_;
};

}  // namespace

std::unique_ptr<Backend> make_nvml_backend(std::string uuid, std::string bus_id, int daemon_pid) {
    return std::make_unique<NvmlBackend>(std::move(uuid), std::move(bus_id), daemon_pid);
}

std::unique_ptr<Lister> make_nvml_lister() { return std::make_unique<NvmlLister>(); }

}  // namespace windlass::device
