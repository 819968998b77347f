// The JSON of driver hosts.
#include <fmt/core.h>
#include <boost/json.hpp>

#include <array>
#include <limits>
#include <utility>

#include "base/utf8.h"
#include "wire/bytes_max.h"
#include "wire/host_message.h"

namespace windlass::wire {
namespace {

namespace json = boost::json;
using base::Result;

// Even if each byte is escaped to six, the largest listing and sample stay below kHostMetaSizeMax.
constexpr std::size_t kProcessNameSizeMax = 16;  // TASK_COMM_LEN of Linux
constexpr std::size_t kDeviceTextSizeMax = 96;   // NVML_DEVICE_NAME_V2_BUFFER_SIZE, nvml.h 13.3

struct DriverStateName {
    HostDriver::State state;
    std::string_view name;
};
constexpr std::array<DriverStateName, 3> kDriverStates = {{
    {HostDriver::State::usable, "usable"},
    {HostDriver::State::absent, "absent"},
    {HostDriver::State::broken, "broken"},
}};

// --- writing

// Made UTF-8, and cut between characters: names come from drivers and processes.
std::string sound_text(std::string_view text, std::size_t size_max) {
    std::string sound = base::to_valid_utf8(text.substr(0, size_max));
    sound.resize(base::whole_characters_size(std::string_view{sound}.substr(0, size_max)));
    return sound;
}

void put(json::object& object, std::string_view key, const std::optional<std::string>& text,
         std::size_t size_max = kDeviceTextSizeMax) {
    if (text) object[key] = sound_text(*text, size_max);
}

void put(json::object& object, std::string_view key, const std::optional<base::Bytes>& bytes) {
    if (bytes) object[key] = bytes->count();
}

json::object object_of(const HostDriver& driver) {
    json::object object{{"library", sound_text(driver.name, kHostTextSizeMax)},
                        {"message", sound_text(driver.message, kHostTextSizeMax)}};
    for (const DriverStateName& row : kDriverStates) {
        if (row.state == driver.state) object["state"] = row.name;
    }
    put(object, "version", driver.version);
    return object;
}

json::object object_of(const HostDevice& device) {
    json::object object{{"uuid", sound_text(device.uuid, kDeviceTextSizeMax)}};
    put(object, "name", device.name);
    put(object, "bus_id", device.bus_id);
    put(object, "compute_capability", device.compute_capability);
    put(object, "driver_version", device.driver_version);
    put(object, "cuda_version", device.cuda_version);
    put(object, "capacity", device.capacity);
    return object;
}

json::object object_of(const HostProcess& process) {
    json::object object{{"pid", process.pid}};
    if (process.session) object["session"] = *process.session;
    if (process.branch) object["branch"] = *process.branch;
    put(object, "name", process.name, kProcessNameSizeMax);
    put(object, "bytes", process.bytes);
    return object;
}

// --- reading

// Reads the keys of one object and remembers the first thing that is wrong with it.
class HostReader {
  public:
    HostReader(const json::object& object, std::string& mistake)
        : object_(object), mistake_(mistake) {}

    std::optional<std::string> find_text(std::string_view key) {
        const json::value* const value = find(key);
        if (value == nullptr) return std::nullopt;
        if (!value->is_string() || value->get_string().size() > kHostTextSizeMax) {
            reject(fmt::format("\"{}\" is no text of at most {} bytes", key, kHostTextSizeMax));
            return std::nullopt;
        }
        return std::string{std::string_view{value->get_string()}};
    }

    std::optional<std::uint64_t> find_count(std::string_view key, std::uint64_t max) {
        const json::value* const value = find(key);
        if (value == nullptr) return std::nullopt;
        boost::system::error_code wrong;
        const auto count =
            value->is_number() ? value->to_number<std::uint64_t>(wrong) : std::uint64_t{0};
        if (!value->is_number() || wrong || count > max) {
            reject(fmt::format("\"{}\" is no number from 0 to {}", key, max));
            return std::nullopt;
        }
        return count;
    }

