// What the ledger says and how it is changed. Keeping it true after deaths is in
// ledger_recovery.cpp.
#include "emulator/ledger.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "emulator/byte_lock.h"
#include "emulator/ledger_locked.h"
#include "emulator/pace.h"

namespace windlass::emulator {

std::unique_ptr<Ledger> Ledger::open(const std::string& folder) {
    const int ledger = ::open((folder + "/ledger").c_str(), O_RDWR | O_CLOEXEC);
    if (ledger < 0) return nullptr;
    const int slots = ::open((folder + "/slots").c_str(), O_RDWR | O_CLOEXEC);
    void* memory = MAP_FAILED;
    if (slots >= 0 && lseek(ledger, 0, SEEK_END) == static_cast<off_t>(sizeof(LedgerFile))) {
        memory = mmap(nullptr, sizeof(LedgerFile), PROT_READ | PROT_WRITE, MAP_SHARED, ledger, 0);
    } else if (slots >= 0) {
        errno = EPROTO;
    }
    const int saved = errno;
    ::close(ledger);
    auto* file = memory == MAP_FAILED ? nullptr : static_cast<LedgerFile*>(memory);
    if (file != nullptr && file->magic == kLedgerMagic)
        return std::unique_ptr<Ledger>{new Ledger{folder, file, slots}};
    if (file != nullptr) munmap(memory, sizeof(LedgerFile));
    if (slots >= 0) ::close(slots);
    errno = file != nullptr ? EPROTO : saved;
    return nullptr;
}

Ledger::Ledger(std::string folder, LedgerFile* file, int slots)
    : folder_(std::move(folder)), file_(file), slots_descriptor_(slots) {}

Ledger::~Ledger() {
    ::close(slots_descriptor_);
    munmap(file_, sizeof(LedgerFile));
}

const DeviceSettings& Ledger::settings(int device) const { return device_at(device).settings; }

std::uint64_t Ledger::free_bytes(int device) const {
    const Device& it = device_at(device);
    std::uint64_t used = it.used_bytes + it.settings.reserved_bytes;
    for (const Stranger& stranger : it.strangers) used += stranger.bytes;
    return it.settings.capacity_bytes - std::min(used, it.settings.capacity_bytes);
}

DeviceUse Ledger::use(int device) {
    const Locked locked{*this};
    DeviceUse use{.capacity_bytes = settings(device).capacity_bytes,
                  .reserved_bytes = settings(device).reserved_bytes};
    use.used_bytes = use.capacity_bytes - free_bytes(device);
    // For all there could be, whatever `slot_end` says: other processes write it.
    std::vector<Holding> of_slots(kSlotMax);
    std::vector<bool> has_context(kSlotMax);
    for (std::uint32_t i = 0; i < file_->record_end; ++i) {
        const Record& record = file_->records[i];
        if (record.state == Record::State::free || record.device != device || record.slot < 0)
            continue;
        const auto slot = static_cast<std::size_t>(record.slot);
        of_slots[slot].bytes += record.bytes;
        if (record.allocation == 0) has_context[slot] = true;
    }
    for (std::size_t slot = 0; slot < file_->slot_end; ++slot) {
        if (file_->slots[slot].state != Slot::State::live || !has_context[slot]) continue;
        of_slots[slot].pid = file_->slots[slot].pid;
        use.holders.push_back(of_slots[slot]);
    }
    for (const Stranger& stranger : device_at(device).strangers) {
        if (stranger.pid == 0 || stranger.bytes == 0) continue;
        use.holders.push_back({static_cast<std::int32_t>(stranger.pid), stranger.bytes});
    }
    return use;
}

int Ledger::process_count() {
    const Locked locked{*this};
    return count_living();
}

bool Ledger::is_in_use() {
    timespec limit = {};
    clock_gettime(CLOCK_REALTIME, &limit);  // which is what the mutex goes by
    limit.tv_sec += 1;
    if (!lock(&limit)) return true;
    const int count = count_living();
    pthread_mutex_unlock(&file_->mutex);
    return count != 0;
}

int Ledger::count_living() const {
    int count = 0;
    for (std::uint32_t i = 0; i < file_->slot_end; ++i)
        count += file_->slots[i].state == Slot::State::live ? 1 : 0;
    return count;
}

std::optional<Ledger::Membership> Ledger::join(std::int32_t pid) {
    const Locked locked{*this};
    const int descriptor = ::open((folder_ + "/slots").c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return std::nullopt;
    for (int slot = 0; slot < kSlotMax; ++slot) {
        Slot& it = slot_at(slot);
        if (it.state != Slot::State::free) continue;
        if (!take_byte_lock(descriptor, slot, ByteLock::exclusive)) continue;
        it.pid = pid;
        it.died_at_ns = 0;
        file_->slot_end = std::max(file_->slot_end, static_cast<std::uint32_t>(slot) + 1);
        it.state = Slot::State::live;
        return Membership{slot, descriptor};
    }
    ::close(descriptor);
    return std::nullopt;
}

void Ledger::leave(const Membership& membership) {
    ::close(membership.descriptor);  // the next reaper sees to the rest
}

std::optional<int> Ledger::find_free_record() {
    for (std::uint32_t i = file_->record_hint; i < kRecordMax; ++i) {
        if (file_->records[i].state != Record::State::free) continue;
        file_->record_hint = i + 1;
        file_->record_end = std::max(file_->record_end, i + 1);
        return static_cast<int>(i);
    }
    return std::nullopt;
}

std::optional<int> Ledger::allocate(int slot, int device, std::uint64_t bytes, Kind kind) {
    const Locked locked{*this};
    // Its process closed all its descriptors and lives on: nobody would ever free this.
    if (slot_at(slot).state != Slot::State::live) return std::nullopt;
    const std::uint64_t limit = fault(device, Fault::out_of_memory);
    if (limit != 0 && bytes >= limit) return std::nullopt;
    if (bytes > free_bytes(device)) return std::nullopt;
    const auto number = find_free_record();
    if (!number) return std::nullopt;
    Record& record = record_at(*number);
    record.slot = static_cast<std::int16_t>(slot);
    record.device = static_cast<std::int16_t>(device);
    record.bytes = bytes;
    record.allocation = kind == Kind::context ? 0 : file_->next_allocation.fetch_add(1);
    record.is_exported = 0;
    // A death between any two of these leaves the record without its total or the reverse, which
    // recompute() puts right; the record itself is always whole.
    record.state = Record::State::reserved;
    device_at(device).used_bytes += bytes;
    record.state = Record::State::live;
    return number;
}

void Ledger::release(int record) {
    const Locked locked{*this};
    Record& it = record_at(record);
    if (it.is_exported != 0 && is_held_elsewhere(it)) {
        it.slot = kNoSlot;
        return;
    }
    free_record(record);
}

std::uint64_t Ledger::allocation_of(int record) const {
    return file_->records[static_cast<std::size_t>(record)].allocation;
}

void Ledger::set_exported(int record) {
    const Locked locked{*this};
    record_at(record).is_exported = 1;
}

std::optional<Ledger::Shared> Ledger::find_shared(std::uint64_t allocation) {
    const Locked locked{*this};
    for (std::uint32_t i = 0; i < file_->record_end; ++i) {
        const Record& record = file_->records[i];
        if (record.state == Record::State::live && record.allocation == allocation &&
            record.is_exported != 0)
            return Shared{record.device, record.bytes};
    }
    return std::nullopt;
}

std::string Ledger::path_of(std::uint64_t allocation) const {
    return folder_ + "/memory/" + std::to_string(allocation);
}

std::uint64_t Ledger::fault(int device, Fault fault) const {
    return device_at(device).faults[static_cast<std::size_t>(fault)].load();
}

void Ledger::set_fault(int device, Fault fault, std::uint64_t value) {
    device_at(device).faults[static_cast<std::size_t>(fault)].store(value);
    file_->change_count.fetch_add(1);
    wake_all(file_->change_count);
}

std::uint64_t Ledger::take_fault(int device, Fault fault) {
    return device_at(device).faults[static_cast<std::size_t>(fault)].exchange(0);
}

void Ledger::wait_while(int device, Fault which) const {
    for (;;) {
        const std::uint32_t seen = file_->change_count.load();
        if (fault(device, which) == 0) return;
        wait_for_change(file_->change_count, seen);
    }
}

bool Ledger::set_stranger(int device, Stranger stranger) {
    const Locked locked{*this};
    Stranger* free = nullptr;
    for (Stranger& place : device_at(device).strangers) {
        // The same one first: a free place before it is no place for a second one.
        if (place.bytes != 0 && place.pid == stranger.pid) {
            place = stranger;
            return true;
        }
        if (place.bytes == 0 && free == nullptr) free = &place;
    }
    if (free != nullptr) *free = stranger;
    return free != nullptr;
}

void Ledger::clear_strangers(int device) {
    const Locked locked{*this};
    device_at(device).strangers = {};
}

std::uint64_t Ledger::occupy_engine(int device, CopyDirection direction, std::uint64_t bytes) {
    Device& it = device_at(device);
    auto& free_at = it.engine_free_at_ns[static_cast<std::size_t>(direction)];
    const double seconds =
        static_cast<double>(bytes) / static_cast<double>(it.settings.link_bytes_per_second);
    const std::uint64_t factor = std::max<std::uint64_t>(fault(device, Fault::slow_copy), 1);
    const auto takes = static_cast<std::uint64_t>(seconds * 1e9) * factor;
    std::uint64_t before = free_at.load();
    for (;;) {
        const std::uint64_t end = std::max(before, monotonic_ns()) + takes;
        if (free_at.compare_exchange_weak(before, end)) return end;
    }
}

}  // namespace windlass::emulator
