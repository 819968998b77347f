// See faults.h.
#include "emulator/cuda/faults.h"

#include "emulator/cuda/process.h"

namespace windlass::emulator {

namespace {

void strike(Process& process, int device) {
    if (const std::uint64_t code = process.ledger().take_fault(device, Fault::sticky_error))
        process.break_with(static_cast<CuResult>(code));
}

}  // namespace

CuResult after_wait(int device) {
    Process& process = Process::get();
    process.ledger().wait_while(device, Fault::hang_synchronize);
    strike(process, device);
    return process.admit_device(device);
}

bool may_work(int device) {
    Process& process = Process::get();
    process.ledger().wait_while(device, Fault::hang_copy);
    strike(process, device);
    return process.admit_device(device) == CuResult::success;
}

}  // namespace windlass::emulator
