// What devices a node has, as one line of text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"

namespace windlass::emulator {

using base::operator""_MiB;

struct DeviceSpecification {
    std::string name = "Windlass Emulated GPU";
    base::Bytes capacity;
    base::Bytes reserved{0};
    base::Bytes context = 450_MiB;  // about what one costs on an H100
    base::Bytes link_per_second{2'000'000'000};
    base::Duration teardown = std::chrono::milliseconds{150};
};

// Reads "2x24GiB", "1x80GiB,context=0B,link=25GB,teardown=0s+4x16GiB": groups joined by +, each a
// count and a capacity, then options. `link` is bytes a second.
base::Result<std::vector<DeviceSpecification>> parse_specification(std::string_view text);

}  // namespace windlass::emulator
