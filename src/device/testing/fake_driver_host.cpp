// For tests: a driver host that does what a file tells it, question by question. The folder is in
// WL_FAKE_HOST; the file has the name of the device, or `list`, and holds one of the words below,
// or a JSON object, which is the answer.
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <string>

#include "device/driver_host.h"
#include "io/file_descriptor.h"
#include "io/read_file.h"
#include "wire/frame_meta.h"
#include "wire/host_frame.h"

namespace windlass::device {
namespace {

void say(const std::string& bytes) {
    std::string_view rest = bytes;
    while (!rest.empty()) {
        const ssize_t sent = ::write(kHostDescriptor, rest.data(), rest.size());
        if (sent <= 0) std::_Exit(0);
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
}

[[noreturn]] void hang() {
    while (true) ::poll(nullptr, 0, -1);
}

void answer(const wire::HostFrame& question, const std::string& order) {
    const auto type = question.type == wire::HostFrameType::ask_listing
                          ? wire::HostFrameType::listing
                          : wire::HostFrameType::sample;
    const auto failed = [&](base::Errc code) {
        say(wire::encode({wire::HostFrameType::failed, question.id,
                          wire::to_json(base::fail(code, "the fake says so"))}));
    };
    if (order.starts_with("twice ")) {
        const std::string json = order.substr(order.find('{'));
        return say(wire::encode({type, question.id, json}) +
                   wire::encode({type, question.id + 1, json}));
    }
    if (order.starts_with('{')) return say(wire::encode({type, question.id, order}));
    if (order == "hang") hang();
    if (order == "die") std::_Exit(3);
    if (order == "crash") ::raise(SIGKILL);
    if (order == "garbage") say("NVRM: API mismatch: the client has the version 580");
    if (order == "unknown") say(std::string("\x63\x01\x00\x00", 4) + std::string(12, '\0'));
    if (order == "half") say(wire::encode({type, question.id, "{}"}).substr(0, 9));
    if (order == "no-json") say(wire::encode({type, question.id, "nvml"}));
    if (order == "wrong-id") say(wire::encode({type, question.id + 1, "{}"}));
    if (order == "other") say(wire::encode({wire::HostFrameType::listing, question.id, "{}"}));
    if (order == "lost") return failed(base::Errc::device_lost);
    if (order == "broken") return failed(base::Errc::driver_missing);
    if (order == "flood") {
        while (true) say(wire::encode({type, question.id, std::string(1 << 16, ' ')}));
    }
    if (order == "close") {
        ::close(kHostDescriptor);
        hang();
    }
}

int run(std::span<char* const> arguments) {
    const auto order = parse_driver_host(arguments);
    if (!order) return 2;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    const char* const folder = std::getenv("WL_FAKE_HOST");
    if (folder == nullptr) return 2;
    const std::string path =
        std::string{folder} + "/" + (order->device.empty() ? "list" : order->device);
    wire::HostFrameReader reader{wire::HostSide::daemon};
    std::array<char, 4096> buffer = {};
    while (true) {
        const io::ReadOutcome outcome = io::read_some(kHostDescriptor, buffer);
        if (outcome.size == 0) return 0;
        std::span<const char> bytes{buffer.data(), outcome.size};
        while (true) {
            const auto question = reader.next(bytes);
            if (!question || !*question) break;
            const auto words = [&path] { return io::read_file(path, 1 << 20).value_or("hang"); };
            while (words() == "wait") ::poll(nullptr, 0, 1);  // for another order
            answer(**question, words());
        }
    }
}

}  // namespace
}  // namespace windlass::device

int main(int argc, char** argv) {
    return windlass::device::run({argv + 2, static_cast<std::size_t>(argc - 2)});
}
