// Which rows there are, and their order.
#include "cli/top_rows.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "cli/body_text.h"

namespace windlass::cli {
namespace {

std::string lower(std::string_view text) {
    std::string result{text};
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

// What of a model is shown: itself, its workers, and what each of them runs and holds.
struct Family {
    const ModelState* model = nullptr;
    std::vector<const WorkerState*> workers = {};
};

class Builder {
  public:
    Builder(const TopLook& look, const RowWishes& wishes)
        : look_(look), wishes_(wishes), filter_(lower(wishes.filter)) {}

    std::vector<TopRow> build() {
        for (const std::string& trouble : look_.daemon.troubles) {
            rows_.push_back({.kind = RowKind::note, .text = one_line(trouble)});
        }
        for (const std::string& note : look_.devices.notes) {
            rows_.push_back({.kind = RowKind::note, .text = one_line(note)});
        }
        add_devices();
        add_models();
        add_waits();
        add_strangers();
        return std::move(rows_);
    }

  private:
    bool matches(std::initializer_list<std::string_view> texts) const {
        return std::ranges::any_of(
            texts, [&](std::string_view text) { return lower(text).contains(filter_); });
    }
    TopRow& add(RowKind kind, std::string id) {
        return rows_.emplace_back(TopRow{.kind = kind, .id = std::move(id)});
    }
    void add_heading(const char* text) {
        rows_.push_back({.kind = RowKind::heading, .text = text});
    }
    bool set_foldable(TopRow& row) const {
        row.can_fold = true;
        row.is_folded = wishes_.folded.contains(row.id);
        return !row.is_folded;
    }

    void add_devices() {
        add_heading("DEVICES");
        for (const DeviceState& device : look_.devices.devices) {
            TopRow& row = add(RowKind::device, "device " + device.uuid);
            row.device = &device;
            if (set_foldable(row)) {
                rows_.push_back({.kind = RowKind::device_detail, .device = &device});
            }
        }
    }

    // Whose rows are wanted. A model that matches comes with all its workers.
    std::vector<Family> families() const {
        std::vector<Family> families;
        for (const ModelState& model : look_.models) {
            Family family{.model = &model};
            const bool is_meant = matches({model.name, model.residency});
            for (const WorkerState& worker : look_.workers) {
                if (worker.model == model.name && (is_meant || is_meant_by_filter(worker))) {
                    family.workers.push_back(&worker);
                }
            }
            if (is_meant || !family.workers.empty()) families.push_back(std::move(family));
        }
        return families;
    }
    bool is_meant_by_filter(const WorkerState& worker) const {
        return matches({worker.device, device_label(look_, worker.device), worker.state,
                        fmt::format("{}", worker.pid)}) ||
               std::ranges::any_of(worker.running,
                                   [&](const std::string& run) { return matches({run}); });
    }

    void add_models() {
        add_heading("MODELS");
        std::vector<Family> all = families();
        for (Family& family : all) {
            std::ranges::stable_sort(family.workers, {}, [&](const WorkerState* worker) {
                return key_of(worker->memory, worker->device, worker->since_s);
            });
        }
        std::ranges::stable_sort(all, {}, [&](const Family& family) {
            const WorkerState* const first = family.workers.empty() ? nullptr : family.workers[0];
            return std::pair{key_of(family.model->memory, first ? first->device : "~",
                                    first ? first->since_s : -1),
                             std::string_view{family.model->name}};
        });
        for (const Family& family : all) add_family(family);
    }

    // Smaller is earlier. By name: as the daemon lists them.
    std::tuple<double, std::string> key_of(const MemoryState& memory, const std::string& device,
                                           double age) const {
        switch (wishes_.sort) {
            case TopSort::memory: return {-static_cast<double>(memory.used.now.value_or(0)), ""};
            case TopSort::model: return {0, ""};
            case TopSort::device: return {0, device_label(look_, device)};
            case TopSort::age: return {-age, ""};
        }
        return {};
    }

    void add_family(const Family& family) {
        TopRow& row = add(RowKind::model, "model " + family.model->name);
        row.model = family.model;
        if (family.workers.empty() || !set_foldable(row)) return;
        for (const WorkerState* worker : family.workers) add_worker(*worker);
    }

    void add_worker(const WorkerState& worker) {
        TopRow& row = add(RowKind::worker, fmt::format("worker {}", worker.id));
        row.worker = &worker;
        std::vector<const HolderState*> others;  // its own process stands for itself
        for (const DeviceState& device : look_.devices.devices) {
            if (device.uuid != worker.device) continue;
            for (const HolderState& holder : device.holders) {
                if (holder.generation == worker.id && holder.pid != worker.pid) {
                    others.push_back(&holder);
                }
            }
        }
        if ((worker.runs.empty() && others.empty()) || !set_foldable(row)) return;
        for (const RunState& run : worker.runs) {
            TopRow& shown = add(RowKind::run, "run " + run.request);
            shown.run = &run;
            shown.worker = &worker;
        }
        for (const HolderState* holder : others) {
            TopRow& shown = add(RowKind::process, fmt::format("process {}", holder->pid));
            shown.holder = holder;
            shown.worker = &worker;
        }
    }

    // Whoever is served first, first: by priority, then by age.
    void add_waits() {
        struct Wait {
            const ModelState* model;
            const WaitingState* wait;
        };
        std::vector<Wait> waits;
        for (const ModelState& model : look_.models) {
            for (const WaitingState& wait : model.waiting_requests) {
                if (matches({model.name, wait.request_id, wait.reason})) {
                    waits.push_back({&model, &wait});
                }
            }
        }
        if (waits.empty()) return;
        std::ranges::stable_sort(waits, {}, [](const Wait& wait) {
            return std::pair{wait.wait->priority, -wait.wait->waited_ms};
        });
        add_heading("WAITS");
        for (const Wait& wait : waits) {
            TopRow& row = add(RowKind::wait, "wait " + wait.wait->request_id);
            row.model = wait.model;
            row.wait = wait.wait;
        }
    }

    void add_strangers() {
        bool is_first = true;
        for (const DeviceState& device : look_.devices.devices) {
            for (const HolderState& holder : device.holders) {
                if (!holder.model.empty()) continue;
                if (!matches({holder.name, device_label(look_, device.uuid),
                              fmt::format("{}", holder.pid)})) {
                    continue;
                }
                if (std::exchange(is_first, false)) add_heading("STRANGERS");
                TopRow& row =
                    add(RowKind::stranger, fmt::format("stranger {} {}", holder.pid, device.uuid));
                row.device = &device;
                row.holder = &holder;
            }
        }
    }

    const TopLook& look_;
    const RowWishes& wishes_;
    const std::string filter_;
    std::vector<TopRow> rows_;
};

}  // namespace

std::string_view to_text(TopSort sort) {
    switch (sort) {
        case TopSort::memory: return "memory";
        case TopSort::model: return "model";
        case TopSort::device: return "device";
        case TopSort::age: return "age";
    }
    return "";
}

std::vector<TopRow> rows_of(const TopLook& look, const RowWishes& wishes) {
    return Builder{look, wishes}.build();
}

std::string device_label(const TopLook& look, const std::string& uuid) {
    if (uuid.empty()) return "-";
    std::size_t number = 0;
    for (const DeviceState& device : look.devices.devices) {
        if (device.kind == "cpu") {
            if (device.uuid == uuid) return "cpu";
            continue;
        }
        if (device.uuid == uuid) return fmt::format("gpu{}", number);
        ++number;
    }
    return one_line(uuid);
}

}  // namespace windlass::cli