    std::optional<base::Bytes> find_bytes(std::string_view key) {
        const auto count = find_count(key, kBytesMax);
        if (!count) return std::nullopt;
        return base::Bytes{*count};
    }

    std::optional<int> find_pid(std::string_view key) {
        const auto count = find_count(key, std::numeric_limits<int>::max());
        if (!count) return std::nullopt;
        return static_cast<int>(*count);
    }

    std::optional<std::uint32_t> find_percent(std::string_view key) {
        const auto count = find_count(key, 100);
        if (!count) return std::nullopt;
        return static_cast<std::uint32_t>(*count);
    }

    bool is_true(std::string_view key) {
        const json::value* const value = find(key);
        if (value != nullptr && !value->is_bool()) reject(fmt::format("\"{}\" is no bool", key));
        return value != nullptr && value->is_bool() && value->get_bool();
    }

    std::string get_text(std::string_view key) {
        auto text = find_text(key);
        if (!text) reject(fmt::format("\"{}\" is missing", key));
        return std::move(text).value_or("");
    }

    // Calls `read` with each element of a list of at most `size_max`; one that is missing is empty.
    template <class Read>
    void for_each(std::string_view key, std::size_t size_max, Read read) {
        const json::value* const value = find(key);
        if (value == nullptr) return;
        if (!value->is_array() || value->get_array().size() > size_max) {
            return reject(fmt::format("\"{}\" is no list of at most {}", key, size_max));
        }
        for (const json::value& element : value->get_array()) read(element);
    }

    template <class Read>
    void for_each_object(std::string_view key, std::size_t size_max, Read read) {
        for_each(key, size_max, [&](const json::value& element) {
            if (!element.is_object()) return reject(fmt::format("\"{}\" holds no objects", key));
            HostReader reader{element.get_object(), mistake_};
            read(reader);
        });
    }

    void reject(std::string why) {
        if (mistake_.empty()) mistake_ = std::move(why);
    }

  private:
    const json::value* find(std::string_view key) const {
        const json::value* const value = object_.if_contains(key);
        return value == nullptr || value->is_null() ? nullptr : value;
    }

