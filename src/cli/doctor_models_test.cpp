// Problems of processes, of the configuration and of models, planted; and that each kind of
// finding is planted somewhere.
#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "cli/doctor_testing.h"
#include "io/process_identity.h"

namespace windlass::cli::testing {
namespace {

using namespace std::string_literals;

constexpr const char* kDaemonId = "0123456789abcdef";

std::string tag_of_worker() {
    return fmt::format("HOME=/{}WINDLASS_WORKER={}/7{}", '\0', kDaemonId, '\0');
}

void add_worker(FakeMachine& machine, char state = 'S') {
    machine.add({.pid = 40, .name = "windlass"});
    machine.add({.pid = 41, .state = state, .parent = 40, .environment = tag_of_worker()});
}

std::string python_model(const std::string& keys = "") {
    return "[models.m]\npython = \"m:M\"\n" + keys;
}

std::function<void(FakeMachine&)> python_says(const std::string& text, bool is_over = true) {
    return [=](FakeMachine& m) {
        m.configure(python_model());
        m.tell_python(text, is_over);
    };
}

std::function<void(FakeMachine&)> gpu_and(const std::string& configuration) {
    return [=](FakeMachine& m) {
        m.add_gpu();
        m.configure(configuration);
    };
}

constexpr const char* kVersion = "windlass-doctor\tversion\t3.11.2\n";

}  // namespace

std::vector<Planted> planted_in_processes() {
    using enum FindingKind;
    return {
        {stuck_in_driver,
         [](FakeMachine& m) { m.add({.pid = 80, .state = 'D', .channel = "uvm_va_block_lock"}); }},
        {stuck_in_storage,
         [](FakeMachine& m) { m.add({.pid = 81, .state = 'D', .channel = "rpc_wait_bit"}); }},
        {zombie_with_threads,
         [](FakeMachine& m) { m.add({.pid = 82, .state = 'Z', .threads = 9}); }},
        {zombies_of_init, [](FakeMachine& m) { m.add({.pid = 83, .state = 'Z'}); }},
        {zombies,
         [](FakeMachine& m) {
             m.add({.pid = 84, .name = "gunicorn"});
             m.add({.pid = 85, .state = 'Z', .parent = 84});
         }},
        {worker_stopped, [](FakeMachine& m) { add_worker(m, 'T'); }},
        {worker_frozen,
         [](FakeMachine& m) {
             add_worker(m);
             m.write("/proc/41/cgroup", "6:freezer:/box\n0::/\n");
             m.write("/sys/fs/cgroup/freezer/box/freezer.state", "FROZEN\n");
         }},
        {worker_of_dead_daemon,
         [](FakeMachine& m) { m.add({.pid = 42, .environment = tag_of_worker()}); }},
        {leftovers_of_dead_daemon,
         [](FakeMachine& m) {
             m.write(fmt::format("/state/run/{}/record", kDaemonId),
                     fmt::format("daemon {}\npids {}\nprocess 4000000 17\n", kDaemonId,
                                 io::pid_space()));
         }},
    };
}

std::vector<Planted> planted_in_configuration() {
    using enum FindingKind;
    const std::string lead = "[models.a]\ncommand = [\"/bin/a\"]\n";
    return {
        {configuration_missing, [](FakeMachine& m) { m.view.is_configuration_given = true; }},
        {configuration_invalid, gpu_and("[daemon]\nlisten = 17\n" + lead)},
        {configuration_notice, gpu_and(lead + "interpreter = \"python3\"\n")},
        {pinned_too_large,
         gpu_and(lead + "need = \"16GiB\"\npinned = true\n[models.b]\ncommand = [\"/bin/b\"]\n"
                        "need = \"16GiB\"\npinned = true\n")},
        {models_take_turns,
         gpu_and(lead +
                 "need = \"16GiB\"\n[models.b]\ncommand = [\"/bin/b\"]\nneed = \"16GiB\"\n")},
        {need_too_large, gpu_and(lead + "need = \"40GiB\"\n")},
        {headroom_too_large, gpu_and("[devices]\nheadroom = \"30GiB\"\n" + lead)},
        {device_not_there, gpu_and(lead + "devices = [\"GPU-2\"]\n")},
        {program_missing,
         [lead](FakeMachine& m) {
             m.configure(lead);
             m.view.may = [](const std::string& path, int) { return path != "/bin/a"; };
         }},
        {interpreter_missing,
         [](FakeMachine& m) {
             m.configure(python_model());
             m.view.may = [](const std::string& path, int) { return !path.ends_with("/python3"); };
         }},
        {interpreter_broken, python_says("python3: error while loading shared libraries\n")},
        {interpreter_old, python_says("windlass-doctor\tversion\t3.6.9\nwindlass-doctor\tdone\n")},
        {import_fails, python_says(kVersion + "windlass-doctor\tfails\tModuleNotFoundError: x\n"
                                              "windlass-doctor\tdone\n"s)},
        {import_slow, python_says(kVersion, false)},
        {hook_missing, python_says(kVersion + "windlass-doctor\tlacks\trun\n"
                                              "windlass-doctor\tdone\n"s)},
        {torch_without_gpu,
         [](FakeMachine& m) {
             m.configure(python_model());
             m.write("/proc/driver/nvidia/version", "");
             m.tell_python(kVersion +
                           "windlass-doctor\ttorch\t2.6.0+cpu\nwindlass-doctor\tdone\n"s);
         }},
    };
}

TEST_CASE("[A5.5] a healthy machine has no findings, with and without a GPU") {
    FakeMachine machine;
    for (const bool has_gpu : {false, true}) {
        if (has_gpu) machine.add_gpu();
        machine.configure("[models.a]\ncommand = [\"/bin/a\"]\nneed = \"4GiB\"\n" +
                          python_model("need = \"4GiB\"\n"));
        add_worker(machine);
        for (const DoctorCheck& check : doctor_checks()) {
            CAPTURE(check.name);
            const Report report = machine.examine(check.name);
            for (const Finding& finding : report.findings()) {
                FAIL_CHECK(row_of(finding.kind).id << ": " << finding.evidence);
            }
        }
    }
}

TEST_CASE("[A5.10] [R23] each planted problem is found, and nothing else") {
    std::set<FindingKind> planted;
    for (const auto& several : {planted_in_drivers(), planted_in_machine(), planted_in_processes(),
                                planted_in_configuration(), planted_in_disk()}) {
        for (const Planted& problem : several) {
            const FindingRow& row = row_of(problem.kind);
            CAPTURE(row.id);
            FakeMachine machine;
            problem.plant(machine);
            const Report report = machine.examine(row.check);
            CHECK_FALSE(report.findings().empty());
            for (const Finding& finding : report.findings()) {
                CHECK(row_of(finding.kind).id == row.id);
                CHECK_FALSE(finding.evidence.empty());
            }
            planted.insert(problem.kind);
        }
    }
    // Of the doctor itself and of daemons: tests/end_to_end/test_doctor.py.
    for (const FindingRow& row : finding_table()) {
        CAPTURE(row.id);
        CHECK(planted.contains(row.kind) == (row.check != "any" && row.check != "daemon"));
    }
}

}  // namespace windlass::cli::testing
