// A small exact search: models and devices are few.
#include "daemon/room_check.h"

#include <fmt/core.h>

#include <algorithm>
#include <span>
#include <tuple>
#include <utility>

#include "core/device_ledger.h"
#include "core/placement.h"
#include "daemon/translate.h"

namespace windlass::daemon {
namespace {

constexpr std::size_t kCrowdsTold = 10;
constexpr std::size_t kDevicesTold = 4;
constexpr std::size_t kStepsMax = 20'000;  // of one search; some ms

struct Room {  // of a device that nobody uses
    const core::DeviceSpec* device = nullptr;
    core::DeviceLedger ledger;
};

// A model, and what a copy of it takes of each device; empty: it may not go there, or never fits.
struct Guest {
    const ModelConfiguration* model = nullptr;
    std::vector<std::optional<Bytes>> needs;
    std::size_t copies = 1;
    bool is_alone = false;  // need = "all"
};

// As Devices::is_eligible() has it.
bool may_use(const core::DeviceChoice& choice, const core::DeviceSpec& device, bool has_gpu) {
    const bool is_gpu = device.kind == core::DeviceKind::gpu;
    if (choice.is_cpu) return !is_gpu;
    if (!choice.uuids.empty()) return std::ranges::count(choice.uuids, device.uuid) > 0;
    return is_gpu || (!has_gpu && device.stands_in);
}

// How many copies the devices could hold if there was no other model.
std::size_t count_places(const Guest& guest, std::span<const Room> rooms) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < rooms.size(); ++i) {
        const std::optional<Bytes> need = guest.needs[i];
        if (!need) continue;
        const std::uint64_t each = std::max<std::uint64_t>(need->count(), 1);
        count += guest.is_alone ? 1 : rooms[i].ledger.usable().value_or(Bytes{}).count() / each;
    }
    return count;
}

// Empty: nothing can be said of it.
std::optional<Guest> make_guest(const ModelConfiguration& model, std::span<const Room> rooms) {
    const core::ModelSpec spec = to_spec(model);
    if (spec.need.kind == core::NeedKind::unknown) return std::nullopt;
    const bool has_gpu = std::ranges::any_of(
        rooms, [](const Room& room) { return room.device->kind == core::DeviceKind::gpu; });
    Guest guest{.model = &model,
                .needs = std::vector<std::optional<Bytes>>(rooms.size()),
                .is_alone = spec.need.kind == core::NeedKind::all};
    std::size_t known = 0;
    for (std::size_t i = 0; i < rooms.size(); ++i) {
        if (!may_use(spec.devices, *rooms[i].device, has_gpu)) continue;
        const std::optional<Bytes> usable = rooms[i].ledger.usable();
        if (!usable) return std::nullopt;
        ++known;
        const Bytes need = core::required_on(spec.need, rooms[i].ledger).value_or(*usable);
        if (need <= *usable) guest.needs[i] = need;
    }
    if (known < spec.devices.uuids.size()) return std::nullopt;  // one of them is not there
    const std::size_t places = count_places(guest, rooms);
    if (places == 0) return std::nullopt;  // not even by itself, which its first request is told
    const std::size_t wanted = model.pinned ? model.copies.value_or(1) : 1;
    guest.copies = std::min(wanted, places);
    return guest;
}

// A sum that stays at the most that there can be.
std::uint64_t plus(std::uint64_t a, std::uint64_t b) { return a + std::min(b, UINT64_MAX - a); }

// Tries to put all copies of all guests somewhere.
class Packing {
  public:
    Packing(std::span<const Guest* const> guests, std::span<const Room> rooms) {
        for (std::size_t i = 0; i < rooms.size(); ++i) {
            const bool is_used = std::ranges::any_of(
                guests, [i](const Guest* guest) { return guest->needs[i].has_value(); });
            const Bytes usable = rooms[i].ledger.usable().value_or(Bytes{});
            spaces_.push_back({.kind = i, .left = is_used ? usable : Bytes{}});
            for (std::size_t j = i; j-- > 0;) {
                if (are_alike(j, i, guests)) spaces_[i].kind = j;
            }
        }
        for (const Guest* guest : guests) copies_.insert(copies_.end(), guest->copies, guest);
        // The big ones first: of them it shows soon that they do not fit.
        std::ranges::stable_sort(copies_, std::ranges::greater{}, least_of);
        rest_.resize(copies_.size() + 1);
        for (std::size_t i = copies_.size(); i-- > 0;) {
            rest_[i] = plus(rest_[i + 1], least_of(copies_[i]).count());
        }
    }

    bool fits() { return place(0, 0) || steps_ > kStepsMax; }

  private:
    struct Space {
        std::size_t kind = 0;  // the first device that is like this one for everybody
        Bytes left;
        std::size_t copies = 0;
        bool is_closed = false;  // who is there is alone

        friend bool operator==(const Space&, const Space&) = default;
    };

