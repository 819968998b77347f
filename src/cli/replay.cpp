// `windlass replay`: a recording of a daemon, through the engine of this program.
#include "cli/replay.h"

#include <fmt/core.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "cli/commands.h"
#include "cli/failure_text.h"

namespace windlass::cli {
namespace {

constexpr int kDiffers = 1;

int exit_code_of(const std::optional<recording::Finding>& finding) {
    if (!finding) return 0;
    if (finding->kind == recording::FindingKind::difference) return kDiffers;
    return base::traits(base::Errc::internal).exit_code;
}

base::Result<std::string> read_whole(const std::string& path) {
    std::error_code unknown;
    if (!std::filesystem::exists(path, unknown)) {
        return base::fail(base::Errc::not_found, fmt::format("there is no file {}", path));
    }
    errno = 0;
    const std::uintmax_t size = std::filesystem::file_size(path, unknown);
    if (!unknown) {  // a file, and none that never ends
        std::ifstream file{path, std::ios::binary};
        std::string bytes(size, '\0');
        file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        bytes.resize(static_cast<std::size_t>(file.gcount()));
        if (file.is_open() && !file.bad()) return bytes;
    }
    const bool is_forbidden = errno == EACCES;
    return base::fail(
        is_forbidden ? base::Errc::permission_denied : base::Errc::invalid_input,
        fmt::format("{} cannot be read: {}", path,
                    is_forbidden ? "no permission" : "it is no file, or its disk fails"));
}

base::Result<ReplayReport> replay_file(const std::string& path) {
    const std::string bytes = WL_TRY(read_whole(path));
    recording::Reader reader = WL_TRY(recording::Reader::open(bytes));
    recording::Replay replay = WL_TRY(recording::Replay::make(reader.head()));
    std::optional<recording::Finding> finding = WL_TRY(recording::replay_all(reader, replay));
    const bool is_read = !finding.has_value();  // else its end was not looked at
    return ReplayReport{.file = path,
                        .head = reader.head(),
                        .summary = replay.summary(),
                        .end = reader.end(),
                        .torn = is_read ? reader.torn() : 0,
                        .finding = std::move(finding)};
}

}  // namespace

CommandOutcome run(const ReplayArguments& arguments) {
    auto report = replay_file(arguments.file);
    if (!report) {
        const base::Error& error = report.error();
        return failed(base::with_context(error, "replaying " + arguments.file), arguments.json);
    }
    return {.exit_code = exit_code_of(report->finding),
            .out = arguments.json ? replay_json(*report) : replay_text(*report)};
}

}  // namespace windlass::cli
