// The rows of `windlass top`, in their order: devices, models with their workers, what waits, and
// strangers. Knows neither widths nor a terminal.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/top_look.h"

namespace windlass::cli {

enum class TopSort : std::uint8_t { memory, model, device, age };

std::string_view to_text(TopSort sort);

enum class RowKind : std::uint8_t {
    heading,  // of a part; cannot be chosen
    device,
    device_detail,
    model,
    worker,
    run,
    process,  // of a worker, with device memory
    wait,
    stranger,  // a process with device memory that is nobody's worker
    note,
};
// Pointers are into the look that they are made of.
struct TopRow {
    RowKind kind = RowKind::note;
    std::string id = {};  // the same in the next look; empty: it cannot be chosen
    std::string text = {};
    bool can_fold = false;
    bool is_folded = false;
    const DeviceState* device = nullptr;
    const ModelState* model = nullptr;
    const WorkerState* worker = nullptr;
    const RunState* run = nullptr;
    const HolderState* holder = nullptr;
    const WaitingState* wait = nullptr;
};

struct RowWishes {
    TopSort sort = TopSort::memory;
    const std::string& filter;            // in any case; empty: everything
    const std::set<std::string>& folded;  // ids
};
std::vector<TopRow> rows_of(const TopLook& look, const RowWishes& wishes);

// "gpu0", "gpu1", ..., "cpu"; that of an unknown device is its UUID, of none "-".
std::string device_label(const TopLook& look, const std::string& uuid);

}  // namespace windlass::cli
