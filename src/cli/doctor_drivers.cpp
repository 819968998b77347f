// GPU drivers as their files and driver hosts tell of them; no library is loaded here.
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "cli/body_text.h"
#include "cli/doctor_checks.h"
#include "cli/doctor_devices.h"

namespace windlass::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCudaLibrary = "libcuda.so.1";

// The first word that is digits and dots: of "NVRM version: NVIDIA UNIX x86_64 Kernel Module
// 580.126.09  Tue ..." and of "libcuda.so.580.126.09".
std::string find_version(std::string_view text) {
    for (std::size_t at = text.find_first_of("0123456789"); at != std::string_view::npos;
         at = text.find_first_of("0123456789", at)) {
        const std::size_t end = std::min(text.find_first_not_of("0123456789.", at), text.size());
        const std::string_view word = text.substr(at, end - at);
        const bool is_whole = at == 0 || text[at - 1] == ' ' || text[at - 1] == '.';
        if (is_whole && word.contains('.') && !word.ends_with('.')) return std::string{word};
        at = end;
    }
    return {};
}

// Of the NVIDIA kernel module; empty: it is not loaded.
std::string module_version(const DoctorView& view) {
    const std::string told = read_text_file(view, "/proc/driver/nvidia/version");
    const std::string version = find_version(first_line(told));
    if (!version.empty() || !told.empty()) return version.empty() ? "unknown" : version;
    return std::string{first_line(read_text_file(view, "/sys/module/nvidia/version"))};
}

// The loader's cache holds names and paths, each with a zero behind it.
std::string in_loader_cache(const DoctorView& view) {
    const std::string cache = read_text_file(view, "/etc/ld.so.cache");
    const std::string tail = fmt::format("/{}", kCudaLibrary) + '\0';
    const std::size_t at = cache.find(tail);
    if (at == std::string::npos) return {};
    const std::size_t begin = cache.rfind('\0', at);
    return begin == std::string::npos ? std::string{}
                                      : cache.substr(begin + 1, at + tail.size() - begin - 2);
}

