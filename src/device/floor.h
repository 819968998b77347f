// The device floor: which devices there are, how full they are, who holds what, and whether they
// answer. Asks driver hosts, never a driver. Thread: the loop's, which must be the main thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "device/device.h"
#include "device/host_link.h"
#include "device/host_processes.h"
#include "io/timer.h"

namespace windlass::device {

struct FloorOptions {
    std::string executable = "/proc/self/exe";  // is run as `executable driver-host ...`
    std::vector<std::string> environment;       // NAME=value; all that driver hosts have
    // UUIDs that may be used; empty: all. "cpu" alone: no driver is looked for. The CPU is always
    // there.
    std::vector<std::string> use;
    base::Duration answer_limit = std::chrono::seconds{5};
    // Of a new driver host: opening the driver takes long on a machine with many GPUs.
    base::Duration first_answer_limit = std::chrono::seconds{60};
    // Of a GPU that nobody asks about; and of the CPU, or while it shows the same again and again.
    base::Duration sample_interval = std::chrono::seconds{2};
    base::Duration rest_interval = std::chrono::seconds{10};
    base::Duration list_interval = std::chrono::seconds{30};
    base::Duration restart_pause = std::chrono::seconds{60};  // between two driver hosts of one
    // The workers whose memory is to be measured on the CPU; asked at each question.
    std::function<std::vector<int>()> worker_pids;
    // Workers that a host hung on while it measured them are left out for so long: it may have been
    // the machine, which was busy for a moment.
    base::Duration measure_again = std::chrono::minutes{10};
};

class Floor {
  public:
    // The numbers, or why there are none.
    using Reply = std::move_only_function<void(const base::Result<Sample>&)>;

    // `on_event` comes from start(), or from the loop; it may call every method.
    Floor(io::Loop& loop, FloorOptions options, std::function<void(const Event&)> on_event);
    ~Floor();
    Floor(const Floor&) = delete;
    Floor& operator=(const Floor&) = delete;

    // The CPU is found at once, GPUs with the first listing.
    void start();

    // By UUID, the CPU first; those that are lost stay.
    std::vector<const Device*> devices() const;
    const Device* find(std::string_view uuid) const;
    // Another one whenever there may be other devices than before, or one in another condition; so
    // whoever has to know that need not look at all of them at each turn.
    std::uint64_t revision() const { return revision_; }
    const std::vector<Driver>& drivers() const { return drivers_; }
    std::optional<base::Instant> listed_at() const { return listed_at_; }
    const std::string& listing_trouble() const { return listing_trouble_; }
    // The last listing named every device there is: no driver was broken, or kept one to itself.
    bool is_listing_whole() const { return is_listing_whole_; }
    // Nobody looks for drivers: there is nothing to be listed.
    bool is_cpu_only() const { return options_.use.size() == 1 && options_.use.front() == kCpu; }
    // Drivers have answered which GPUs there are, or need not be asked; and the CPU may be used for
    // what would run on a GPU if there was one. A driver that hangs may have some: that it has none
    // must be known.
    bool may_cpu_stand_in() const;

    // Measures after this call, never before: for a proof that memory came back. `reply` comes
    // exactly once, from the loop, within two answer limits (of a new host: its first one more);
    // DeviceSampled comes before it. Not found if there is no such device. One that does not answer
    // is `timeout` or `unavailable`.
    void sample(std::string_view uuid, Reply reply);

    // At the daemon's end: kills every host, and waits for `limit` at most.
    void finish(base::Duration limit);

  private:
    struct Entry;

    Entry& add(Device device);
    void list();
    void on_listing(base::Result<std::string> meta);
    void take(const wire::HostListing& listing);
    void tell_missing();
    void take_drivers(const std::vector<Driver>& drivers);
    bool is_wanted(std::string_view uuid) const;
    void ask(Entry& entry);
    bool may_measure(const Entry& entry) const;
    void on_sample(Entry& entry, base::Instant asked, base::Result<std::string> meta);
    base::Duration interval_of(const Entry& entry) const;
    void turn(Entry& entry, Condition condition, std::string trouble);
    HostLimits limits() const {
        return {.answer = options_.answer_limit,
                .first_answer = options_.first_answer_limit,
                .restart_pause = options_.restart_pause};
    }

    io::Loop& loop_;
    const FloorOptions options_;
    std::function<void(const Event&)> on_event_;
    HostProcesses processes_;
    std::map<std::string, std::unique_ptr<Entry>, std::less<>> entries_;
    std::vector<Driver> drivers_;
    std::optional<base::Instant> listed_at_;
    std::string listing_trouble_;
    bool is_listing_whole_ = false;
    std::vector<std::string> missing_told_;
    HostLink lister_;
    io::Timer list_again_;
    bool is_finished_ = false;
    std::uint64_t revision_ = 0;
};

}  // namespace windlass::device
