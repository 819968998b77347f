// See node.h.
#include "emulator/node.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "emulator/ledger.h"
#include "emulator/specification.h"

namespace windlass::emulator {

namespace {

base::Error failed(std::string_view what, const std::string& path, int number) {
    return base::fail(base::Errc::internal,
                      fmt::format("cannot {} {}: {}; an emulated node needs a folder that it may "
                                  "write to",
                                  what, path, std::generic_category().message(number)));
}

template <std::size_t size>
void copy_text(char (&target)[size], const std::string& text) {
    const std::size_t length = std::min(text.size(), size - 1);
    std::memcpy(target, text.data(), length);
    target[length] = '\0';
}

void fill(LedgerFile& file, const std::vector<DeviceSpecification>& devices) {
    file.device_count = static_cast<std::uint32_t>(devices.size());
    file.next_allocation = 1;
    for (std::size_t i = 0; i < devices.size(); ++i) {
        const DeviceSpecification& from = devices[i];
        DeviceSettings& to = file.devices[i].settings;
        copy_text(to.uuid, device_uuid(static_cast<int>(i)));
        copy_text(to.name, from.name);
        to.capacity_bytes = from.capacity.count();
        to.reserved_bytes = from.reserved.count();
        to.context_bytes = from.context.count();
        to.link_bytes_per_second = from.link_per_second.count();
        to.teardown_ms = static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(from.teardown).count());
    }
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&file.mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    file.magic = kLedgerMagic;
}

base::Result<void> write_ledger(const std::string& path,
                                const std::vector<DeviceSpecification>& devices) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0) return failed("create", path, errno);
    void* memory = MAP_FAILED;
    if (ftruncate(descriptor, sizeof(LedgerFile)) == 0)
        memory =
            mmap(nullptr, sizeof(LedgerFile), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    const int number = errno;
    ::close(descriptor);
    if (memory == MAP_FAILED) return failed("write", path, number);
    // The file is all zeros, which is what a ledger without processes looks like.
    fill(*static_cast<LedgerFile*>(memory), devices);
    munmap(memory, sizeof(LedgerFile));
    return {};
}

}  // namespace

std::string device_uuid(int index) {
    return fmt::format("GPU-e0000000-0000-0000-0000-{:012x}", static_cast<unsigned>(index));
}

base::Result<Node> Node::make(const std::string& folder, std::string_view specification) {
    const auto devices = WL_TRY(parse_specification(specification));
    if (const auto earlier = Ledger::open(folder); earlier && earlier->is_in_use())
        return base::fail(base::Errc::conflict,
                          fmt::format("the emulated node {} is in use by processes that live; end "
                                      "them, or take another folder",
                                      folder));
    WL_TRY(remove_node(folder));
    std::error_code error;
    std::filesystem::create_directories(folder + "/memory", error);
    if (error) return failed("create", folder, error.value());
    const int slots = ::open((folder + "/slots").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (slots < 0) return failed("create", folder + "/slots", errno);
    ::close(slots);
    // Under its name only when it is whole.
    WL_TRY(write_ledger(folder + "/ledger.new", devices));
    std::filesystem::rename(folder + "/ledger.new", folder + "/ledger", error);
    if (error) return failed("create", folder + "/ledger", error.value());
    return open(folder);
}

base::Result<Node> Node::open(const std::string& folder) {
    auto ledger = Ledger::open(folder);
    if (ledger) return Node{std::move(ledger)};
    if (errno == EPROTO)
        return base::fail(base::Errc::data_corrupt,
                          fmt::format("{}/ledger is of another version of the emulator; make the "
                                      "node anew",
                                      folder));
    return base::fail(base::Errc::not_found, fmt::format("{} is no emulated node: {}", folder,
                                                         std::generic_category().message(errno)));
}

base::Result<void> remove_node(const std::string& folder) {
    std::error_code error;
    // Only what a node consists of: a wrong path must not cost anything else.
    for (const char* name : {"/ledger", "/ledger.new", "/slots"})
        std::filesystem::remove(folder + name, error);
    std::filesystem::remove_all(folder + "/memory", error);
    std::filesystem::remove(folder, error);  // stays when there is more in it
    return {};
}

Node::Node(std::unique_ptr<Ledger> ledger) : ledger_(std::move(ledger)) {}
Node::~Node() = default;
Node::Node(Node&&) noexcept = default;
Node& Node::operator=(Node&&) noexcept = default;

const std::string& Node::folder() const { return ledger_->folder(); }
int Node::device_count() const { return ledger_->device_count(); }

std::optional<int> Node::find_device(std::string_view name) const {
    int index = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
    if (error == std::errc{} && end == name.data() + name.size()) {
        if (index < 0 || index >= device_count()) return std::nullopt;
        return index;
    }
    std::optional<int> found;
    for (int device = 0; device < device_count() && !name.empty(); ++device) {
        if (!device_uuid(device).starts_with(name)) continue;
        if (found) return std::nullopt;
        found = device;
    }
    return found;
}

void Node::set_fault(int device, Fault fault, std::uint64_t value) {
    ledger_->set_fault(device, fault, value);
}

std::uint64_t Node::fault(int device, Fault fault) const { return ledger_->fault(device, fault); }

void Node::clear_faults(int device) {
    for (const FaultName& row : kFaults) ledger_->set_fault(device, row.fault, 0);
}

base::Result<void> Node::set_stranger(int device, std::uint32_t pid, base::Bytes bytes) {
    if (ledger_->set_stranger(device, {.pid = pid, .bytes = bytes.count()})) return {};
    return base::fail(
        base::Errc::conflict,
        fmt::format("device {} has {} strangers already; clear them first", device, kStrangerMax));
}

void Node::clear_strangers(int device) { ledger_->clear_strangers(device); }
void Node::reset(int device) { ledger_->reset(device); }

DeviceTruth Node::truth(int device) const {
    const DeviceUse use = ledger_->use(device);
    DeviceTruth truth{.uuid = ledger_->settings(device).uuid,
                      .capacity = base::Bytes{use.capacity_bytes},
                      .used = base::Bytes{use.used_bytes}};
    for (const Holding& holding : use.holders)
        truth.processes.push_back({.pid = holding.pid, .bytes = base::Bytes{holding.bytes}});
    return truth;
}

int Node::process_count() const { return ledger_->process_count(); }
bool Node::is_consistent() const { return ledger_->is_consistent(); }
std::uint32_t Node::owner_deaths() const { return ledger_->owner_deaths(); }

}  // namespace windlass::emulator
