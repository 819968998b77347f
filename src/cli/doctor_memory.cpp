// Memory of the host.
#include <fmt/core.h>

#include "cli/doctor_checks.h"

namespace windlass::cli {
namespace {

// Docker gives 64 MiB; NCCL takes some 100 MiB for each GPU, a data loader what its batches need.
constexpr base::Bytes kSharedMemoryMin{std::uint64_t{512} << 20};
constexpr std::uint64_t kFreeShareMin = 50;  // a fiftieth

void look_at_shared_memory(const DoctorView& view, Report& report) {
    if (!exists(view, "/dev/shm")) {
        return report.add(FindingKind::shm_missing, "/dev/shm does not exist");
    }
    const auto numbers = view.file_system(view.root + "/dev/shm");
    if (!numbers) return;
    report.tell("memory.shm", base::to_text(numbers->size));
    if (numbers->size >= kSharedMemoryMin) return;
    report.add(FindingKind::shm_small,
               fmt::format("/dev/shm has {}, {} of it free", base::to_text(numbers->size),
                           base::to_text(numbers->free)));
}

}  // namespace

void check_memory(const DoctorView& view, Report& report) {
    look_at_shared_memory(view, report);
    if (read_number_file(view, "/proc/sys/vm/overcommit_memory") == 2) {
        report.add(FindingKind::overcommit_strict, "/proc/sys/vm/overcommit_memory holds 2");
    }
    const auto memory = view.host_memory();
    if (!memory) return;
    const wire::HostSample& sample = *memory;
    if (!sample.capacity || !sample.free) return;
    const base::Bytes capacity = *sample.capacity;
    const base::Bytes free = *sample.free;
    report.tell("memory.capacity", fmt::format("{} ({})", base::to_text(capacity), sample.source));
    report.tell("memory.free", base::to_text(free));
    if (free.count() >= capacity.count() / kFreeShareMin) return;
    report.add(FindingKind::memory_low,
               fmt::format("{} of {} can be had without swapping ({})", base::to_text(free),
                           base::to_text(capacity), sample.source));
}

}  // namespace windlass::cli
