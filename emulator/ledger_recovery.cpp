// What keeps the ledger true although its users die at any instruction: the totals follow from the
// records, the records from who lives, and who lives from locks that the kernel drops.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "emulator/byte_lock.h"
#include "emulator/ledger_locked.h"
#include "emulator/pace.h"

namespace windlass::emulator {

namespace {

constexpr std::uint64_t kMillisecondNs = 1'000'000;
constexpr std::int64_t kFirstByte = 0;

}  // namespace

bool Ledger::lock(const timespec* limit) {
    int result = 0;
    if (limit == nullptr) {
        result = pthread_mutex_lock(&file_->mutex);
    } else {
        // Tried first: the thread sanitizer of GCC 12 does not see that a timed lock takes over
        // from a dead owner.
        result = pthread_mutex_trylock(&file_->mutex);
        if (result == EBUSY) result = pthread_mutex_timedlock(&file_->mutex, limit);
    }
    if (result == ETIMEDOUT) return false;
    if (result == EOWNERDEAD) {
        recompute();
        file_->owner_deaths.fetch_add(1);
        pthread_mutex_consistent(&file_->mutex);
    } else if (result != 0) {
        std::abort();  // the file was overwritten: nothing in it can be believed
    }
    reap();
    return true;
}

Ledger::Locked::Locked(Ledger& ledger) : file_(ledger.file_) { ledger.lock(nullptr); }

Ledger::Locked::~Locked() { pthread_mutex_unlock(&file_->mutex); }

void Ledger::recompute() {
    for (Device& device : file_->devices) device.used_bytes = 0;
    // Only ever too large: it grows before a record is written.
    const std::uint32_t last = file_->record_end;
    std::uint32_t end = 0;
    for (std::uint32_t i = 0; i < last; ++i) {
        Record& record = file_->records[i];
        if (record.state == Record::State::free) continue;
        if (record.state == Record::State::freeing) {
            // Its holder was giving it back; the file may be there or not.
            if (record.allocation != 0) unlink(path_of(record.allocation).c_str());
            record.state = Record::State::free;
            continue;
        }
        record.state = Record::State::live;
        device_at(record.device).used_bytes += record.bytes;
        end = i + 1;
    }
    file_->record_end = end;
    file_->record_hint = 0;
    file_->slot_end = kSlotMax;  // a slot may have been taken just before
}

void Ledger::free_record(int record) {
    Record& it = record_at(record);
    it.state = Record::State::freeing;
    if (it.allocation != 0) unlink(path_of(it.allocation).c_str());
    device_at(it.device).used_bytes -= it.bytes;
    it.state = Record::State::free;
    file_->record_hint = std::min(file_->record_hint, static_cast<std::uint32_t>(record));
}

bool Ledger::is_held_elsewhere(const Record& record) const {
    const int file = ::open(path_of(record.allocation).c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0) return false;
    const bool held = is_byte_locked(file, kFirstByte);
    ::close(file);
    return held;
}

bool Ledger::is_due(const Record& record, const Slot& slot, std::uint64_t now_ns) const {
    if (fault(record.device, Fault::release_never) != 0) return false;
    const std::uint64_t late = fault(record.device, Fault::release_late);
    const std::uint64_t delay_ms = late != 0 ? late : settings(record.device).teardown_ms;
    return now_ns >= slot.died_at_ns + delay_ms * kMillisecondNs;
}

// Frees what a dead process held and is due. Whether nothing is left.
bool Ledger::bury(int slot, std::uint64_t now_ns) {
    bool empty = true;
    for (std::uint32_t i = 0; i < file_->record_end; ++i) {
        Record& record = file_->records[i];
        if (record.state == Record::State::free || record.slot != slot) continue;
        if (!is_due(record, slot_at(slot), now_ns)) {
            empty = false;
        } else if (record.is_exported != 0 && is_held_elsewhere(record)) {
            record.slot = kNoSlot;
        } else {
            free_record(static_cast<int>(i));
        }
    }
    return empty;
}

void Ledger::reap() {
    const std::uint64_t now_ns = monotonic_ns();
    std::uint32_t end = 0;
    for (std::uint32_t i = 0; i < file_->slot_end; ++i) {
        const int number = static_cast<int>(i);
        Slot& slot = slot_at(number);
        if (slot.state == Slot::State::live && !is_byte_locked(slots_descriptor_, number)) {
            slot.died_at_ns = now_ns;
            slot.state = Slot::State::dying;
        }
        if (slot.state == Slot::State::dying && bury(number, now_ns))
            slot.state = Slot::State::free;
        if (slot.state != Slot::State::free) end = i + 1;
    }
    file_->slot_end = end;
    for (std::uint32_t i = 0; i < file_->record_end; ++i) {
        const Record& record = file_->records[i];
        if (record.state == Record::State::live && record.slot == kNoSlot &&
            !is_held_elsewhere(record))
            free_record(static_cast<int>(i));
    }
}

void Ledger::reset(int device) {
    const Locked locked{*this};
    for (std::uint32_t i = 0; i < file_->record_end; ++i) {
        const Record& record = file_->records[i];
        if (record.state == Record::State::free || record.device != device) continue;
        if (record.slot == kNoSlot || slot_at(record.slot).state == Slot::State::dying)
            free_record(static_cast<int>(i));
    }
}

bool Ledger::is_consistent() {
    const Locked locked{*this};
    std::array<std::uint64_t, kDeviceMax> used = {};
    for (std::uint32_t i = 0; i < file_->record_end; ++i) {
        const Record& record = file_->records[i];
        if (record.state != Record::State::free)
            used[static_cast<std::size_t>(record.device)] += record.bytes;
    }
    for (int device = 0; device < device_count(); ++device) {
        if (used[static_cast<std::size_t>(device)] != device_at(device).used_bytes) return false;
    }
    return true;
}

}  // namespace windlass::emulator
