// Preloaded into a daemon under test: its wall clock is ahead by as many seconds as the file says
// that WINDLASS_TEST_STEP names. The monotonic clock is left alone, as when somebody sets the time.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <ctime>

namespace {

// Read each time: a test changes it while the daemon runs.
time_t step() {
    const char* path = std::getenv("WINDLASS_TEST_STEP");
    if (path == nullptr) return 0;
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    std::array<char, 32> text{};
    const ssize_t size = ::read(file, text.data(), text.size() - 1);
    ::close(file);
    return size <= 0 ? 0 : std::atol(text.data());
}

template <class Function>
Function* find_next(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
    static auto* const next = find_next<int(clockid_t, timespec*)>("clock_gettime");
    const int result = next(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += step();
    return result;
}

extern "C" int gettimeofday(timeval* now, void* zone) noexcept {
    static auto* const next = find_next<int(timeval*, void*)>("gettimeofday");
    const int result = next(now, zone);
    if (result == 0) now->tv_sec += step();
    return result;
}

extern "C" time_t time(time_t* out) noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != nullptr) *out = now.tv_sec;
    return now.tv_sec;
}
