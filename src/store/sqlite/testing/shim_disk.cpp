// The functions of a VFS, each of which hands on to the real one. The real disk is never synced:
// the tests of this kind cut no real power.
#include "store/sqlite/testing/shim_disk.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

namespace windlass::store::sqlite::testing {

struct ShimDisk::State {
    sqlite3_vfs vfs{};
    sqlite3_vfs* real = nullptr;
    std::mutex mutex;
    std::vector<DiskChange> changes;
    std::uint64_t calls_left = 0;  // until one fails; 0: none does
    int errno_value = 0;
    bool has_failed = false;

    bool fails() {
        const std::lock_guard lock{mutex};
        if (calls_left == 0) return false;
        --calls_left;
        if (calls_left > 0) return false;
        has_failed = true;
        return true;
    }
    void record(DiskChange change) {
        const std::lock_guard lock{mutex};
        changes.push_back(std::move(change));
    }
};

namespace {

using State = ShimDisk::State;

struct ShimFile {
    sqlite3_file base;
    State* state;
    const char* path;  // of SQLite's, for the life of the file; null: it has none
    sqlite3_file* real;
};

ShimFile* shim(sqlite3_file* file) { return reinterpret_cast<ShimFile*>(file); }
sqlite3_file* real(sqlite3_file* file) { return shim(file)->real; }
State* state_of(sqlite3_vfs* vfs) { return static_cast<State*>(vfs->pAppData); }

void record(sqlite3_file* file, DiskChange::Kind kind, std::int64_t offset, std::string bytes) {
    if (shim(file)->path == nullptr) return;
    shim(file)->state->record(
        {.kind = kind, .path = shim(file)->path, .offset = offset, .bytes = std::move(bytes)});
}

int close_file(sqlite3_file* file) { return real(file)->pMethods->xClose(real(file)); }
int read_file(sqlite3_file* file, void* to, int size, sqlite3_int64 offset) {
    return real(file)->pMethods->xRead(real(file), to, size, offset);
}
int write_file(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
    if (shim(file)->state->fails()) {
        return shim(file)->state->errno_value == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    }
    record(file, DiskChange::Kind::write, offset,
           {static_cast<const char*>(from), static_cast<std::size_t>(size)});
    return real(file)->pMethods->xWrite(real(file), from, size, offset);
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
    if (shim(file)->state->fails()) return SQLITE_IOERR_TRUNCATE;
    record(file, DiskChange::Kind::truncate, size, {});
    return real(file)->pMethods->xTruncate(real(file), size);
}
int sync_file(sqlite3_file* file, int) {
    if (shim(file)->state->fails()) {
        record(file, DiskChange::Kind::failed_sync, 0, {});
        return SQLITE_IOERR_FSYNC;
    }
    record(file, DiskChange::Kind::sync, 0, {});
    return SQLITE_OK;
}
int size_of(sqlite3_file* file, sqlite3_int64* size) {
    return real(file)->pMethods->xFileSize(real(file), size);
}
int lock_file(sqlite3_file* file, int lock) {
    return real(file)->pMethods->xLock(real(file), lock);
}
int unlock_file(sqlite3_file* file, int lock) {
    return real(file)->pMethods->xUnlock(real(file), lock);
}
int check_lock(sqlite3_file* file, int* lock) {
    return real(file)->pMethods->xCheckReservedLock(real(file), lock);
}
int control(sqlite3_file* file, int what, void* with) {
    return real(file)->pMethods->xFileControl(real(file), what, with);
}
int sector_size(sqlite3_file*) { return 512; }
int characteristics(sqlite3_file* file) {
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}
int map_shared(sqlite3_file* file, int page, int size, int extend, volatile void** to) {
    return real(file)->pMethods->xShmMap(real(file), page, size, extend, to);
}
int lock_shared(sqlite3_file* file, int offset, int count, int flags) {
    return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
}
void barrier(sqlite3_file* file) { real(file)->pMethods->xShmBarrier(real(file)); }
int unmap_shared(sqlite3_file* file, int remove) {
    return real(file)->pMethods->xShmUnmap(real(file), remove);
}

const sqlite3_io_methods kMethods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = size_of,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_lock,
    .xFileControl = control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = map_shared,
    .xShmLock = lock_shared,
    .xShmBarrier = barrier,
    .xShmUnmap = unmap_shared,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

int open_file(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out) {
    State* const state = state_of(vfs);
    file->pMethods = nullptr;
    if (state->fails()) return SQLITE_CANTOPEN;
    auto* const real_file = reinterpret_cast<sqlite3_file*>(shim(file) + 1);
    const int code = state->real->xOpen(state->real, path, real_file, flags, out);
    if (code != SQLITE_OK) return code;
    *shim(file) = {.base = {&kMethods}, .state = state, .path = path, .real = real_file};
    return SQLITE_OK;
}
int delete_file(sqlite3_vfs* vfs, const char* path, int sync) {
    State* const state = state_of(vfs);
    state->record({.kind = DiskChange::Kind::remove, .path = path});
    return state->real->xDelete(state->real, path, sync);
}
int last_error(sqlite3_vfs* vfs, int size, char* text) {
    State* const state = state_of(vfs);
    if (state->has_failed) return state->errno_value;
    return state->real->xGetLastError(state->real, size, text);
}

}  // namespace

ShimDisk::ShimDisk() : state_(std::make_unique<State>()) {
    state_->real = sqlite3_vfs_find(nullptr);
    state_->vfs = *state_->real;
    state_->vfs.szOsFile = static_cast<int>(sizeof(ShimFile)) + state_->real->szOsFile;
    state_->vfs.pNext = nullptr;
    state_->vfs.zName = "windlass-shim";
    state_->vfs.pAppData = state_.get();
    state_->vfs.xOpen = open_file;
    state_->vfs.xDelete = delete_file;
    state_->vfs.xGetLastError = last_error;
    sqlite3_vfs_register(&state_->vfs, 1);
}

ShimDisk::~ShimDisk() {
    sqlite3_vfs_unregister(&state_->vfs);
    sqlite3_vfs_register(state_->real, 1);
}

const std::vector<DiskChange>& ShimDisk::changes() const { return state_->changes; }

void ShimDisk::fail_at(std::uint64_t n, int errno_value) {
    const std::lock_guard lock{state_->mutex};
    state_->calls_left = n;
    state_->errno_value = errno_value;
    state_->has_failed = false;
}

bool ShimDisk::has_failed() const {
    const std::lock_guard lock{state_->mutex};
    return state_->has_failed;
}

namespace {

constexpr std::size_t kSector = 512;

void put(std::string& file, std::size_t offset, std::string_view bytes) {
    if (file.size() < offset + bytes.size()) file.resize(offset + bytes.size());
    file.replace(offset, bytes.size(), bytes);
}

void apply(std::string& file, const DiskChange& change) {
    const auto offset = static_cast<std::size_t>(change.offset);
    if (change.kind == DiskChange::Kind::truncate) return file.resize(offset);
    put(file, offset, change.bytes);
}

void apply_in_part(std::string& file, const DiskChange& change, const std::function<Fate()>& fate) {
    const auto offset = static_cast<std::size_t>(change.offset);
    if (change.kind == DiskChange::Kind::truncate) {
        if (fate() == Fate::kept) file.resize(offset);
        return;
    }
    // Sectors of the disk, not of the write.
    for (std::size_t at = 0; at < change.bytes.size();) {
        const std::size_t end =
            std::min(change.bytes.size(), ((offset + at) / kSector + 1) * kSector - offset);
        const std::string_view sector = std::string_view{change.bytes}.substr(at, end - at);
        const Fate what = fate();
        if (what == Fate::kept) put(file, offset + at, sector);
        if (what == Fate::junk) put(file, offset + at, std::string(sector.size(), '\x5a'));
        at = end;
    }
}

}  // namespace

std::map<std::string, std::string> ShimDisk::image(std::size_t count,
                                                   const std::function<Fate()>& fate) const {
    std::map<std::string, bool> is_synced;  // by the next sync of it, seen from behind
    std::vector<bool> is_safe(count);
    for (std::size_t i = count; i-- > 0;) {
        const DiskChange& change = state_->changes[i];
        const bool is_sync = change.kind == DiskChange::Kind::sync;
        if (is_sync || change.kind == DiskChange::Kind::failed_sync)
            is_synced[change.path] = is_sync;
        is_safe[i] = is_synced[change.path];
    }
    std::map<std::string, std::string> files;
    for (std::size_t i = 0; i < count; ++i) {
        const DiskChange& change = state_->changes[i];
        switch (change.kind) {
            case DiskChange::Kind::sync:
            case DiskChange::Kind::failed_sync: break;
            // The folder is synced by nobody here: a removal holds if it is seen at all.
            case DiskChange::Kind::remove:
                if (is_safe[i] || fate() == Fate::kept) files.erase(change.path);
                break;
            case DiskChange::Kind::write:
            case DiskChange::Kind::truncate:
                if (is_safe[i]) {
                    apply(files[change.path], change);
                } else {
                    apply_in_part(files[change.path], change, fate);
                }
        }
    }
    return files;
}

}  // namespace windlass::store::sqlite::testing
