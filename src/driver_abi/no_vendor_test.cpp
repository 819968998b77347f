// Stands in for vendor_cuda_test.cpp and vendor_nvml_test.cpp where no vendor's headers are found.
#include <doctest/doctest.h>

TEST_CASE("our driver declarations were not compared with the vendor's headers here") {
    MESSAGE("cuda.h or nvml.h not found; -DWINDLASS_CUDA_INCLUDE=FOLDER names where they are");
}
