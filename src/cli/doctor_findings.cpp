// The table of findings.
// lint: long file, a table of texts
#include "cli/doctor_findings.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace windlass::cli {
namespace {

using Kind = FindingKind;

constexpr Gravity kError = Gravity::error;
constexpr Gravity kWarning = Gravity::warning;
constexpr Gravity kInfo = Gravity::info;

// One kind a row, in the order of the enumeration.
constexpr std::array<FindingRow, kFindingCount> kTable = {{
    {Kind::check_hung, "check_hung", "any", kWarning, "a check did not come back",
     "what it looks at hangs: a driver, a mount or a process. Look at the file systems of the "
     "state folder and the configuration, and at processes in state D"},
    {Kind::check_failed, "check_failed", "any", kWarning, "a check ended before it was through",
     "run `windlass doctor --json` again; if it stays, report it with that output"},

    {Kind::driver_mismatch, "driver_mismatch", "drivers", kError,
     "the driver's library and its kernel module are of two versions",
     "the driver was upgraded while the old module runs: stop what uses the GPUs and reload the "
     "module, or restart the machine; in a container, make it anew"},
    {Kind::driver_broken, "driver_broken", "drivers", kError, "the GPU driver cannot be used",
     "do what the driver's message says; as a rule, install the driver again"},
    {Kind::driver_hangs, "driver_hangs", "drivers", kError, "the GPU driver does not answer",
     "look for Xid lines in the kernel's log (`dmesg`); reset the GPU, or restart the machine"},
    {Kind::driver_library_missing, "driver_library_missing", "drivers", kError,
     "the kernel module is loaded, and the driver's library is not there",
     "on the machine, install the user-space part of the driver; in a container, start it with "
     "the GPUs (`--gpus all`) and NVIDIA_DRIVER_CAPABILITIES=compute,utility"},
    {Kind::driver_library_differs, "driver_library_differs", "drivers", kError,
     "the CUDA library is not of the kernel module's version",
     "remove the copy of libcuda.so that does not belong to the driver, or restart the machine "
     "after an upgrade"},
    {Kind::cuda_library_missing, "cuda_library_missing", "drivers", kError,
     "NVML works, and libcuda.so.1 is not there",
     "models cannot use the GPUs: in a container set NVIDIA_DRIVER_CAPABILITIES=compute,utility, "
     "else install the compute part of the driver"},
    {Kind::cuda_library_stub, "cuda_library_stub", "drivers", kError,
     "libcuda.so.1 is the stub that programs are linked with",
     "take the folder `stubs` out of LD_LIBRARY_PATH"},
    {Kind::device_nodes_missing, "device_nodes_missing", "drivers", kError,
     "the driver knows a GPU that has no file in /dev",
     "run `nvidia-modprobe -u -c 0` on the machine; in a container, start it with the GPUs "
     "(`--gpus all`)"},
    {Kind::device_nodes_denied, "device_nodes_denied", "drivers", kError,
     "this user may not open the files of the GPUs",
     "add the user to the group of the file (often `video` or `render`), or set its mode to 0666"},

    {Kind::device_unresponsive, "device_unresponsive", "drivers", kError,
     "a device does not answer",
     "Windlass lets nobody new onto it; look for Xid lines in the kernel's log, then reset the GPU "
     "or restart the machine"},
    {Kind::device_lost, "device_lost", "drivers", kError, "a device is gone",
     "the driver gave it up: drain the machine and reset or replace the GPU"},
    {Kind::device_failing, "device_failing", "drivers", kError, "a device answers with an error",
     "do what the driver's message says"},
    {Kind::holders_hidden, "holders_hidden", "drivers", kWarning,
     "the driver does not tell who holds memory of a device",
     "run Windlass in the host's PID namespace (`docker run --pid=host`); until then claims count "
     "instead of what processes hold"},
    {Kind::memory_unattributed, "memory_unattributed", "drivers", kWarning,
     "memory of a device is in use, and no process is listed that holds it",
     "wait a minute: the memory of the dead comes back late. If it stays, look for processes in "
     "other containers, or in state D, and reset the GPU if there is none"},
    {Kind::orphan_holder, "orphan_holder", "drivers", kError,
     "an orphan holds memory of a device: who started it is dead",
     "end it (`kill PID`, then `kill -9 PID`); its memory comes back with its end"},
    {Kind::foreign_holder, "foreign_holder", "drivers", kWarning,
     "a process that is not Windlass's holds memory of a device",
     "Windlass leaves it alone and counts its memory as taken; end it if nobody needs it"},

    {Kind::state_dir_denied, "state_dir_denied", "permissions", kError,
     "the state folder cannot be written to",
     "give it to the user that runs Windlass, or name another with `state_dir` under [daemon] or "
     "--state-dir"},
    {Kind::log_or_socket_denied, "log_or_socket_denied", "permissions", kError,
     "the folder of the access log or of the socket cannot be written to",
     "make the folder and give it to the user that runs Windlass"},
    {Kind::stacks_denied, "stacks_denied", "permissions", kWarning,
     "the native stacks of a worker that hangs cannot be read",
     "set kernel.yama.ptrace_scope to 0 or 1, or give the container SYS_PTRACE; without it "
     "incidents tell the Python stacks only"},
    {Kind::descriptors_few, "descriptors_few", "permissions", kWarning,
     "few files may be open at the same time",
     "raise the hard limit: LimitNOFILE=65536 in a unit of systemd, `--ulimit nofile=65536` for a "
     "container, limits.conf for a user"},
    {Kind::processes_few, "processes_few", "permissions", kWarning, "few processes may be started",
     "raise the limit: LimitNPROC= of systemd, `--ulimit nproc=` of a container; each thread "
     "counts"},

    {Kind::init_does_not_reap, "init_does_not_reap", "container", kError,
     "orphans stay zombies: the first process of this container reaps nobody",
     "start the container with an init (`docker run --init`, or tini as its entry), or let "
     "`windlass serve` be its first process: it reaps"},

    {Kind::shm_missing, "shm_missing", "memory", kWarning, "there is no /dev/shm",
     "mount a tmpfs there (`docker run --shm-size=8g`): data loaders and NCCL need it"},
    {Kind::shm_small, "shm_small", "memory", kWarning, "/dev/shm is small",
     "data loaders and NCCL fail there with bus errors: `docker run --shm-size=8g`, or "
     "`--ipc=host`"},
    {Kind::overcommit_strict, "overcommit_strict", "memory", kWarning,
     "the kernel promises no more memory than there is (vm.overcommit_memory = 2)",
     "CUDA reserves address space for all of the GPU's memory, which may fail: set "
     "vm.overcommit_memory to 0 or 1"},
    {Kind::memory_low, "memory_low", "memory", kWarning, "hardly any memory of the host is free",
     "end what is not needed, or raise the limit of the container; the kernel kills whom it likes "
     "when there is none"},

    {Kind::cgroups_unusable, "cgroups_unusable", "cgroups", kWarning,
     "workers cannot have cgroups of their own",
     "let the cgroup be delegated: Delegate=yes in a unit of systemd, `--cgroupns=private` with a "
     "writable /sys/fs/cgroup in a container. Until then processes are found by their tag; "
     "`cgroups = \"none\"` under [daemon] says that this is meant"},
    {Kind::pids_limit_near, "pids_limit_near", "cgroups", kWarning,
     "the cgroup has hardly any room for further processes",
     "raise pids.max: TasksMax= of systemd, `--pids-limit` of a container; each thread counts"},

    {Kind::stuck_in_driver, "stuck_in_driver", "processes", kError,
     "a process hangs within the GPU's driver",
     "no signal ends it: look for Xid lines in the kernel's log, reset the GPU, or restart the "
     "machine; its memory stays until then"},
    {Kind::stuck_in_storage, "stuck_in_storage", "processes", kWarning,
     "a process hangs in a network or user-space file system",
     "see after the server behind the mount, or unmount it (`umount -f`); no signal ends the "
     "process before"},
    {Kind::zombie_with_threads, "zombie_with_threads", "processes", kError,
     "the first thread of a process is dead, and others live on",
     "it still holds its memory, that of the GPU too: end its threads by `kill -9 PID`; if they "
     "are in state D, they hang in the kernel"},
    {Kind::zombies_of_init, "zombies_of_init", "processes", kWarning,
     "zombies that the first process does not reap",
     "start the container with an init (`docker run --init`)"},
    {Kind::zombies, "zombies", "processes", kInfo, "zombies that their parent has not reaped",
     "they hold a process number each, and no memory; the parent is to be mended, and its end "
     "removes "
     "them"},

    {Kind::worker_stopped, "worker_stopped", "workers", kError, "a worker is stopped",
     "somebody sent SIGSTOP: let it go on with `kill -CONT PID`, or end it with `windlass workers "
     "kill ID`"},
    {Kind::worker_frozen, "worker_frozen", "workers", kError, "a worker is frozen by its cgroup",
     "thaw it: write 0 to cgroup.freeze (version 2) or THAWED to freezer.state (version 1) of the "
     "folder, or of the container (`docker unpause`)"},
    {Kind::worker_of_dead_daemon, "worker_of_dead_daemon", "workers", kError,
     "a worker lives on whose daemon is dead",
     "start the daemon again with the same state folder: it clears up; or end the process by "
     "`kill -9 PID`"},
    {Kind::leftovers_of_dead_daemon, "leftovers_of_dead_daemon", "workers", kWarning,
     "a daemon that was killed has left its folder",
     "start the daemon again: it clears up; or remove the folder"},

    {Kind::daemon_silent, "daemon_silent", "daemon", kError, "the daemon runs, and does not answer",
     "if it is stopped, `kill -CONT PID`; else end it by `kill -9 PID` and start it again: its "
     "keeper ends the workers"},
    {Kind::port_taken, "port_taken", "daemon", kError, "another program has the daemon's address",
     "end that program (`ss -ltnp` names it), or give Windlass another address with `listen` "
     "under [daemon]"},
    {Kind::daemon_degraded, "daemon_degraded", "daemon", kWarning,
     "the daemon says that something does not work", "do what its message says"},
    {Kind::memory_fenced, "memory_fenced", "daemon", kWarning,
     "memory of a device is fenced: who held it is dead, and it did not come back",
     "`windlass devices` and `windlass incidents` tell whose it was; end what still holds it, or "
     "reset the GPU. It is given to nobody until then"},
    {Kind::worker_unkillable, "worker_unkillable", "daemon", kError, "a worker does not end",
     "it hangs in the kernel: `windlass incidents` tells where; reset its GPU, or restart the "
     "machine"},
    {Kind::model_rests, "model_rests", "daemon", kWarning,
     "a model rests because its workers kept dying",
     "`windlass incidents` and the log tell why; then `windlass models load MODEL` tries again"},
    {Kind::daemon_differs, "daemon_differs", "daemon", kInfo,
     "the daemon is of another version than this program",
     "restart the daemon to use the version that is installed"},

    {Kind::configuration_missing, "configuration_missing", "configuration", kError,
     "the configuration file cannot be read", "name another with --config FILE"},
    {Kind::configuration_invalid, "configuration_invalid", "configuration", kError,
     "the configuration cannot be used",
     "mend the line; `windlass config keys` lists every key with its meaning"},
    {Kind::configuration_notice, "configuration_notice", "configuration", kInfo,
     "something in the configuration has no effect", "remove it, or mend it"},
    {Kind::pinned_too_large, "pinned_too_large", "configuration", kError,
     "pinned models do not fit together",
     "take `pinned` from one of them, lower a `need` or `copies`, or give them other `devices`"},
    {Kind::models_take_turns, "models_take_turns", "configuration", kInfo,
     "models do not fit at the same time, and take turns",
     "nothing, if that is meant; else lower a `need`"},
    {Kind::need_too_large, "need_too_large", "configuration", kError,
     "a model needs more than any of its devices has",
     "lower its `need`, or let it use a larger device"},
    {Kind::headroom_too_large, "headroom_too_large", "configuration", kError,
     "`headroom` leaves nothing of a device", "lower `headroom` under [devices]"},
    {Kind::device_not_there, "device_not_there", "configuration", kError,
     "a device that the configuration names is not there",
     "`windlass doctor` lists the UUIDs that are there under its facts; correct `use` under "
     "[devices], or `devices` of the model"},
    {Kind::program_missing, "program_missing", "configuration", kError,
     "a model's program is not there, or may not be run",
     "correct `command`, install the program, or make it executable"},

    {Kind::interpreter_missing, "interpreter_missing", "python", kError,
     "a model's Python is not there", "correct `interpreter`, or install it"},
    {Kind::interpreter_broken, "interpreter_broken", "python", kError,
     "a model's Python does not start", "run it by hand; make its virtual environment anew"},
    {Kind::interpreter_old, "interpreter_old", "python", kError, "a model's Python is too old",
     "Windlass needs Python 3.9 at least: name a newer one with `interpreter`"},
    {Kind::import_fails, "import_fails", "python", kError, "a model cannot be imported",
     "install what is missing into the Python that `interpreter` names, or correct `path` and "
     "`python`"},
    {Kind::import_slow, "import_slow", "python", kWarning, "a model's import takes very long",
     "each load pays for it: see what it does when it is imported, and keep `start_timeout` above "
     "it"},
    {Kind::hook_missing, "hook_missing", "python", kError,
     "a model's class lacks what Windlass calls",
     "give it the methods `load(self, device)` and `run(self, request)`"},
    {Kind::torch_without_gpu, "torch_without_gpu", "python", kWarning,
     "the PyTorch of a model was built without GPUs",
     "it will run on the CPU: install the build for CUDA, or say `devices = \"cpu\"`"},

    {Kind::clock_before_build, "clock_before_build", "clock", kError,
     "the wall clock is years behind",
     "set it, and start an NTP client: times in the log and certificates are wrong"},
    {Kind::clock_steps, "clock_steps", "clock", kWarning, "the wall clock jumps",
     "two programs may be setting it: let one NTP client do so, slowly. Windlass's limits are not "
     "touched by it"},
    {Kind::clock_stepped_back, "clock_stepped_back", "clock", kWarning,
     "files of the state folder are from the future: the wall clock was set back",
     "start an NTP client; touch the files once it is right"},
    {Kind::clock_not_synchronised, "clock_not_synchronised", "clock", kInfo,
     "nobody keeps the wall clock right",
     "start an NTP client on the machine (chrony, systemd-timesyncd)"},
    {Kind::clock_source_slow, "clock_source_slow", "clock", kWarning,
     "the kernel reads the time from a slow clock",
     "the processor's own clock was found unstable; a newer kernel or firmware, or `tsc=reliable`, "
     "may help: each reading costs a microsecond instead of 30 ns"},

    {Kind::disk_full, "disk_full", "disk", kError, "the disk of the state folder is full",
     "make room there, or name another `state_dir`"},
    {Kind::inodes_exhausted, "inodes_exhausted", "disk", kError,
     "the disk of the state folder can take no more files",
     "remove files there, or name another `state_dir`"},
    {Kind::state_on_tmpfs, "state_on_tmpfs", "disk", kWarning,
     "the state folder is in memory, and gone with the next start of the machine",
     "name a folder on a disk with `state_dir` under [daemon]; in a container, a volume"},
    {Kind::state_on_network, "state_on_network", "disk", kWarning,
     "the state folder is on a network or user-space file system",
     "locks and databases are not safe there, and it may hang: name a folder on a local disk"},
    {Kind::disk_slow, "disk_slow", "disk", kWarning, "the disk of the state folder is slow",
     "each durable write waits for it: use another disk, or see who writes so much to this one"},
    {Kind::disk_lies, "disk_lies", "disk", kWarning, "the disk says that data is safe before it is",
     "what was promised may be lost with the power: take `nobarrier` from the mount, or "
     "libeatmydata from LD_PRELOAD"},
    {Kind::disk_fast, "disk_fast", "disk", kInfo, "the disk answers faster than a disk can write",
     "fine if it has a battery or capacitors; a virtual disk with the cache mode `unsafe` loses "
     "data with the power"},
}};

static_assert(
    [] {
        for (std::size_t index = 0; index < kTable.size(); ++index) {
            if (std::to_underlying(kTable[index].kind) != index) return false;
        }
        return true;
    }(),
    "the table has one row for each kind, in the order of the enumeration");

}  // namespace

std::string_view to_text(Gravity gravity) {
    switch (gravity) {
        case Gravity::error: return "error";
        case Gravity::warning: return "warning";
        case Gravity::info: return "info";
    }
    return "";
}

const std::array<FindingRow, kFindingCount>& finding_table() { return kTable; }

const FindingRow& row_of(FindingKind kind) {
    WL_ASSERT(std::to_underlying(kind) < kFindingCount);
    return kTable[std::to_underlying(kind)];
}

std::optional<FindingKind> find_kind(std::string_view id) {
    const auto* const found = std::ranges::find(kTable, id, &FindingRow::id);
    if (found == kTable.end()) return std::nullopt;
    return found->kind;
}

}  // namespace windlass::cli