    bool are_alike(std::size_t i, std::size_t j, std::span<const Guest* const> guests) const {
        return spaces_[i].left == spaces_[j].left &&
               std::ranges::all_of(
                   guests, [&](const Guest* guest) { return guest->needs[i] == guest->needs[j]; });
    }

    static bool are_alike(const Guest& a, const Guest& b) {
        return a.needs == b.needs && a.is_alone == b.is_alone;
    }

    static Bytes least_of(const Guest* guest) {
        std::optional<Bytes> least;
        for (const auto& need : guest->needs) {
            if (need) least = std::min(least.value_or(*need), *need);
        }
        return least.value_or(Bytes{});
    }

    // The copies from `index` on take more than is left, or those that are like this one do.
    bool is_hopeless(std::size_t index) const {
        const Guest& guest = *copies_[index];
        std::uint64_t left = 0;
        std::uint64_t places = 0;
        for (std::size_t i = 0; i < spaces_.size(); ++i) {
            left = plus(left, spaces_[i].left.count());
            const std::optional<Bytes> need = guest.needs[i];
            if (!need) continue;
            const std::uint64_t each = std::max<std::uint64_t>(need->count(), 1);
            places = plus(places, spaces_[i].left.count() / each);
        }
        const auto same =
            std::ranges::count_if(std::span{copies_}.subspan(index),
                                  [&](const Guest* other) { return are_alike(*other, guest); });
        return rest_[index] > left || std::cmp_greater(same, places);
    }

    struct Place {
        std::size_t index;  // of the device
        Bytes left;         // there, once it is taken
    };

    // On the devices from `first` on that have room, the tightest first; of those that are alike
    // now, the first stands for all.
    std::vector<Place> find_places(const Guest& guest, std::size_t first) const {
        std::vector<Place> places;
        for (std::size_t i = first; i < spaces_.size(); ++i) {
            const Space& space = spaces_[i];
            const std::optional<Bytes> need = guest.needs[i];
            if (!need || *need > space.left || space.is_closed) continue;
            if (guest.is_alone && space.copies > 0) continue;
            const bool is_new = std::ranges::none_of(
                places, [&](const Place& place) { return spaces_[place.index] == space; });
            if (is_new) places.push_back({i, space.left - *need});
        }
        std::ranges::stable_sort(places, {}, &Place::left);
        return places;
    }

    // Of copies that are alike, none goes to a device before that of the one before it.
    bool place(std::size_t index, std::size_t first) {
        if (index == copies_.size()) return true;
        if (++steps_ > kStepsMax || is_hopeless(index)) return false;
        const Guest& guest = *copies_[index];
        const bool is_last = index + 1 == copies_.size() || !are_alike(*copies_[index + 1], guest);
        for (const Place& found : find_places(guest, first)) {
            const Space before = spaces_[found.index];
            spaces_[found.index] = {before.kind, found.left, before.copies + 1, guest.is_alone};
            const bool is_placed = place(index + 1, is_last ? 0 : found.index);
            spaces_[found.index] = before;
            if (is_placed) return true;
        }
        return false;
    }

    std::vector<Space> spaces_;
    std::vector<const Guest*> copies_;
    std::vector<std::uint64_t> rest_;  // what those from each on take at least
    std::size_t steps_ = 0;
};

// The same for one copy of each, as there may be thousands of pairs.
bool fit_by_twos(const Guest& a, const Guest& b, std::span<const Room> rooms) {
    std::optional<std::size_t> of_a;
    std::optional<std::size_t> of_b;
    for (std::size_t i = 0; i < rooms.size(); ++i) {
        const auto& [need, other] = std::tie(a.needs[i], b.needs[i]);
        // Two devices are enough, if they are not the same one for both.
        if ((need && of_b) || (other && of_a)) return true;
        if (need) of_a = i;
        if (other) of_b = i;
        if (!need || !other || a.is_alone || b.is_alone) continue;
        if (*other <= rooms[i].ledger.usable().value_or(Bytes{}) - *need) return true;
    }
    return false;
}

class Judge {
  public:
    Judge(std::span<const Guest> guests, std::span<const Room> rooms)
        : guests_(guests), rooms_(rooms) {}

    RoomVerdict judge() {
        RoomVerdict verdict;
        for (std::size_t i = 0; i < guests_.size(); ++i) {
            for (std::size_t j = i + 1; j < guests_.size(); ++j) {
                note_pair(guests_[i], guests_[j], verdict);
            }
        }
        if (!verdict.impossible.empty()) return verdict;
        const std::vector<const Guest*> crowd = find_crowd();
        if (!crowd.empty()) verdict.impossible.push_back(describe(crowd));
        return verdict;
    }

  private:
    bool fits(std::span<const Guest* const> guests) const { return Packing{guests, rooms_}.fits(); }

