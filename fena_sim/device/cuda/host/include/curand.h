// Random numbers in the place of cuRAND's: other numbers, the same distributions.
#pragma once
#define CURAND_H_  // brian2cuda asks for it
#include "hostcuda.h"
#include <random>

enum curandStatus_t {
    CURAND_STATUS_SUCCESS, CURAND_STATUS_VERSION_MISMATCH, CURAND_STATUS_NOT_INITIALIZED, CURAND_STATUS_ALLOCATION_FAILED,
    CURAND_STATUS_TYPE_ERROR, CURAND_STATUS_OUT_OF_RANGE, CURAND_STATUS_LENGTH_NOT_MULTIPLE,
    CURAND_STATUS_DOUBLE_PRECISION_REQUIRED, CURAND_STATUS_LAUNCH_FAILURE, CURAND_STATUS_PREEXISTING_FAILURE,
    CURAND_STATUS_INITIALIZATION_FAILED, CURAND_STATUS_ARCH_MISMATCH, CURAND_STATUS_INTERNAL_ERROR
};
enum curandRngType_t { CURAND_RNG_PSEUDO_DEFAULT };

struct HostGenerator { std::mt19937_64 engine; };
typedef HostGenerator* curandGenerator_t;

inline curandStatus_t curandCreateGenerator(curandGenerator_t* generator, curandRngType_t)
{
    *generator = new HostGenerator;
    return CURAND_STATUS_SUCCESS;
}
inline curandStatus_t curandDestroyGenerator(curandGenerator_t generator)
{
    delete generator;
    return CURAND_STATUS_SUCCESS;
}
inline curandStatus_t curandSetPseudoRandomGeneratorSeed(curandGenerator_t generator, unsigned long long seed)
{
    generator->engine.seed(seed);
    return CURAND_STATUS_SUCCESS;
}
inline curandStatus_t curandSetGeneratorOffset(curandGenerator_t generator, unsigned long long n)
{
    generator->engine.discard(n);
    return CURAND_STATUS_SUCCESS;
}
template <class R> curandStatus_t host_uniform(curandGenerator_t generator, R* to, std::size_t n)
{
    for (std::size_t k = 0; k < n; k++) to[k] = R(double((generator->engine() >> 11) + 1) / 9007199254740992.0);  // (0, 1]
    return CURAND_STATUS_SUCCESS;
}
template <class R> curandStatus_t host_normal(curandGenerator_t generator, R* to, std::size_t n, R mean, R sd)
{
    if (n % 2) return CURAND_STATUS_LENGTH_NOT_MULTIPLE;  // as cuRAND does
    std::normal_distribution<double> normal(mean, sd);
    for (std::size_t k = 0; k < n; k++) to[k] = R(normal(generator->engine));
    return CURAND_STATUS_SUCCESS;
}
inline curandStatus_t curandGenerateUniform(curandGenerator_t g, float* to, std::size_t n) { return host_uniform(g, to, n); }
inline curandStatus_t curandGenerateUniformDouble(curandGenerator_t g, double* to, std::size_t n) { return host_uniform(g, to, n); }
inline curandStatus_t curandGenerateNormal(curandGenerator_t g, float* to, std::size_t n, float mean, float sd)
{
    return host_normal(g, to, n, mean, sd);
}
inline curandStatus_t curandGenerateNormalDouble(curandGenerator_t g, double* to, std::size_t n, double mean, double sd)
{
    return host_normal(g, to, n, mean, sd);
}
inline curandStatus_t curandGeneratePoisson(curandGenerator_t g, unsigned* to, std::size_t n, double mean)
{
    std::poisson_distribution<unsigned> poisson(mean);
    for (std::size_t k = 0; k < n; k++) to[k] = poisson(g->engine);
    return CURAND_STATUS_SUCCESS;
}
