// Fuzz target: JSON that comes from outside. The metas of worker frames, and the bodies and whole
// responses that a client reads; what Boost.JSON makes of a text is the judge of our own reader.
#include <boost/json.hpp>

#include <string>

#include "base/assert.h"
#include "client/error_json.h"
#include "client/json_reader.h"
#include "client/response_parser.h"
#include "fuzz/target.h"
#include "wire/frame.h"
#include "wire/frame_meta.h"

namespace windlass {
namespace {

template <class Meta>
void check_meta(std::string_view text, base::Result<Meta> (*parse)(std::string_view)) {
    const base::Result<Meta> meta = parse(text);
    if (!meta) {
        WL_ASSERT(meta.error().code == base::Errc::data_corrupt);
        WL_ASSERT(meta.error().message.size() < 1024);
        return;
    }
    const base::Result<Meta> again = parse(wire::to_json(*meta));
    WL_ASSERT(again.has_value() && *again == *meta);
}

void check_error_meta(std::string_view text) {
    const auto remote = wire::parse_error(text);
    if (!remote) return;
    const std::string written = wire::to_json(remote->error);
    WL_ASSERT(written.size() <= wire::kMetaSizeMax);
    const auto again = wire::parse_error(written);
    WL_ASSERT(again.has_value() && again->error.code == remote->error.code);
    if (text.size() < 4096) WL_ASSERT(again->error.message == remote->error.message);
}

void check_metas(std::string_view text) {
    check_meta<wire::Hello>(text, wire::parse_hello);
    check_meta<wire::Answer>(text, wire::parse_answer);
    check_meta<wire::Progress>(text, wire::parse_progress);
    check_meta<wire::RecallAnswer>(text, wire::parse_recall_answer);
    check_meta<wire::LogLine>(text, wire::parse_log_line);
    check_meta<wire::LoadOrder>(text, wire::parse_load_order);
    check_meta<wire::RunOrder>(text, wire::parse_run_order);
    check_error_meta(text);
}

// Texts that are no ASCII are left to each reader's taste.
bool is_common_ground(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

void check_reader(std::string_view text) {
    client::parse_error_body(text);
    if (!is_common_ground(text)) return;
    client::JsonReader reader{text};
    const bool is_read = reader.skip_value() && reader.is_at_end();
    boost::json::error_code error;
    const boost::json::value value = boost::json::parse({text.data(), text.size()}, error);
    if (error == boost::json::error::exponent_overflow) return;  // well-formed, but not for Boost
    WL_ASSERT(is_read == !error);
    if (error || !value.is_string()) return;
    std::string ours;
    client::JsonReader again{text};
    WL_ASSERT(again.read_string(ours) && ours == std::string_view{value.get_string()});
}

// What a client makes of the bytes: everything that can be told of a response, as one text; "bad"
// when it is broken or cut short: how early the one shows depends on how it was cut.
std::string read_response(const std::vector<std::string_view>& pieces) {
    constexpr std::uint64_t kBodyMax = 512;
    client::ResponseParser parser{kBodyMax};
    bool is_complete = false;
    for (const std::string_view piece : pieces) {
        const auto fed = parser.feed(piece);
        if (!fed) return "bad";
        is_complete = *fed;
        if (is_complete) break;
    }
    if (!is_complete && !parser.feed_end()) return "bad";
    const client::Response response = parser.take();
    WL_ASSERT(response.body.size() <= kBodyMax);
    std::string text = std::to_string(response.status) + (response.keep_alive ? " kept" : " over");
    for (const auto& field : response.fields) text += "\n" + field.name + ": " + field.value;
    return text + "\n\n" + response.body;
}

}  // namespace
}  // namespace windlass

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace windlass;
    fuzz::Input input{data, size};
    const std::uint8_t seed = input.take_byte();
    if ((seed & 1U) == 0) {
        check_metas(input.rest());
        check_reader(input.rest());
    } else {
        const std::string whole = read_response({input.rest()});
        WL_ASSERT(whole == read_response(fuzz::cut(input.rest(), seed, 64)));
    }
    return 0;
}
