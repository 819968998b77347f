// Makes an emulated node, or chooses the emptiest real device.
#include "cli/drill_device.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "cli/drill_observer.h"
#include "daemon/emulation.h"
#include "emulator/node.h"

namespace windlass::cli::drill {

using base::Bytes;
using base::Errc;
using base::Result;
using base::operator""_MiB;
using base::operator""_GiB;

struct DrillDevice::Node {
    std::unique_ptr<daemon::Emulation> emulation;
    emulator::Node ledger;
};

namespace {

constexpr Bytes kEmulatedMax{std::uint64_t{1} << 44};  // of one device, 16 TiB

Result<std::string> program_path() {
    std::error_code failed;
    const auto path = std::filesystem::read_symlink("/proc/self/exe", failed);
    if (failed) return base::fail(Errc::internal, "/proc/self/exe cannot be read");
    return path.string();
}

Result<DeviceOffer> choose(Stage& stage, const Variables& environment, Bytes most) {
    const auto offers = WL_TRY(find_devices(stage, environment));
    const DeviceOffer& offer = offers.front();
    if (offer.free >= most + headroom()) return offer;
    return base::fail(
        Errc::out_of_memory,
        fmt::format("the drill would take up to {} beside a headroom of {}, and the emptiest "
                    "device, {}, has {} free; it takes nothing away from others: choose smaller "
                    "--model-size or fewer --clients, or leave out --real",
                    base::to_text(most), base::to_text(headroom()), offer.uuid,
                    base::to_text(offer.free)));
}

}  // namespace

Bytes context_guess(bool is_real) { return is_real ? 1_GiB : 450_MiB; }

Bytes headroom() { return 512_MiB; }

DrillDevice::DrillDevice() = default;
DrillDevice::~DrillDevice() = default;

Result<std::unique_ptr<DrillDevice>> DrillDevice::make(Stage& stage, const DeviceWish& wish) {
    std::unique_ptr<DrillDevice> device{new DrillDevice};
    device->environment_ = own_environment();
    if (wish.is_real) {
        const DeviceOffer offer = WL_TRY(choose(stage, device->environment_, wish.most));
        device->uuid_ = offer.uuid;
        device->description_ =
            fmt::format("{} ({}, {} free)", offer.uuid, offer.name, base::to_text(offer.free));
        return device;
    }
    const Bytes capacity = wish.most + headroom() + 1_GiB;
    if (capacity > kEmulatedMax) {
        return base::fail(Errc::invalid_input,
                          fmt::format("{} are more than an emulated device may have; choose "
                                      "smaller --model-size or fewer --clients",
                                      base::to_text(wish.most)));
    }
    const std::string specification = fmt::format("1x{}B", capacity.count());
    auto emulation =
        WL_TRY(daemon::Emulation::make(stage.folder(), specification, WL_TRY(program_path())));
    auto ledger = WL_TRY(emulator::Node::open(stage.folder() + "/emulator"));
    emulation->driver().add_to(device->environment_, {});
    device->uuid_ = emulator::device_uuid(0);
    device->description_ =
        fmt::format("an emulated device of its own ({})", base::to_text(capacity));
    device->node_.reset(new Node{std::move(emulation), std::move(ledger)});
    return device;
}

Variables DrillDevice::bare_environment() const {
    Variables variables = environment_;
    variables["CUDA_VISIBLE_DEVICES"] = uuid_;
    return variables;
}

std::optional<Bytes> DrillDevice::ledger_used() const {
    if (!node_) return std::nullopt;
    return node_->ledger.truth(0).used;
}

Bytes DrillDevice::ledger_bytes(int pid) const {
    WL_ASSERT(node_ != nullptr);
    const auto processes = node_->ledger.truth(0).processes;
    const auto found = std::ranges::find(processes, pid, &emulator::DeviceTruth::Process::pid);
    return found == processes.end() ? Bytes{} : found->bytes;
}

void DrillDevice::set_fault(emulator::Fault fault, std::uint64_t value) const {
    WL_ASSERT(node_ != nullptr);
    node_->ledger.set_fault(0, fault, value);
}

}  // namespace windlass::cli::drill
