// Reading files, of the machine or of a test's tree.
#include "cli/doctor_view.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "io/read_file.h"

namespace windlass::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSeenFileMax = 4 << 20;

}  // namespace

std::string read_text_file(const DoctorView& view, const std::string& path) {
    return io::read_file(view.root + path, kSeenFileMax).value_or("");
}

std::optional<std::uint64_t> read_number_file(const DoctorView& view, const std::string& path) {
    const std::string text = read_text_file(view, path);
    std::uint64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc{}) return std::nullopt;
    return number;
}

bool exists(const DoctorView& view, const std::string& path) {
    std::error_code unknown;
    return fs::exists(view.root + path, unknown);
}

std::vector<std::string> names_in(const DoctorView& view, const std::string& path) {
    std::vector<std::string> names;
    std::error_code ended;
    for (fs::directory_iterator at{view.root + path, ended};
         !ended && at != fs::directory_iterator{}; at.increment(ended)) {
        names.push_back(at->path().filename().string());
    }
    std::ranges::sort(names);
    return names;
}

Plan read_plan(const DoctorView& view) {
    const daemon::Overrides overrides{
        .listen = {}, .log = {}, .state_dir = view.state_dir, .socket = {}, .access_log = {}};
    Plan plan;
    std::error_code unknown;
    plan.is_there = fs::exists(view.configuration, unknown);
    if (plan.is_there) {
        plan.loaded = daemon::load_configuration(view.configuration, view.environment, overrides);
        if (plan.loaded.configuration) {
            plan.configuration = *plan.loaded.configuration;
            return plan;
        }
    }
    auto defaults =
        daemon::parse_configuration("", view.configuration, view.environment, overrides);
    if (defaults.configuration) plan.configuration = *std::move(defaults.configuration);
    return plan;
}

bool find_program(const DoctorView& view, const std::string& program,
                  const std::map<std::string, std::string>& environment) {
    if (program.contains('/')) return view.may(program, X_OK);
    const auto own = environment.find("PATH");
    const auto inherited = view.environment.find("PATH");
    const std::string path = own != environment.end()              ? own->second
                             : inherited != view.environment.end() ? inherited->second
                                                                   : "/bin:/usr/bin";
    for (std::string_view rest{path}; !rest.empty();) {
        const std::size_t end = std::min(rest.find(':'), rest.size());
        if (view.may(fmt::format("{}/{}", rest.substr(0, end), program), X_OK)) return true;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return false;
}

std::string nearest_folder(const std::string& path) {
    fs::path folder{path};
    std::error_code unknown;
    while (folder.has_relative_path() && !fs::is_directory(folder, unknown)) {
        folder = folder.parent_path();
    }
    return folder.string();
}

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        lines.push_back(first_line(text));
        text.remove_prefix(std::min(lines.back().size() + 1, text.size()));
    }
    return lines;
}

}  // namespace windlass::cli
