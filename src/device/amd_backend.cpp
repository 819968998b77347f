// One GPU, and all of them.
#include "device/amd_backend.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "device/drm_clients.h"
#include "device/number_text.h"
#include "device/process_table.h"
#include "device/steady_sample.h"
#include "io/read_file.h"

namespace windlass::device {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::Result;

constexpr const char* kAmd = "amd";
constexpr const char* kMemorySource = "amdgpu";
constexpr const char* kProcessSource = "kfd";
// Of the first pid namespace: PROC_PID_INIT_INO of include/linux/proc_ns.h.
constexpr const char* kFirstNamespace = "pid:[4026531836]";

// KFD names processes by the pids of the first namespace (kfd_process.c: lead_thread->pid). In
// another one they would be somebody else's.
bool are_pids_ours(const AmdRoots& roots) {
    if (roots.is_copy) return true;
    std::error_code unknown;
    return fs::read_symlink(roots.proc + "/self/ns/pid", unknown) == kFirstNamespace;
}

class AmdBackend final : public Backend {
  public:
    AmdBackend(std::string uuid, AmdRoots roots, int daemon_pid)
        : uuid_(std::move(uuid)),
          roots_(std::move(roots)),
          daemon_pid_(daemon_pid),
          are_pids_ours_(are_pids_ours(roots_)),
          table_(roots_.proc) {}

    Result<wire::HostSample> sample(const wire::SampleOrder&) override {
        WL_TRY(find_card());
        wire::HostSample sample =
            WL_TRY(read_steadily([this](wire::HostSample& into) { return read_memory(into); },
                                 [this](wire::HostSample& into) -> Result<void> {
                                     read_processes(into);
                                     return {};
                                 }));
        const auto busy = read_amd_number(card_.folder + "/gpu_busy_percent");
        if (busy && *busy <= 100) sample.busy_percent = static_cast<std::uint32_t>(*busy);
        return sample;
    }

  private:
    // Each time: cards are numbered anew when the driver is loaded again.
    Result<void> find_card() {
        const AmdCards cards = find_amd_cards(roots_);
        const auto found = std::ranges::find(cards.usable, uuid_, &AmdCard::uuid);
        if (found == cards.usable.end()) {
            return base::fail(Errc::device_lost,
                              fmt::format("the kernel shows no card {} any more; its log tells why "
                                          "(look for amdgpu)",
                                          uuid_));
        }
        card_ = *found;
        return {};
    }

    Result<void> read_memory(wire::HostSample& sample) const {
        const auto total = read_amd_number(card_.folder + "/mem_info_vram_total");
        const auto used = read_amd_number(card_.folder + "/mem_info_vram_used");
        if (!total || !used) {
            return base::fail(Errc::transient,
                              fmt::format("the kernel does not tell the memory of {} now ({}): it "
                                          "is being reset, perhaps; its log tells more (look for "
                                          "amdgpu)",
                                          uuid_, card_.folder));
        }
        sample.source = kMemorySource;
        sample.capacity = base::Bytes{*total};
        sample.used = base::Bytes{std::min(*used, *total)};
        sample.free = base::Bytes{*total - std::min(*used, *total)};
        return {};
    }

    void read_processes(wire::HostSample& sample) const {
        sample.processes_source = kProcessSource;
        if (!are_pids_ours_) return;  // and so nothing is known
        std::map<int, std::optional<base::Bytes>> found;
        sample.processes_known = read_kfd(found);
        std::set<int> listed;
        for (const auto& [pid, bytes] : found) listed.insert(pid);
        for (const auto& [pid, bytes] : find_drm_memory(roots_.proc, card_.bus_id, listed)) {
            found[pid] = bytes;
        }
        for (const auto& [pid, bytes] : found) {
            wire::HostProcess described = table_.describe(pid);
            if (daemon_pid_ > 0) described.branch = table_.find_branch(pid, daemon_pid_);
            // As ps(1) shows one that is dead and not reaped: some keep their memory until then.
            if (table_.is_zombie(pid)) described.name = described.name.value_or("") + " <defunct>";
            // More than there is tells nothing.
            const bool is_possible = bytes && bytes <= sample.capacity;
            if (is_possible) described.bytes = bytes;
            sample.processes_known &= is_possible;
            sample.processes.push_back(std::move(described));
        }
    }

    // False: it may lack somebody.
    bool read_kfd(std::map<int, std::optional<base::Bytes>>& found) const {
        const std::string folder = roots_.sys + "/class/kfd/kfd/proc";
        std::error_code failed;
        fs::directory_iterator at{folder, failed};
        for (; !failed && at != fs::directory_iterator{}; at.increment(failed)) {
            const auto pid = parse_whole<int>(at->path().filename().string());
            if (!pid) continue;
            const std::string file = fmt::format("{}/{}/vram_{}", folder, *pid, card_.gpu_id);
            const auto bytes = read_amd_number(file);
            std::error_code unknown;
            // It ended meanwhile, or has nothing on this GPU.
            if (!bytes && !fs::exists(file, unknown) && !unknown) continue;
            found[*pid] = bytes ? std::optional{base::Bytes{*bytes}} : std::nullopt;
        }
        return !failed;
    }

    std::string uuid_;
    AmdRoots roots_;
    int daemon_pid_ = 0;
    bool are_pids_ours_ = false;
    ProcessTable table_;
    AmdCard card_;  // as it was found last
};

class AmdLister final : public Lister {
  public:
    explicit AmdLister(AmdRoots roots) : roots_(std::move(roots)) {}

    wire::HostListing list() override {
        const AmdCards cards = find_amd_cards(roots_);
        wire::HostListing listing;
        if (cards.usable.empty() && cards.unusable.empty()) return listing;
        wire::HostDriver driver{.name = kAmd,
                                .state = cards.usable.empty() ? wire::HostDriver::State::absent
                                                              : wire::HostDriver::State::usable};
        for (const std::string& why : cards.unusable) {
            driver.message += (driver.message.empty() ? "" : "; ") + why;
        }
        // Only AMD's own builds of it have one; else it is the kernel's.
        auto version = io::read_file(roots_.sys + "/module/amdgpu/version", 256);
        if (version) {
            while (version->ends_with('\n')) version->pop_back();
            driver.version = *version;
        }
        for (const AmdCard& card : cards.usable) {
            const auto total = read_amd_number(card.folder + "/mem_info_vram_total");
            listing.devices.push_back(
                {.uuid = card.uuid,
                 .name = card.name,
                 .bus_id = card.bus_id,
                 .compute_capability = {},
                 .driver_version = driver.version,
                 .cuda_version = {},
                 .capacity = total ? std::optional{base::Bytes{*total}} : std::nullopt});
        }
        listing.drivers.push_back(std::move(driver));
        return listing;
    }

  private:
    AmdRoots roots_;
};

}  // namespace

std::unique_ptr<Backend> make_amd_backend(std::string uuid, AmdRoots roots, int daemon_pid) {
    return std::make_unique<AmdBackend>(std::move(uuid), std::move(roots), daemon_pid);
}

std::unique_ptr<Lister> make_amd_lister(AmdRoots roots) {
    return std::make_unique<AmdLister>(std::move(roots));
}

}  // namespace windlass::device
