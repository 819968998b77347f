// AMD's GPUs by the files of the kernel, without ROCm. Not yet run on hardware.
#pragma once

#include <memory>
#include <string>

#include "device/amd_tree.h"
#include "device/backend.h"

namespace windlass::device {

// `daemon_pid`: strangers do not descend from it; 0: they are not looked for.
std::unique_ptr<Backend> make_amd_backend(std::string uuid, AmdRoots roots, int daemon_pid = 0);
// Names no driver where nothing of AMD's is to be found.
std::unique_ptr<Lister> make_amd_lister(AmdRoots roots);

}  // namespace windlass::device
