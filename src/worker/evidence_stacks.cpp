// dwfl_linux_proc_attach and its frames (elfutils 0.188, libdwfl.h).
#include "worker/evidence_stacks.h"

#include <elfutils/libdwfl.h>
#include <fmt/core.h>

#include <memory>

#include "worker/evidence_lines.h"

namespace windlass::worker {
namespace {

constexpr int kNameMax = 512;  // characters; names of templates have no limit of their own

struct EndDwfl {
    void operator()(Dwfl* dwfl) const { ::dwfl_end(dwfl); }
};

// No search for separate debug information: that would read much, and ask servers.
int find_no_debuginfo(Dwfl_Module*, void**, const char*, Dwarf_Addr, const char*, const char*,
                      GElf_Word, char**) {
    return -1;
}

struct Walk {
    Dwfl* dwfl = nullptr;
    pid_t thread = 0;
    std::size_t count = 0;
    const StackHandlers* handlers = nullptr;
};

std::string describe_frame(Dwfl* dwfl, Dwarf_Addr address, bool is_activation) {
    // A return address may be the first of the next function.
    const Dwarf_Addr within = is_activation ? address : address - 1;
    Dwfl_Module* const module = ::dwfl_addrmodule(dwfl, within);
    if (module == nullptr) return fmt::format("{:#x}", address);
    GElf_Off offset = 0;
    GElf_Sym symbol;
    const char* const name =
        ::dwfl_module_addrinfo(module, within, &offset, &symbol, nullptr, nullptr, nullptr);
    const char* const path =
        ::dwfl_module_info(module, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
    std::string_view file = path == nullptr ? "?" : path;
    file.remove_prefix(file.rfind('/') + 1);
    if (name == nullptr) return fmt::format("{:#x} ({})", address, file);
    return fmt::format("{:#x} {:.{}}+{:#x} ({})", address, name, kNameMax, offset, file);
}

int on_frame(Dwfl_Frame* frame, void* argument) {
    Walk& walk = *static_cast<Walk*>(argument);
    Dwarf_Addr address = 0;
    bool is_activation = false;
    if (!::dwfl_frame_pc(frame, &address, &is_activation)) return DWARF_CB_ABORT;
    walk.handlers->on_frame(walk.thread, describe_frame(walk.dwfl, address, is_activation));
    return ++walk.count < kFramesMax ? DWARF_CB_OK : DWARF_CB_ABORT;
}

const char* last_error() { return ::dwfl_errmsg(-1); }

}  // namespace

void read_native_stacks(pid_t process, const std::vector<pid_t>& threads,
                        const StackHandlers& handlers) {
    static const Dwfl_Callbacks kCallbacks = {.find_elf = ::dwfl_linux_proc_find_elf,
                                              .find_debuginfo = find_no_debuginfo,
                                              .section_address = nullptr,
                                              .debuginfo_path = nullptr};
    const std::unique_ptr<Dwfl, EndDwfl> dwfl{::dwfl_begin(&kCallbacks)};
    const auto fails = [&](int outcome) {
        if (outcome == 0) return false;
        // Positive: an errno. Negative: an error of libdw.
        handlers.on_missing(fmt::format("native stacks of process {}: {}", process,
                                        outcome > 0 ? "not permitted or gone" : last_error()));
        return true;
    };
    if (!dwfl || fails(::dwfl_linux_proc_report(dwfl.get(), process))) return;
    if (fails(::dwfl_report_end(dwfl.get(), nullptr, nullptr))) return;
    if (fails(::dwfl_linux_proc_attach(dwfl.get(), process, false))) return;
    for (const pid_t thread : threads) {
        Walk walk{.dwfl = dwfl.get(), .thread = thread, .count = 0, .handlers = &handlers};
        const int outcome = ::dwfl_getthread_frames(dwfl.get(), thread, on_frame, &walk);
        if (walk.count > 0 || outcome == 0) continue;
        handlers.on_missing(fmt::format("native stack of thread {}: {}", thread, last_error()));
    }
}

}  // namespace windlass::worker
