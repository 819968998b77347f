// The kinds of findings that `windlass doctor` knows. docs/doctor.md lists them as well.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace windlass::cli {

enum class Gravity : std::uint8_t { error, warning, info };
std::string_view to_text(Gravity gravity);

// The order of the table in doctor_findings.cpp, and of docs/doctor.md.
enum class FindingKind : std::uint8_t {
    check_hung,
    check_failed,
    // drivers
    driver_mismatch,
    driver_broken,
    driver_hangs,
    driver_library_missing,
    driver_library_differs,
    cuda_library_missing,
    cuda_library_stub,
    device_nodes_missing,
    device_nodes_denied,
    // devices
    device_unresponsive,
    device_lost,
    device_failing,
    holders_hidden,
    memory_unattributed,
    orphan_holder,
    foreign_holder,
    // permissions
    state_dir_denied,
    log_or_socket_denied,
    stacks_denied,
    descriptors_few,
    processes_few,
    // container
    init_does_not_reap,
    // memory
    shm_missing,
    shm_small,
    overcommit_strict,
    memory_low,
    // cgroups
    cgroups_unusable,
    pids_limit_near,
    // processes
    stuck_in_driver,
    stuck_in_storage,
    zombie_with_threads,
    zombies_of_init,
    zombies,
    // workers
    worker_stopped,
    worker_frozen,
    worker_of_dead_daemon,
    leftovers_of_dead_daemon,
    // daemon
    daemon_silent,
    port_taken,
    daemon_degraded,
    memory_fenced,
    worker_unkillable,
    model_rests,
    daemon_differs,
    // configuration
    configuration_missing,
    configuration_invalid,
    configuration_notice,
    pinned_too_large,
    models_take_turns,
    need_too_large,
    headroom_too_large,
    device_not_there,
    program_missing,
    // python
    interpreter_missing,
    interpreter_broken,
    interpreter_old,
    import_fails,
    import_slow,
    hook_missing,
    torch_without_gpu,
    // clock
    clock_before_build,
    clock_steps,
    clock_stepped_back,
    clock_not_synchronised,
    clock_source_slow,
    // disk
    disk_full,
    inodes_exhausted,
    state_on_tmpfs,
    state_on_network,
    disk_slow,
    disk_lies,
    disk_fast,
};
inline constexpr std::size_t kFindingCount = static_cast<std::size_t>(FindingKind::disk_fast) + 1;

struct FindingRow {
    FindingKind kind;
    std::string_view id;     // as the enumerator
    std::string_view check;  // which check tells it
    Gravity gravity;
    std::string_view title;
    std::string_view remedy;  // what to do
};
const std::array<FindingRow, kFindingCount>& finding_table();
const FindingRow& row_of(FindingKind kind);
std::optional<FindingKind> find_kind(std::string_view id);

}  // namespace windlass::cli
