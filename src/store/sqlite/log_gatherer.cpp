// The functions of a file, each of which writes what is held back before it does anything else.
#include "store/sqlite/log_gatherer.h"

#include <fmt/core.h>
#include <sqlite3.h>

#include <cstddef>
#include <string_view>
#include <utility>

namespace windlass::store::sqlite {

struct LogGatherer::State {
    sqlite3_vfs vfs{};  // first, so that a pointer to it is one to us
    sqlite3_vfs* real = nullptr;
    std::string name;
    std::string held;  // what was not written yet
};

namespace {

constexpr std::size_t kHeldMax = std::size_t{1} << 20U;
// More than 131,071 bytes at once SQLite's own disk takes for a full one.
constexpr std::size_t kPieceMax = std::size_t{1} << 16U;
constexpr std::size_t kLogHeader = 32;
constexpr std::size_t kFrameHeader = 24;

struct LogFile {
    sqlite3_file base;  // first: SQLite knows no more
    sqlite3_file* real;
    std::string* held;    // of the gatherer's: a connection has one log
    sqlite3_int64 begin;  // where that belongs
    bool is_last;         // the header of the frame that ends the transaction is held
};

LogFile& log(sqlite3_file* file) { return *reinterpret_cast<LogFile*>(file); }

sqlite3_int64 end_of(const LogFile& file) { return file.begin + std::ssize(*file.held); }

// What fails is not tried again: SQLite takes the whole transaction for failed.
int write_held(LogFile& file) {
    int code = SQLITE_OK;
    for (std::size_t at = 0; at < file.held->size() && code == SQLITE_OK; at += kPieceMax) {
        const std::string_view piece = std::string_view{*file.held}.substr(at, kPieceMax);
        code = file.real->pMethods->xWrite(file.real, piece.data(), static_cast<int>(piece.size()),
                                           file.begin + static_cast<sqlite3_int64>(at));
    }
    file.held->clear();
    file.is_last = false;
    return code;
}

// The size of the file in pages follows the number of the page; 0: more frames come.
bool ends_transaction(std::string_view header) {
    return header.substr(4, 4) != std::string_view{"\0\0\0\0", 4};
}

bool is_frame_header(std::string_view bytes) { return bytes.size() == kFrameHeader; }

// One that others are sure to follow.
bool is_beginning(std::string_view bytes, sqlite3_int64 offset) {
    if (offset == 0 && bytes.size() == kLogHeader) return true;
    return is_frame_header(bytes) && !ends_transaction(bytes);
}

int write_file(sqlite3_file* self, const void* from, int size, sqlite3_int64 offset) {
    LogFile& file = log(self);
    const std::string_view bytes{static_cast<const char*>(from), static_cast<std::size_t>(size)};
    const bool follows = !file.held->empty() && offset == end_of(file);
    if (!follows) {
        if (const int code = write_held(file); code != SQLITE_OK) return code;
        if (!is_beginning(bytes, offset))
            return file.real->pMethods->xWrite(file.real, from, size, offset);
        file.begin = offset;
    }
    *file.held += bytes;
    const bool is_over = file.is_last && !is_frame_header(bytes);
    file.is_last = is_frame_header(bytes) && ends_transaction(bytes);
    return is_over || file.held->size() >= kHeldMax ? write_held(file) : SQLITE_OK;
}

int read_file(sqlite3_file* self, void* to, int size, sqlite3_int64 offset) {
    LogFile& file = log(self);
    if (const int code = write_held(file); code != SQLITE_OK) return code;
    return file.real->pMethods->xRead(file.real, to, size, offset);
}

int truncate_file(sqlite3_file* self, sqlite3_int64 size) {
    LogFile& file = log(self);
    if (const int code = write_held(file); code != SQLITE_OK) return code;
    return file.real->pMethods->xTruncate(file.real, size);
}

int sync_file(sqlite3_file* self, int flags) {
    LogFile& file = log(self);
    if (const int code = write_held(file); code != SQLITE_OK) return code;
    return file.real->pMethods->xSync(file.real, flags);
}

int size_of(sqlite3_file* self, sqlite3_int64* size) {
    LogFile& file = log(self);
    if (const int code = write_held(file); code != SQLITE_OK) return code;
    return file.real->pMethods->xFileSize(file.real, size);
}

// What is held back now belongs to a transaction that was given up.
int close_file(sqlite3_file* self) {
    LogFile& file = log(self);
    file.held->clear();
    return file.real->pMethods->xClose(file.real);
}

int lock_file(sqlite3_file* self, int lock) {
    return log(self).real->pMethods->xLock(log(self).real, lock);
}
int unlock_file(sqlite3_file* self, int lock) {
    return log(self).real->pMethods->xUnlock(log(self).real, lock);
}
int check_lock(sqlite3_file* self, int* lock) {
    return log(self).real->pMethods->xCheckReservedLock(log(self).real, lock);
}
int control(sqlite3_file* self, int what, void* with) {
    return log(self).real->pMethods->xFileControl(log(self).real, what, with);
}
int sector_size(sqlite3_file* self) {
    return log(self).real->pMethods->xSectorSize(log(self).real);
}
int characteristics(sqlite3_file* self) {
    return log(self).real->pMethods->xDeviceCharacteristics(log(self).real);
}

const sqlite3_io_methods kMethods = {
    .iVersion = 1,  // a log is neither shared memory nor mapped
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
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

// Other files are the real ones, in the room that SQLite gave for ours.
int open_file(sqlite3_vfs* vfs, const char* path, sqlite3_file* self, int flags, int* out) {
    auto* const state = reinterpret_cast<LogGatherer::State*>(vfs);
    sqlite3_vfs* const real_vfs = state->real;
    if ((flags & SQLITE_OPEN_WAL) == 0) return real_vfs->xOpen(real_vfs, path, self, flags, out);
    self->pMethods = nullptr;
    auto* const real = reinterpret_cast<sqlite3_file*>(&log(self) + 1);
    const int code = real_vfs->xOpen(real_vfs, path, real, flags, out);
    if (code != SQLITE_OK) return code;
    log(self) = {
        .base = {&kMethods}, .real = real, .held = &state->held, .begin = 0, .is_last = false};
    return SQLITE_OK;
}

}  // namespace

LogGatherer::LogGatherer() : state_(std::make_unique<State>()) {
    state_->real = sqlite3_vfs_find(nullptr);
    state_->name = fmt::format("windlass-{}", static_cast<const void*>(state_.get()));
    state_->vfs = *state_->real;
    state_->vfs.szOsFile = static_cast<int>(sizeof(LogFile)) + state_->real->szOsFile;
    state_->vfs.pNext = nullptr;
    state_->vfs.zName = state_->name.c_str();
    state_->vfs.xOpen = open_file;
    sqlite3_vfs_register(&state_->vfs, 0);
}

LogGatherer::~LogGatherer() { sqlite3_vfs_unregister(&state_->vfs); }

const char* LogGatherer::name() const { return state_->name.c_str(); }

void LogGatherer::forget() { state_->held.clear(); }

}  // namespace windlass::store::sqlite
