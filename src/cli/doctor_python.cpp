// Whether each model's Python can import it. The model's own code runs there, in a process that is
// killed at a limit; `load` is not called.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "cli/body_text.h"
#include "cli/doctor_checks.h"
#include "daemon/translate.h"

namespace windlass::cli {
namespace {

using namespace std::chrono_literals;
using daemon::ModelConfiguration;

constexpr base::Duration kImportLimit = 30s;
constexpr std::string_view kMark = "windlass-doctor\t";

// In words that Python 2 reads as well, to tell that it is too old.
constexpr const char* kScript = R"(
import sys
def say(*words):
    text = "\t".join(words).replace("\n", " ")
    sys.stdout.write("\nwindlass-doctor\t" + text + "\n")
say("version", "%d.%d.%d" % sys.version_info[:3])
if sys.version_info >= (3, 9):
    import importlib
    module, _, name = sys.argv[1].partition(":")
    try:
        found = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        importlib.import_module("windlass")
        if isinstance(found, type) and not hasattr(found, "__getattr__"):
            for hook in ("load", "run"):
                if not callable(getattr(found, hook, None)):
                    say("lacks", hook)
        torch = sys.modules.get("torch")
        version = getattr(torch, "version", None)
        makers = [getattr(version, maker, None) for maker in ("cuda", "hip")]
        if version is not None and not any(makers):
            say("torch", str(getattr(torch, "__version__", "?")))
    except BaseException as error:
        say("fails", "%s: %s" % (type(error).__name__, error))
say("done")
sys.stdout.flush()
import os
os._exit(0)
)";

struct Told {
    std::string version;
    std::string failure;
    std::string torch;  // without GPUs
    std::vector<std::string> lacking;
    bool is_done = false;
};

Told read_told(const std::string& output) {
    Told told;
    for (std::string_view line : lines_of(output)) {
        if (!line.starts_with(kMark)) continue;
        line.remove_prefix(kMark.size());
        const std::size_t tab = std::min(line.find('\t'), line.size());
        const std::string_view word = line.substr(0, tab);
        const std::string value = one_line(line.substr(std::min(tab + 1, line.size())));
        if (word == "version") told.version = value;
        if (word == "fails") told.failure = value;
        if (word == "torch") told.torch = value;
        if (word == "lacks") told.lacking.push_back(value);
        if (word == "done") told.is_done = true;
    }
    return told;
}

// 3.9 is what the package asks for (python/pyproject.toml).
bool is_old(const std::string& version) {
    return version.starts_with("2.") || (version.starts_with("3.") && version.size() > 3 &&
                                         version[3] == '.' && version[2] < '9');
}

// Where this program's own package lies, as the daemon finds it.
std::string find_package() {
    std::error_code failed;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", failed);
    return failed ? std::string{} : daemon::find_python_package(program.string());
}

ProgramOrder order_for(const DoctorView& view, const ModelConfiguration& model) {
    const auto launch =
        daemon::to_launch_order(model, core::Generation{1}, find_package(), view.environment);
    std::map<std::string, std::string> table{view.environment.begin(), view.environment.end()};
    for (const auto& [name, value] : launch.environment) table[name] = value;
    ProgramOrder order{.argv = {model.interpreter, "-c", kScript, model.python},
                       .environment = {},
                       .limit = std::min({kImportLimit, model.start_timeout, view.limit / 2})};
    for (const auto& [name, value] : table) {
        order.environment.push_back(fmt::format("{}={}", name, value));
    }
    return order;
}

std::string last_line(const std::string& output) {
    const auto lines = lines_of(output);
    const auto found = std::find_if(lines.rbegin(), lines.rend(), [](std::string_view line) {
        return !line.empty() && !line.starts_with(kMark);
    });
    return found == lines.rend() ? "it said nothing" : one_line(*found);
}

bool has_gpu_driver(const DoctorView& view) {
    return exists(view, "/proc/driver/nvidia/version") || exists(view, "/dev/kfd");
}

void look_at_model(const DoctorView& view, const ModelConfiguration& model, Report& report) {
    const std::string who =
        fmt::format("{} ({}, {})", model.name, model.python, one_line(model.interpreter));
    if (!find_program(view, model.interpreter, model.env)) {
        return report.add(FindingKind::interpreter_missing, who);
    }
    const ProgramOrder order = order_for(view, model);
    const ProgramOutcome outcome = view.run(order);
    const Told told = read_told(outcome.output);
    if (!told.version.empty()) {
        report.tell(fmt::format("python.{}", model.name), told.version);
    }
    if (is_old(told.version)) {
        return report.add(FindingKind::interpreter_old, fmt::format("{} is {}", who, told.version));
    }
    if (!outcome.is_over) {
        return report.add(FindingKind::import_slow,
                          fmt::format("{}: not over after {}", who, base::to_text(order.limit)));
    }
    if (told.version.empty()) {
        return report.add(FindingKind::interpreter_broken,
                          fmt::format("{}: {}", who, last_line(outcome.output)));
    }
    if (!told.failure.empty() || !told.is_done) {
        return report.add(FindingKind::import_fails,
                          fmt::format("{}: {}", who,
                                      told.failure.empty() ? "the import ended the process: " +
                                                                 last_line(outcome.output)
                                                           : told.failure));
    }
    for (const std::string& hook : told.lacking) {
        report.add(FindingKind::hook_missing, fmt::format("{} has no {}()", who, hook));
    }
    const bool is_for_gpu = model.devices != daemon::DeviceChoice::cpu && has_gpu_driver(view);
    if (!told.torch.empty() && is_for_gpu) {
        report.add(FindingKind::torch_without_gpu, fmt::format("{}: PyTorch {}", who, told.torch));
    }
}

}  // namespace

void check_python(const DoctorView& view, Report& report) {
    const Plan plan = read_plan(view);
    const auto began = view.clocks().steady;
    std::size_t left = 0;
    for (const ModelConfiguration& model : plan.configuration.models) {
        if (model.python.empty() || !model.variant.empty()) continue;
        if (view.clocks().steady - began > view.limit / 3) {
            ++left;
        } else {
            look_at_model(view, model, report);
        }
    }
    if (left > 0) report.tell("python.not_tried", fmt::format("{} models, for want of time", left));
}

}  // namespace windlass::cli
