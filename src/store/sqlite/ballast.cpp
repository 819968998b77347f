// A file whose blocks are set aside by fallocate(2).
#include "store/sqlite/ballast.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "io/file_descriptor.h"

namespace windlass::store::sqlite {

bool Ballast::take() {
    if (bytes_ == 0) return true;
    const io::FileDescriptor file{::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    if (!file) return errno != ENOSPC && errno != EDQUOT;
    int result = 0;
    do {
        result = ::fallocate(file.number(), 0, 0, static_cast<off_t>(bytes_));
    } while (result != 0 && errno == EINTR);
    if (result == 0) return true;
    const bool is_full = errno == ENOSPC || errno == EDQUOT;
    ::unlink(path_.c_str());
    return !is_full;
}

bool Ballast::let_go() { return bytes_ > 0 && ::unlink(path_.c_str()) == 0; }

}  // namespace windlass::store::sqlite
