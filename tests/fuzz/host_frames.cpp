// Fuzz target: what a driver host and the daemon write to each other. However the bytes are cut,
// the same frames must come out, and each message that can be read is written as it was.
#include <string>
#include <vector>

#include "base/assert.h"
#include "fuzz/target.h"
#include "wire/host_frame.h"
#include "wire/host_message.h"

namespace windlass {
namespace {

struct Read {
    std::vector<wire::HostFrame> frames;
    std::string mistake;
};

Read read_pieces(const std::vector<std::string_view>& pieces, wire::HostSide sender) {
    wire::HostFrameReader reader{sender};
    Read all;
    for (const std::string_view piece : pieces) {
        std::span<const char> input{piece};
        while (true) {
            base::Result<std::optional<wire::HostFrame>> frame = reader.next(input);
            if (!frame) {
                WL_ASSERT(frame.error().code == base::Errc::data_corrupt);
                all.mistake = frame.error().message;
                return all;
            }
            if (!*frame) break;
            WL_ASSERT((*frame)->meta.size() <= wire::kHostMetaSizeMax);
            all.frames.push_back(std::move(**frame));
        }
    }
    return all;
}

template <class Message>
void check_message(std::string_view text, base::Result<Message> (*parse)(std::string_view)) {
    const base::Result<Message> message = parse(text);
    if (!message) {
        WL_ASSERT(message.error().code == base::Errc::data_corrupt);
        WL_ASSERT(message.error().message.size() < 1024);
        return;
    }
    const std::string written = wire::to_json(*message);
    WL_ASSERT(written.size() <= wire::kHostMetaSizeMax);
    const base::Result<Message> again = parse(written);
    // Texts may have been cut; what was cut once is not cut again.
    WL_ASSERT(again.has_value() && wire::to_json(*again) == written);
}

}  // namespace
}  // namespace windlass

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace windlass;
    fuzz::Input input{data, size};
    const std::uint8_t seed = input.take_byte();
    const std::string_view bytes = input.rest();
    const auto sender = (seed & 1U) == 0 ? wire::HostSide::host : wire::HostSide::daemon;
    const Read at_once = read_pieces({bytes}, sender);
    const Read in_pieces = read_pieces(fuzz::cut(bytes, seed, 64), sender);
    WL_ASSERT(at_once.frames == in_pieces.frames && at_once.mistake == in_pieces.mistake);
    std::string written;
    for (const wire::HostFrame& frame : at_once.frames) written += wire::encode(frame);
    WL_ASSERT(bytes.starts_with(written));
    check_message<wire::HostListing>(bytes, wire::parse_host_listing);
    check_message<wire::SampleOrder>(bytes, wire::parse_sample_order);
    check_message<wire::HostSample>(bytes, wire::parse_host_sample);
    for (const wire::HostFrame& frame : at_once.frames) {
        check_message<wire::HostListing>(frame.meta, wire::parse_host_listing);
        check_message<wire::HostSample>(frame.meta, wire::parse_host_sample);
    }
    return 0;
}