    const json::object& object_;
    std::string& mistake_;
};

// Reads one message; `read` fills it.
template <class Message, class Read>
Result<Message> read_message(std::string_view what, std::string_view text, Read read) {
    json::error_code failed;
    const json::value value = json::parse(text.empty() ? "{}" : text, failed);
    std::string mistake;
    Message message;
    if (failed) {
        mistake = "it is not JSON: " + failed.message();
    } else if (!value.is_object()) {
        mistake = "it is not a JSON object";
    } else {
        HostReader reader{value.get_object(), mistake};
        read(reader, message);
    }
    if (mistake.empty()) return message;
    return base::fail(base::Errc::data_corrupt,
                      fmt::format("bad {} of a driver host: {}", what, mistake));
}

HostDriver read_driver(HostReader& reader) {
    HostDriver driver{.name = reader.get_text("library"),
                      .message = reader.get_text("message"),
                      .version = reader.find_text("version")};
    const std::string state = reader.get_text("state");
    bool is_known = false;
    for (const DriverStateName& row : kDriverStates) {
        if (row.name != state) continue;
        driver.state = row.state;
        is_known = true;
    }
    if (!is_known) reader.reject("\"state\" is none that is known");
    return driver;
}

HostDevice read_device(HostReader& reader) {
    HostDevice device{.uuid = reader.get_text("uuid"),
                      .name = reader.find_text("name"),
                      .bus_id = reader.find_text("bus_id"),
                      .compute_capability = reader.find_text("compute_capability"),
                      .driver_version = reader.find_text("driver_version"),
                      .cuda_version = reader.find_text("cuda_version"),
                      .capacity = reader.find_bytes("capacity")};
    if (device.uuid.empty()) reader.reject("a \"uuid\" is empty");
    return device;
}

HostProcess read_process(HostReader& reader) {
    HostProcess process{.session = reader.find_pid("session"),
                        .branch = reader.find_pid("branch"),
                        .name = reader.find_text("name"),
                        .bytes = reader.find_bytes("bytes")};
    const auto pid = reader.find_pid("pid");
    if (!pid) reader.reject("\"pid\" is missing");
    process.pid = pid.value_or(0);
    return process;
}

}  // namespace

std::string to_json(const HostListing& listing) {
    json::array devices;
    for (const HostDevice& device : listing.devices) {
        if (devices.size() < kHostDevicesMax) devices.push_back(object_of(device));
    }
    json::array drivers;
    for (const HostDriver& driver : listing.drivers) drivers.push_back(object_of(driver));
    const bool is_complete = listing.is_complete && listing.devices.size() <= kHostDevicesMax;
    return json::serialize(json::object{{"devices", std::move(devices)},
                                        {"drivers", std::move(drivers)},
                                        {"is_complete", is_complete}});
}

std::string to_json(const SampleOrder& order) {
    json::array pids;
    for (const int pid : order.pids) {
        if (pids.size() < kHostProcessesMax) pids.push_back(pid);
    }
    return json::serialize(json::object{{"pids", std::move(pids)}});
}

std::string to_json(const HostSample& sample) {
    json::array processes;
    for (const HostProcess& process : sample.processes) {
        if (processes.size() < kHostProcessesMax) processes.push_back(object_of(process));
    }
    json::object object{
        {"source", sound_text(sample.source, kHostTextSizeMax)},
        {"processes_known", sample.processes_known && sample.processes.size() <= kHostProcessesMax},
        {"processes_source", sound_text(sample.processes_source, kHostTextSizeMax)},
        {"processes", std::move(processes)}};
    put(object, "capacity", sample.capacity);
    put(object, "used", sample.used);
    put(object, "free", sample.free);
    if (sample.busy_percent) object["busy_percent"] = *sample.busy_percent;
    return json::serialize(object);
}

Result<HostListing> parse_host_listing(std::string_view text) {
    return read_message<HostListing>("listing", text, [](HostReader& reader, HostListing& listing) {
        reader.for_each_object("devices", kHostDevicesMax, [&](HostReader& device) {
            listing.devices.push_back(read_device(device));
        });
        reader.for_each_object("drivers", kHostDevicesMax, [&](HostReader& driver) {
            listing.drivers.push_back(read_driver(driver));
        });
        listing.is_complete = reader.is_true("is_complete");
    });
}

Result<SampleOrder> parse_sample_order(std::string_view text) {
    return read_message<SampleOrder>("order", text, [](HostReader& reader, SampleOrder& order) {
        reader.for_each("pids", kHostProcessesMax, [&](const json::value& element) {
            const std::int64_t* const pid = element.if_int64();
            if (pid == nullptr || *pid <= 0 || *pid > std::numeric_limits<int>::max()) {
                return reader.reject("\"pids\" holds what is no pid");
            }
            order.pids.push_back(static_cast<int>(*pid));
        });
    });
}

Result<HostSample> parse_host_sample(std::string_view text) {
    return read_message<HostSample>("sample", text, [](HostReader& reader, HostSample& sample) {
        sample.capacity = reader.find_bytes("capacity");
        sample.used = reader.find_bytes("used");
        sample.free = reader.find_bytes("free");
        sample.source = reader.get_text("source");
        sample.processes_known = reader.is_true("processes_known");
        sample.processes_source = reader.get_text("processes_source");
        reader.for_each_object("processes", kHostProcessesMax, [&](HostReader& process) {
            sample.processes.push_back(read_process(process));
        });
        sample.busy_percent = reader.find_percent("busy_percent");
    });
}

}  // namespace windlass::wire
