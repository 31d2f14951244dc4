// Every way in which the CUDA plug-in can be missing, wrong or without a GPU, and that each says so.
#include "ops/device.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace frugal {
namespace {

CudaDevice probe_fake(const char* which) { return probe_cuda(std::string(FRUGAL_FAKE_CUDA) + which + ".so"); }

void expect_refused(const CudaDevice& device, const std::string& because) {
  EXPECT_FALSE(device.available);
  EXPECT_EQ(device.table, nullptr);
  EXPECT_NE(device.reason.find(because), std::string::npos) << device.reason;
}

TEST(CudaPlugin, MissingFile) {
  expect_refused(probe_cuda("/nowhere/libfrugal_cuda.so"), "no plug-in at /nowhere/libfrugal_cuda.so");
}

TEST(CudaPlugin, FileThatIsNoLibrary) {
  expect_refused(probe_cuda(std::string(FRUGAL_SOURCE_DIR) + "/MAP.md"), "cannot be loaded");
}

TEST(CudaPlugin, LibraryWithoutTheFunction) { expect_refused(probe_fake("empty"), "it has no frugal_cuda_table"); }
TEST(CudaPlugin, WrongVersion) { expect_refused(probe_fake("old"), "is of version 42, this program needs 1"); }
TEST(CudaPlugin, NoGpu) { expect_refused(probe_fake("no_gpu"), "no GPU: the driver is on holiday"); }
TEST(CudaPlugin, GpuThatDoesNotAnswer) { expect_refused(probe_fake("silent_gpu"), "CUDA error 46"); }

TEST(CudaPlugin, GpuThatAnswers) {
  const CudaDevice device = probe_fake("one_gpu");
  ASSERT_TRUE(device.available) << device.reason;
  EXPECT_EQ(device.reason, "");
  EXPECT_EQ(device.name, "Pretended GPU");
  EXPECT_EQ(device.count, 2);
  EXPECT_EQ(device.memory_bytes, 1 << 20);
  EXPECT_EQ(device.table->version, kCudaTableVersion);
}

TEST(CudaPlugin, PathFromEnvironmentElseBesideTheProgram) {
  ASSERT_EQ(setenv("FRUGAL_CUDA_PLUGIN", "/some/where/plugin.so", 1), 0);
  EXPECT_EQ(cuda_plugin_path(), "/some/where/plugin.so");
  ASSERT_EQ(unsetenv("FRUGAL_CUDA_PLUGIN"), 0);
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe");
  EXPECT_EQ(cuda_plugin_path(), (program.parent_path() / "libfrugal_cuda.so").string());
}

// The real plug-in, where it was built: a GPU with a name and memory, or a reason that is not about the
// plug-in itself.
TEST(CudaPlugin, RealOneFindsAGpuOrSaysWhyNot) {
  if (!FRUGAL_HAVE_CUDA_PLUGIN) GTEST_SKIP() << "built without the CUDA toolkit";
  const CudaDevice& device = cuda_device();
  if (!device.available) {
    expect_refused(device, "no GPU: ");
    return;
  }
  EXPECT_NE(device.name, "");
  EXPECT_GT(device.memory_bytes, int64_t{1} << 28);
  EXPECT_GE(device.count, 1);
}

}  // namespace
}  // namespace frugal
