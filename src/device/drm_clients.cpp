// Lines "key: value [unit]".
#include "device/drm_clients.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "device/number_text.h"
#include "io/read_file.h"

namespace windlass::device {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kClientFileMax = 1 << 14;

std::optional<std::string_view> find_value(std::string_view text, std::string_view key) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!line.starts_with(key) || !line.substr(key.size()).starts_with(':')) continue;
        line.remove_prefix(key.size() + 1);
        line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
        return line;
    }
    return std::nullopt;
}

// Without a unit it is bytes.
std::optional<base::Bytes> parse_size(std::string_view text) {
    const auto count = parse_front<std::uint64_t>(text);
    const unsigned shift = text.ends_with(" KiB") ? 10 : text.ends_with(" MiB") ? 20 : 0;
    if (!count || *count > (std::uint64_t{1} << 62U) >> shift) return std::nullopt;
    return base::Bytes{*count << shift};
}

std::vector<int> pids_in(const std::string& proc) {
    std::vector<int> pids;
    std::error_code ended;
    for (fs::directory_iterator at{proc, ended}; !ended && at != fs::directory_iterator{};
         at.increment(ended)) {
        if (const auto pid = parse_whole<int>(at->path().filename().string())) pids.push_back(*pid);
    }
    std::ranges::sort(pids);
    return pids;
}

}  // namespace

std::optional<DrmClient> parse_fdinfo(std::string_view text) {
    const auto bus_id = find_value(text, "drm-pdev");
    const auto id = find_value(text, "drm-client-id");
    if (!bus_id || !id) return std::nullopt;
    DrmClient client{.bus_id = std::string{*bus_id}, .id = std::string{*id}, .vram = {}};
    // The newer key first; drm-memory is its name until Linux 6.12.
    for (const std::string_view key : {"drm-resident-vram", "drm-memory-vram", "drm-total-vram"}) {
        const auto value = find_value(text, key);
        if (value) client.vram = parse_size(*value);
        if (client.vram) break;
    }
    return client;
}

std::map<int, base::Bytes> find_drm_memory(const std::string& proc, std::string_view bus_id,
                                           const std::set<int>& left_out) {
    std::map<int, base::Bytes> found;
    std::set<std::string> seen;
    for (const int pid : pids_in(proc)) {
        if (left_out.contains(pid)) continue;
        const std::string folder = fmt::format("{}/{}", proc, pid);
        std::error_code ended;  // or another user's
        for (fs::directory_iterator at{folder + "/fd", ended};
             !ended && at != fs::directory_iterator{}; at.increment(ended)) {
            std::error_code closed;
            const std::string target = fs::read_symlink(at->path(), closed);
            if (closed || !target.starts_with("/dev/dri/")) continue;
            const auto text =
                io::read_file(fmt::format("{}/fdinfo/{}", folder, at->path().filename().string()),
                              kClientFileMax);
            const auto client = text ? parse_fdinfo(*text) : std::nullopt;
            if (!client || client->bus_id != bus_id || !client->vram) continue;
            if (seen.insert(client->id).second) found[pid] = found[pid] + *client->vram;
        }
    }
    return found;
}

}  // namespace windlass::device
