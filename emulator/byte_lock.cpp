// See byte_lock.h.
#include "emulator/byte_lock.h"

#include <fcntl.h>
#include <unistd.h>

namespace windlass::emulator {

namespace {

struct flock one_byte(short type, std::int64_t byte) {
    struct flock lock = {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = byte;
    lock.l_len = 1;
    return lock;
}

}  // namespace

bool take_byte_lock(int descriptor, std::int64_t byte, ByteLock kind) {
    struct flock lock = one_byte(kind == ByteLock::shared ? F_RDLCK : F_WRLCK, byte);
    return fcntl(descriptor, F_OFD_SETLK, &lock) == 0;
}

void drop_byte_lock(int descriptor, std::int64_t byte) {
    struct flock lock = one_byte(F_UNLCK, byte);
    fcntl(descriptor, F_OFD_SETLK, &lock);
}

bool is_byte_locked(int descriptor, std::int64_t byte) {
    struct flock lock = one_byte(F_WRLCK, byte);
    if (fcntl(descriptor, F_OFD_GETLK, &lock) != 0) return true;  // in doubt it lives
    return lock.l_type != F_UNLCK;
}

}  // namespace windlass::emulator
