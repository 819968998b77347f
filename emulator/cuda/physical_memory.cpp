// See physical_memory.h. pread and pwrite, never a mapping: reading a hole through a mapping makes
// it real on tmpfs, pread does not (measured 2026-11, Linux 6.18).
#include "emulator/cuda/physical_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string_view>
#include <vector>

#include "emulator/byte_lock.h"

namespace windlass::emulator {

namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kChunk = std::size_t{1} << 20;

bool is_zero(const unsigned char* at, std::size_t bytes) {
    return bytes == 0 || (at[0] == 0 && std::memcmp(at, at + 1, bytes - 1) == 0);
}

// Bytes to the end of the page that `offset` lies in.
std::size_t rest_of_page(std::uint64_t offset, std::size_t bytes) {
    return std::min<std::size_t>(bytes, kPage - offset % kPage);
}

// Without making pages of the caller's real that are zero anyhow.
void clear(unsigned char* at, std::size_t bytes) {
    while (bytes > 0) {
        const std::size_t step = std::min(bytes, kPage);
        if (!is_zero(at, step)) std::memset(at, 0, step);
        at += step;
        bytes -= step;
    }
}

}  // namespace

std::shared_ptr<PhysicalMemory> PhysicalMemory::make(Ledger& ledger, int slot, int device,
                                                     std::uint64_t bytes) {
    const auto record = ledger.allocate(slot, device, bytes, Ledger::Kind::memory);
    if (!record) return nullptr;
    // Shared by its address range and by copies that are under way.
    return std::shared_ptr<PhysicalMemory>{new PhysicalMemory{ledger, *record, device, bytes}};
}

std::shared_ptr<PhysicalMemory> PhysicalMemory::import(Ledger& ledger, int descriptor) {
    std::array<char, 4096> path = {};
    const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
    const ssize_t length = readlink(link.c_str(), path.data(), path.size());
    if (length <= 0) return nullptr;
    const std::string_view name{path.data(), static_cast<std::size_t>(length)};
    const std::string_view number = name.substr(name.rfind('/') + 1);
    std::uint64_t allocation = 0;
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), allocation);
    if (error != std::errc{} || end != number.data() + number.size()) return nullptr;
    const auto place = ledger.find_shared(allocation);
    if (!place) return nullptr;
    // An open file of its own, so that closing the caller's descriptor takes nothing away.
    const int file = ::open(link.c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0 || !take_byte_lock(file, 0, ByteLock::shared)) return nullptr;
    auto* memory = new PhysicalMemory{ledger, -1, place->device, place->bytes};
    std::call_once(memory->opened_, [&] { memory->file_ = file; });
    return std::shared_ptr<PhysicalMemory>{memory};  // shared as in make()
}

PhysicalMemory::~PhysicalMemory() {
    if (record_ >= 0) ledger_.release(record_);
    if (file_ >= 0) ::close(file_);
}

int PhysicalMemory::share() {
    if (file() < 0) return -1;
    const std::string link = "/proc/self/fd/" + std::to_string(file_);
    const int descriptor = ::open(link.c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return -1;
    take_byte_lock(descriptor, 0, ByteLock::shared);
    if (record_ >= 0) ledger_.set_exported(record_);
    return descriptor;
}

int PhysicalMemory::file() {
    std::call_once(opened_, [this] {
        const std::string path = ledger_.path_of(ledger_.allocation_of(record_));
        file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (file_ >= 0 && ftruncate(file_, static_cast<off_t>(bytes_)) != 0) {
            ::close(file_);
            file_ = -1;
        }
    });
    return file_;
}

void PhysicalMemory::write_real(std::uint64_t offset, const unsigned char* from,
                                std::size_t bytes) {
    while (bytes > 0) {
        const ssize_t done = pwrite(file(), from, bytes, static_cast<off_t>(offset));
        if (done <= 0) return;  // the host is full: the bytes are lost, as a broken device's
        from += done;
        offset += static_cast<std::uint64_t>(done);
        bytes -= static_cast<std::size_t>(done);
    }
}

void PhysicalMemory::punch(std::uint64_t offset, std::size_t bytes) {
    if (fallocate(file(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                  static_cast<off_t>(bytes)) == 0)
        return;
    const std::vector<unsigned char> zeros(std::min(bytes, kChunk));
    for (std::size_t done = 0; done < bytes; done += zeros.size())
        write_real(offset + done, zeros.data(), std::min(zeros.size(), bytes - done));
}

void PhysicalMemory::write(std::uint64_t offset, const void* from, std::size_t bytes) {
    const auto* at = static_cast<const unsigned char*>(from);
    while (bytes > 0) {
        // The longest run of pages that are all zero, or all not.
        std::size_t run = rest_of_page(offset, bytes);
        const bool zero = is_zero(at, run);
        while (run < bytes) {
            const std::size_t next = rest_of_page(offset + run, bytes - run);
            if (is_zero(at + run, next) != zero) break;
            run += next;
        }
        zero ? punch(offset, run) : write_real(offset, at, run);
        at += run;
        offset += run;
        bytes -= run;
    }
}

void PhysicalMemory::read(std::uint64_t offset, void* to, std::size_t bytes) {
    auto* at = static_cast<unsigned char*>(to);
    const std::uint64_t end = offset + bytes;
    while (offset < end) {
        const off_t found = lseek(file(), static_cast<off_t>(offset), SEEK_DATA);
        const std::uint64_t data =
            found < 0 ? end : std::min(static_cast<std::uint64_t>(found), end);
        clear(at, data - offset);
        at += data - offset;
        offset = data;
        if (offset == end) return;
        const off_t hole = lseek(file(), static_cast<off_t>(offset), SEEK_HOLE);
        const std::uint64_t stop = hole < 0 ? end : std::min(static_cast<std::uint64_t>(hole), end);
        while (offset < stop) {
            const ssize_t done = pread(file(), at, stop - offset, static_cast<off_t>(offset));
            if (done <= 0) return;
            at += done;
            offset += static_cast<std::uint64_t>(done);
        }
    }
}

void PhysicalMemory::fill(std::uint64_t offset, unsigned char value, std::size_t bytes) {
    if (value == 0) return punch(offset, bytes);
    const std::vector<unsigned char> pattern(std::min(bytes, kChunk), value);
    for (std::size_t done = 0; done < bytes; done += pattern.size())
        write_real(offset + done, pattern.data(), std::min(pattern.size(), bytes - done));
}

void PhysicalMemory::copy_from(PhysicalMemory& source, std::uint64_t source_offset,
                               std::uint64_t offset, std::size_t bytes) {
    std::vector<unsigned char> buffer(std::min(bytes, kChunk));
    for (std::size_t done = 0; done < bytes; done += buffer.size()) {
        const std::size_t step = std::min(buffer.size(), bytes - done);
        source.read(source_offset + done, buffer.data(), step);
        write(offset + done, buffer.data(), step);
    }
}

}  // namespace windlass::emulator