    void note_pair(const Guest& a, const Guest& b, RoomVerdict& verdict) const {
        const std::vector<const Guest*> pair{&a, &b};
        const bool is_plain = a.copies == 1 && b.copies == 1;
        if (is_plain ? fit_by_twos(a, b, rooms_) : fits(pair)) return;
        const bool is_impossible = a.model->pinned && b.model->pinned;
        std::vector<Crowd>& crowds = is_impossible ? verdict.impossible : verdict.crowded;
        if (crowds.size() < kCrowdsTold) {
            crowds.push_back(describe(pair));
        } else if (!is_impossible) {
            ++verdict.untold;
        }
    }

    // Of pinned models that fit by twos, as few as do not fit together.
    std::vector<const Guest*> find_crowd() const {
        std::vector<const Guest*> crowd;
        for (const Guest& guest : guests_) {
            if (guest.model->pinned) crowd.push_back(&guest);
        }
        if (fits(crowd)) return {};
        for (std::size_t i = 0; i < crowd.size();) {
            std::vector<const Guest*> fewer = crowd;
            fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
            if (fits(fewer)) {
                ++i;
            } else {
                crowd = std::move(fewer);
            }
        }
        return crowd;
    }

    static std::string names_of(std::span<const Guest* const> guests) {
        std::string names;
        for (const Guest* guest : guests) {
            const bool is_last = guest == guests.back();
            names += (names.empty() ? "" : is_last ? " and " : ", ") + guest->model->name;
        }
        return names;
    }

    // "a needs 6 GiB", "b needs 2 x 40%".
    static std::string need_of(const Guest& guest) {
        const NeedConfiguration& need = guest.model->need;
        std::string text = need.kind == NeedKind::bytes   ? base::to_text(need.bytes)
                           : need.kind == NeedKind::share ? fmt::format("{}%", need.percent)
                                                          : "all of a device";
        if (guest.copies > 1) text = fmt::format("{} x {}", guest.copies, text);
        return fmt::format("{} needs {}", guest.model->name, text);
    }

    // "GPU-1 has 10 GiB", of those that any of them may use.
    std::string rooms_of(std::span<const Guest* const> guests) const {
        std::string text;
        std::size_t count = 0;
        for (std::size_t i = 0; i < rooms_.size(); ++i) {
            const bool is_meant = std::ranges::any_of(
                guests, [i](const Guest* guest) { return guest->needs[i].has_value(); });
            if (!is_meant || ++count > kDevicesTold) continue;
            text += fmt::format("{}{} has {}", text.empty() ? "" : ", ", rooms_[i].device->uuid,
                                base::to_text(rooms_[i].ledger.usable().value_or(Bytes{})));
        }
        if (count > kDevicesTold) text += fmt::format(", and {} more", count - kDevicesTold);
        return text;
    }

    Crowd describe(std::span<const Guest* const> guests) const {
        Crowd crowd;
        for (const Guest* guest : guests) crowd.models.push_back(guest->model->name);
        crowd.message = message_of(guests);
        return crowd;
    }

    std::string message_of(std::span<const Guest* const> guests) const {
        std::string needs;
        for (const Guest* guest : guests) needs += (needs.empty() ? "" : ", ") + need_of(*guest);
        const std::string numbers =
            fmt::format("{}; {} without `headroom`", needs, rooms_of(guests));
        const auto pinned =
            std::ranges::count_if(guests, [](const Guest* guest) { return guest->model->pinned; });
        if (pinned == std::ssize(guests)) {
            return fmt::format(
                "the models {} are `pinned`, and there is no room for all of their copies at the "
                "same time: {}. Take `pinned` from one of them, lower a `need` or `copies`, or let "
                "them use other `devices`",
                names_of(guests), numbers);
        }
        if (pinned == 0) {
            return fmt::format(
                "the models {} take turns, because there is no room for both at the same time: {}",
                names_of(guests), numbers);
        }
        const bool is_first = guests[0]->model->pinned;
        return fmt::format(
            "the model {} waits while the `pinned` model {} is loaded, because there is no room "
            "for "
            "both at the same time: {}",
            guests[is_first ? 1 : 0]->model->name, guests[is_first ? 0 : 1]->model->name, numbers);
    }

    std::span<const Guest> guests_;
    std::span<const Room> rooms_;
};

}  // namespace

RoomVerdict judge_room(const std::vector<ModelConfiguration>& models,
                       const std::vector<core::DeviceSpec>& devices, Bytes headroom) {
    std::vector<Room> rooms;
    rooms.reserve(devices.size());
    for (const core::DeviceSpec& device : devices) {
        rooms.push_back({&device, core::DeviceLedger{device.capacity, headroom}});
    }
    std::vector<Guest> guests;
    for (const ModelConfiguration& model : models) {
        if (auto guest = make_guest(model, rooms)) guests.push_back(std::move(*guest));
    }
    return Judge{guests, rooms}.judge();
}

}  // namespace windlass::daemon