// Where the loader would find it, as far as that can be told; empty: nowhere.
std::string find_cuda_library(const DoctorView& view) {
    if (const auto named = view.environment.find("WINDLASS_CUDA_LIBRARY");
        named != view.environment.end() && !named->second.empty()) {
        return named->second;
    }
    std::vector<std::string> folders;
    if (const auto path = view.environment.find("LD_LIBRARY_PATH");
        path != view.environment.end()) {
        std::string_view rest{path->second};
        while (!rest.empty()) {
            const std::size_t end = std::min(rest.find(':'), rest.size());
            if (end > 0) folders.emplace_back(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    }
    for (const std::string& folder : folders) {
        const std::string path = fmt::format("{}/{}", folder, kCudaLibrary);
        if (exists(view, path)) return path;
    }
    if (std::string cached = in_loader_cache(view); !cached.empty()) return cached;
    for (const char* const folder :
         {"/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib/x86_64-linux-gnu",
          "/usr/lib/wsl/lib", "/run/opengl-driver/lib"}) {
        const std::string path = fmt::format("{}/{}", folder, kCudaLibrary);
        if (exists(view, path)) return path;
    }
    return {};
}

void look_at_cuda_library(const DoctorView& view, const std::string& module, bool is_usable,
                          Report& report) {
    const std::string path = find_cuda_library(view);
    if (path.empty()) {
        if (is_usable) {
            report.add(FindingKind::cuda_library_missing,
                       "neither LD_LIBRARY_PATH nor the loader's folders have libcuda.so.1");
        }
        return;
    }
    std::error_code failed;
    const fs::path whole = fs::canonical(view.root + path, failed);
    const std::string file = failed ? path : whole.string();
    report.tell("driver.libcuda", one_line(file));
    const std::string version = find_version(fs::path{file}.filename().string());
    if (file.contains("/stubs/")) {
        report.add(FindingKind::cuda_library_stub, fmt::format("{} is {}", path, file));
    } else if (!module.empty() && module != "unknown" && !version.empty() && version != module &&
               !file.contains("/compat")) {  // meant to be newer than the driver
        report.add(FindingKind::driver_library_differs,
                   fmt::format("{} beside the kernel module {}", file, module));
    }
}

void look_at_nodes(const DoctorView& view, Report& report) {
    const auto gpus = names_in(view, "/proc/driver/nvidia/gpus");
    if (gpus.empty()) return;
    std::vector<std::string> nodes;
    for (const std::string& name : names_in(view, "/dev")) {
        const std::string_view number =
            std::string_view{name}.substr(std::min<std::size_t>(6, name.size()));
        const bool is_gpu =
            name.starts_with("nvidia") && !number.empty() &&
            std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
        if (is_gpu) nodes.push_back("/dev/" + name);
    }
    const bool has_control = exists(view, "/dev/nvidiactl");
    if (nodes.empty() || !has_control) {
        report.add(FindingKind::device_nodes_missing,
                   fmt::format("the driver has {} GPUs, and {} is not there", gpus.size(),
                               has_control ? "/dev/nvidia0" : "/dev/nvidiactl"));
    }
    if (has_control) nodes.emplace_back("/dev/nvidiactl");
    for (const std::string& node : nodes) {
        if (view.may(view.root + node, R_OK | W_OK)) continue;
        report.add(FindingKind::device_nodes_denied,
                   fmt::format("user {} may not read and write {}", ::geteuid(), node));
    }
}

// 8.9 (Ada) is the first one with FP8.
std::string fp8_text(const std::optional<std::string>& capability) {
    int major = 0;
    int minor = 0;
    if (!capability) return "unknown";
    const char* const end = capability->data() + capability->size();
    const auto read = std::from_chars(capability->data(), end, major);
    if (read.ec != std::errc{}) return "unknown";
    if (read.ptr != end && *read.ptr == '.') std::from_chars(read.ptr + 1, end, minor);
    return major > 8 || (major == 8 && minor >= 9) ? "yes" : "no";
}

void tell_device(const SeenDevice& seen, Report& report) {
    const auto tell = [&](const char* what, const std::string& value) {
        report.tell(fmt::format("gpu.{}.{}", one_line(seen.device.uuid), what), one_line(value));
    };
    tell("name", seen.device.name.value_or("unknown"));
    tell("compute_capability", seen.device.compute_capability.value_or("unknown"));
    tell("fp8", fp8_text(seen.device.compute_capability));
    tell("driver", seen.device.driver_version.value_or("unknown"));
    tell("cuda", seen.device.cuda_version.value_or("unknown"));
    if (!seen.sample) return;
    const wire::HostSample& sample = *seen.sample;
    if (sample.capacity) tell("capacity", base::to_text(*sample.capacity));
    if (sample.used) tell("used", base::to_text(*sample.used));
}

// NVML_ERROR_LIB_RM_VERSION_MISMATCH, as the library's messages end.
bool is_mismatch(const std::string& message) { return message.contains("(18)"); }

void look_at_driver(const wire::HostDriver& driver, const std::string& module, Report& report) {
    using State = wire::HostDriver::State;
    const std::string message = one_line(driver.message);
    if (driver.state == State::usable) {
        return report.tell("driver." + driver.name, driver.version.value_or("usable"));
    }
    report.tell("driver." + driver.name, message);
    const std::string seen =
        module.empty() ? message : fmt::format("{} (kernel module {})", message, module);
    if (is_mismatch(message)) return report.add(FindingKind::driver_mismatch, seen);
    if (driver.state == State::broken) return report.add(FindingKind::driver_broken, seen);
    if (module.empty()) return;  // there is none: nothing is wrong
    report.add(message.contains("is not installed") ? FindingKind::driver_library_missing
                                                    : FindingKind::driver_broken,
               seen);
}

// Drivers hide the processes of other PID namespaces. Nobody is hidden in the first of them
// (PROC_PID_INIT_INO of linux/proc_ns.h), nor where some are named.
bool tells_holders(const DoctorView& view, const SeenDevices& seen) {
    std::error_code unknown;
    const fs::path space = fs::read_symlink(view.root + "/proc/self/ns/pid", unknown);
    return space == "pid:[4026531836]" ||
           std::ranges::any_of(seen.devices, [](const SeenDevice& device) {
               return device.sample && device.sample->processes_known &&
                      !device.sample->processes.empty();
           });
}

}  // namespace

void check_drivers(const DoctorView& view, Report& report) {
    const std::string module = module_version(view);
    report.tell("driver.kernel_module", module.empty() ? "none" : one_line(module));
    look_at_nodes(view, report);
    const SeenDevices seen = view.devices();
    if (!seen.listing) {
        report.add(seen.listing.error().code == base::Errc::timeout ? FindingKind::driver_hangs
                                                                    : FindingKind::driver_broken,
                   one_line(seen.listing.error().message));
        return look_at_cuda_library(view, module, false, report);
    }
    bool is_usable = false;
    for (const wire::HostDriver& driver : seen.listing->drivers) {
        const bool is_nvidia = driver.name == "nvml";
        is_usable |= is_nvidia && driver.state == wire::HostDriver::State::usable;
        look_at_driver(driver, is_nvidia ? module : "", report);
    }
    if (!seen.listing->is_complete) {
        report.add(FindingKind::device_lost,
                   "the driver counts a GPU that it cannot name any more");
    }
    look_at_cuda_library(view, module, is_usable && !seen.devices.empty(), report);
    report.tell("gpu.count", std::to_string(seen.devices.size()));
    const bool tells = tells_holders(view, seen);
    for (const SeenDevice& device : seen.devices) {
        tell_device(device, report);
        look_at_device(view, device, tells, report);
    }
}

}  // namespace windlass::cli
