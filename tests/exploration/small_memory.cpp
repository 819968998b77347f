// How the memory of a small world comes and goes.
#include "exploration/small_memory.h"

#include <algorithm>
#include <utility>

namespace windlass::exploration {
namespace {

constexpr DeviceId kFirst{1};

}  // namespace

SmallMemory::SmallMemory(std::shared_ptr<const MemoryOptions> options)
    : options_(std::move(options)), devices_(world::true_memory(options_->devices)) {}

void SmallMemory::add_moves(std::vector<Move>& moves, const core::Engine& engine) const {
    for (const auto& [id, device] : devices_) {
        for (const auto& [generation, left] : device.left) {
            moves.push_back(due({{.what = "its memory comes back", .worker = generation},
                                 {},
                                 Deed::memory_returns}));
        }
        const core::Device& known = engine.devices().device(id);
        if (!known.is_asked || device.is_lost) continue;
        const Measured now = measure(device);
        moves.push_back(due({{.what = "answers", .device = id}, answer(id, known, now)}));
        if (asked_.at(id) != now) {
            moves.push_back({{.what = "answers as it was", .device = id},
                             answer(id, known, asked_.at(id)),
                             Deed::answers_late});
        }
        if (options_->has_silence) {
            moves.push_back(
                {{.what = "says nothing", .device = id}, core::DeviceSilent{id, known.sequence}});
        }
    }
    const bool can_take =
        stranger_step_ == 0 && options_->stranger > Bytes{} && has_room(kFirst, options_->stranger);
    if (can_take) moves.push_back({{"a stranger takes memory"}, {}, Deed::stranger_takes});
    if (stranger_step_ == 1) {
        moves.push_back(due({{"the stranger gives it back"}, {}, Deed::stranger_gives}));
    }
    if (options_->has_loss && loss_step_ == 0) {
        moves.push_back({{.what = "is lost", .device = kFirst}, core::DeviceLost{kFirst}});
    }
    if (loss_step_ == 1) {
        moves.push_back(due({{.what = "is found", .device = kFirst},
                             core::DeviceFound{kFirst, devices_.at(kFirst).spec}}));
    }
}

bool SmallMemory::may_stay(Generation generation) const {
    return options_->has_leftovers && std::ranges::any_of(devices_, [&](const auto& device) {
               return device.second.own.contains(generation);
           });
}

bool SmallMemory::has_room(DeviceId id, Bytes bytes) const {
    const world::TrueDevice& device = devices_.at(id);
    return !device.spec.capacity || device.used({}) + bytes <= *device.spec.capacity;
}

void SmallMemory::perform(const Move& move, const core::Engine& engine) {
    if (move.deed == Deed::stranger_takes) devices_.at(kFirst).set_foreign(options_->stranger);
    if (move.deed == Deed::stranger_gives) devices_.at(kFirst).set_foreign({});
    if (move.deed == Deed::stranger_takes || move.deed == Deed::stranger_gives) ++stranger_step_;
    for (auto& [id, device] : devices_) {
        if (move.deed == Deed::memory_returns) device.left.erase(move.name.worker);
    }
    if (!move.event) return;
    if (const auto* exited = std::get_if<core::WorkerExited>(&*move.event)) {
        end(engine, exited->generation, move.deed == Deed::memory_stays);
    }
    if (const auto* sampled = std::get_if<core::DeviceSampled>(&*move.event)) {
        world::TrueDevice& device = devices_.at(sampled->device);
        const bool is_late = move.deed == Deed::answers_late;
        const Measured measured = is_late ? asked_.at(sampled->device) : measure(device);
        device.on_answer(engine, sampled->device, measured.clean_foreign, sampled->own_known);
    }
    if (std::holds_alternative<core::DeviceLost>(*move.event)) {
        loss_step_ = 1;
        devices_.at(kFirst).is_lost = true;
    }
    if (std::holds_alternative<core::DeviceFound>(*move.event)) {
        loss_step_ = 2;
        devices_.at(kFirst).is_lost = false;
    }
}

void SmallMemory::take(DeviceId id, Generation generation, Bytes bytes) {
    if (bytes > Bytes{}) devices_.at(id).own[generation] = bytes;
}

void SmallMemory::end(const core::Engine& engine, Generation generation, bool stays) {
    for (auto& [id, device] : devices_)
        device.end(engine, id, generation, stays ? Instant::max() : Instant{});
}

void SmallMemory::note_question(const core::SampleDevice& question) {
    asked_[question.device] = measure(devices_.at(question.device));
}

std::vector<core::Event> SmallMemory::heal(const core::Engine& engine) {
    std::vector<core::Event> news;
    for (auto& [id, device] : devices_) {
        device.set_foreign({});
        device.left.clear();
        device.is_lost = false;
        const bool was_lost = engine.devices().device(id).is_lost;
        if (was_lost) news.emplace_back(core::DeviceFound{id, device.spec});
    }
    return news;
}

std::vector<core::Event> SmallMemory::answers(const core::Engine& engine) const {
    std::vector<core::Event> events;
    for (const auto& [id, device] : devices_) {
        const core::Device& known = engine.devices().device(id);
        if (known.is_asked && !device.is_lost)
            events.emplace_back(answer(id, known, measure(device)));
    }
    return events;
}

SmallMemory::Measured SmallMemory::measure(const world::TrueDevice& device) const {
    Measured measured{.used = device.used({}), .own = {}, .clean_foreign = {}};
    for (const auto& [generation, bytes] : device.own) measured.own.push_back({generation, bytes});
    if (device.left.empty()) measured.clean_foreign = device.foreign;
    return measured;
}

core::DeviceSampled SmallMemory::answer(DeviceId id, const core::Device& asked,
                                        const Measured& measured) {
    return {.device = id,
            .sequence = asked.sequence,
            .used = measured.used,
            .own = measured.own,
            .own_known = true};
}

void SmallMemory::encode(core::StateEncoder& encoder, const core::Engine& engine) const {
    encoder.number(static_cast<std::uint64_t>(stranger_step_ << 2 | loss_step_));
    const auto encode_own = [&](Generation generation, Bytes bytes) {
        encoder.generation(generation);
        encoder.number(bytes.count());
    };
    for (const auto& [id, device] : devices_) {
        if (!device.spec.is_measured) continue;
        encoder.number(device.foreign.count());
        encoder.number(device.given_back.count());
        encoder.number(device.own.size() << 8 | device.left.size());
        for (const auto& [generation, bytes] : device.own) encode_own(generation, bytes);
        for (const auto& [generation, left] : device.left) {
            encode_own(generation, left.bytes);
            encoder.number(left.claimed.count());
        }
        if (!engine.devices().device(id).is_asked) continue;
        const Measured& asked = asked_.at(id);
        const bool is_same = asked == measure(device);
        encoder.number(is_same ? 1 : 0);
        if (is_same) continue;
        encoder.number(asked.used.count());
        encoder.number(asked.clean_foreign ? asked.clean_foreign->count() + 1 : 0);
        for (const core::OwnMemory& own : asked.own) encode_own(own.generation, own.bytes);
    }
}

}  // namespace windlass::exploration
