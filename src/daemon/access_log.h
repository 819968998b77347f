// The access log: one line for each HTTP request. Never holds the loop up: what cannot be written
// is lost and counted. Thread: main.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "daemon/configuration.h"
#include "http/exchange_record.h"
#include "io/file_descriptor.h"
#include "io/loop.h"
#include "io/timer.h"

namespace windlass::daemon {

class AccessLog {
  public:
    // `path`: a file, which is made (mode 0640) or appended to, a pipe that has a reader, or "-"
    // for stdout. Errors: as the system says.
    static base::Result<std::unique_ptr<AccessLog>> open(io::Loop& loop, const std::string& path,
                                                         LogFormat format);
    ~AccessLog();  // tries once more to write what is left
    AccessLog(const AccessLog&) = delete;
    AccessLog& operator=(const AccessLog&) = delete;

    // `request_id` is "r17", or empty.
    void write(const http::ExchangeRecord& record, std::string_view request_id);

    // Opens the path anew, for whoever has renamed the file. On an error the old one stays.
    base::Result<void> reopen();

    // Lines that could not be written: the disk was full, or nobody read the pipe.
    std::uint64_t lost() const { return lost_; }

    // What waits for a reader of the pipe at most.
    static constexpr std::size_t kBacklogMax = 1 << 20;

  private:
    AccessLog(io::Loop& loop, std::string path, LogFormat format, io::FileDescriptor file);

    void flush_soon();
    void flush();
    ssize_t write_some();
    void drop_backlog();

    const std::string path_;
    const LogFormat format_;
    io::FileDescriptor file_;
    std::string backlog_;  // whole lines, but for the first, of which a part may be written
    bool is_flush_due_ = false;
    char last_written_ = '\n';
    std::uint64_t lost_ = 0;
    io::Timer flush_timer_;
};

}  // namespace windlass::daemon
