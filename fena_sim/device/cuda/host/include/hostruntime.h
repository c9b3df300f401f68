// The part of CUDA's runtime library that the generated sources call.
#pragma once

enum cudaError { cudaSuccess = 0, cudaErrorMemoryAllocation = 2 };
typedef cudaError cudaError_t;
enum cudaMemcpyKind { cudaMemcpyHostToHost, cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum cudaLimit { cudaLimitMallocHeapSize };

struct cudaDeviceProp {
    char name[256];
    int multiProcessorCount, maxThreadsPerBlock, maxThreadsPerMultiProcessor, warpSize, major, minor;
    std::size_t sharedMemPerBlock, totalGlobalMem;
};
struct cudaFuncAttributes {
    int maxThreadsPerBlock, numRegs;
    std::size_t sharedSizeBytes, localSizeBytes, constSizeBytes;
};

inline const char* cudaGetErrorString(cudaError error) { return error ? "out of memory" : "no error"; }
inline cudaError cudaGetLastError() { return cudaSuccess; }
inline cudaError cudaDeviceSynchronize() { return cudaSuccess; }
inline cudaError cudaSetDevice(int) { return cudaSuccess; }
inline cudaError cudaDeviceReset() { return cudaSuccess; }
inline cudaError cudaDeviceSetLimit(cudaLimit, std::size_t) { return cudaSuccess; }
inline cudaError cudaProfilerStart() { return cudaSuccess; }
inline cudaError cudaProfilerStop() { return cudaSuccess; }

inline cudaError cudaGetDeviceProperties(cudaDeviceProp* about, int)
{
    std::memset(about, 0, sizeof *about);
    std::strcpy(about->name, "CPU");
    about->multiProcessorCount = 4;
    about->maxThreadsPerBlock = 1024;
    about->maxThreadsPerMultiProcessor = 2048;
    about->warpSize = 32;
    about->major = 9;
    about->sharedMemPerBlock = 49152;
    about->totalGlobalMem = std::size_t(80) << 30;
    return cudaSuccess;
}
inline cudaError cudaMemGetInfo(std::size_t* free, std::size_t* total)
{
    *total = std::size_t(80) << 30;
    *free = *total - hostcuda::statistics().bytes;
    return cudaSuccess;
}
template <class T> cudaError cudaMalloc(T** memory, std::size_t size)
{
    *memory = static_cast<T*>(hostcuda::allocate(size));
    return *memory ? cudaSuccess : cudaErrorMemoryAllocation;
}
inline cudaError cudaFree(void* memory)
{
    hostcuda::release(memory);
    return cudaSuccess;
}
inline cudaError cudaMemcpy(void* to, const void* from, std::size_t size, cudaMemcpyKind kind)
{
    auto& s = hostcuda::statistics();
    if (kind == cudaMemcpyHostToDevice) { s.copies_to_device++; s.bytes_to_device += size; }
    if (kind == cudaMemcpyDeviceToHost) { s.copies_to_host++; s.bytes_to_host += size; }
    std::memmove(to, from, size);
    return cudaSuccess;
}
inline cudaError cudaMemset(void* to, int value, std::size_t size)
{
    hostcuda::statistics().memsets++;
    std::memset(to, value, size);
    return cudaSuccess;
}
template <class T> cudaError cudaMemcpyToSymbol(T& symbol, const void* from, std::size_t size)
{
    std::memcpy(static_cast<void*>(&symbol), from, size);
    return cudaSuccess;
}
template <class F> cudaError cudaOccupancyMaxPotentialBlockSize(int* blocks, int* threads, F, std::size_t = 0, int = 0)
{
    *blocks = 4;
    *threads = 256;
    return cudaSuccess;
}
template <class F> cudaError cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, F, int threads, std::size_t)
{
    *blocks = threads ? 2048 / threads : 0;
    return cudaSuccess;
}
template <class F> cudaError cudaFuncGetAttributes(cudaFuncAttributes* about, F)
{
    std::memset(about, 0, sizeof *about);
    about->maxThreadsPerBlock = 1024;
    return cudaSuccess;
}
