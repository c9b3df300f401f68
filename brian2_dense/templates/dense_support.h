#ifndef FENA_DENSE_SUPPORT
#define FENA_DENSE_SUPPORT

#include <cstddef>
#include <cstdlib>
#include <math.h>
#include <new>

#if defined(__GNUC__) && !defined(_WIN32)
// Every array begins on a cache line: a vector that straddles two costs twice. Weak, so that each source may hold it.
__attribute__((weak)) void* operator new(std::size_t size)
{
    void* memory = aligned_alloc(64, (size/64 + 1)*64);
    if (!memory) throw std::bad_alloc();
    return memory;
}
__attribute__((weak)) void operator delete(void* memory) noexcept { free(memory); }
__attribute__((weak)) void operator delete(void* memory, std::size_t) noexcept { free(memory); }
#endif

// glibc has vector versions of these functions, but tells the compiler of them only under flags that
// give up NaN and infinity as well.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#define FENA_VECTOR(name) \
    __attribute__((simd("notinbranch"))) double name(double) noexcept; \
    __attribute__((simd("notinbranch"))) float name##f(float) noexcept;
extern "C" {
FENA_VECTOR(exp) FENA_VECTOR(log) FENA_VECTOR(sin) FENA_VECTOR(cos)
#if __GLIBC_PREREQ(2, 35)
FENA_VECTOR(tanh) FENA_VECTOR(sinh) FENA_VECTOR(cosh) FENA_VECTOR(tan) FENA_VECTOR(asin) FENA_VECTOR(acos)
FENA_VECTOR(atan) FENA_VECTOR(expm1) FENA_VECTOR(log1p) FENA_VECTOR(log10)
#endif
}
#undef FENA_VECTOR
#endif

#endif
