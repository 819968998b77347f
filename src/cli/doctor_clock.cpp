// The wall clock, which the log and the incidents use. What Windlass decides hangs on the steady
// one, which nobody sets.
#include <fmt/core.h>

#include <filesystem>

#include "cli/body_text.h"
#include "cli/doctor_checks.h"

namespace windlass::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::chrono::sys_days kFirstBuild = std::chrono::year{2026} / 1 / 1;
constexpr base::Duration kStepMin = 100ms;  // slewing is at most 500 ppm
constexpr base::Duration kFutureMin = 60s;  // file systems of other machines differ by seconds

std::string date_text(std::chrono::nanoseconds since_epoch) {
    const auto days = std::chrono::floor<std::chrono::days>(std::chrono::sys_time{since_epoch});
    const std::chrono::year_month_day date{days};
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

// Of what a daemon writes: a file from the future shows that the clock was ahead then.
void look_for_future(const DoctorView& view, const ClockReading& now, Report& report) {
    const std::string folder = read_plan(view).configuration.daemon.state_dir;
    for (const char* const name : {"lock", "windlass.db", "run"}) {
        std::error_code unknown;
        const auto written = fs::last_write_time(fs::path{folder} / name, unknown);
        if (unknown) continue;
        const auto wall = std::chrono::file_clock::to_sys(written).time_since_epoch();
        if (wall <= now.wall + kFutureMin) continue;
        return report.add(
            FindingKind::clock_stepped_back,
            fmt::format("{}/{} was written {} from now", folder, name,
                        base::to_text(std::chrono::floor<std::chrono::seconds>(wall - now.wall))));
    }
}

void look_at_source(const DoctorView& view, Report& report) {
    const std::string path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    const std::string source{first_line(read_text_file(view, path))};
    if (source.empty()) return;
    report.tell("clock.source", one_line(source));
    if (source == "hpet" || source == "acpi_pm" || source == "jiffies" || source == "pit") {
        report.add(FindingKind::clock_source_slow, fmt::format("{} holds {}", path, source));
    }
}

}  // namespace

void check_clock(const DoctorView& view, Report& report) {
    const ClockReading first = view.clocks();
    if (first.wall < kFirstBuild.time_since_epoch()) {
        report.add(FindingKind::clock_before_build,
                   fmt::format("it says {}, and this version is of {} at the earliest",
                               date_text(first.wall), date_text(kFirstBuild.time_since_epoch())));
    }
    look_for_future(view, first, report);
    look_at_source(view, report);
    if (const auto is_kept = view.is_clock_kept()) {
        report.tell("clock.synchronised", *is_kept ? "yes" : "no");
        if (!*is_kept) {
            report.add(FindingKind::clock_not_synchronised,
                       "the kernel says that nothing keeps it (adjtimex: STA_UNSYNC)");
        }
    }
    view.pause(kSecondLook);
    const ClockReading second = view.clocks();
    const auto step = (second.wall - first.wall) - (second.steady - first.steady);
    if (step > kStepMin || step < -kStepMin) {
        report.add(FindingKind::clock_steps,
                   fmt::format("it went {} ms further than the steady clock within half a second",
                               std::chrono::floor<std::chrono::milliseconds>(step).count()));
    }
}

}  // namespace windlass::cli
