// cuRAND's functions for kernels: SplitMix64 (Steele, Lea & Flood 2014, doi 10.1145/2660193.2660195) in their place.
#pragma once
#include "curand.h"

struct curandState {
    std::uint64_t state;
    typedef std::uint64_t result_type;
    static constexpr result_type min() { return 0; }
    static constexpr result_type max() { return ~result_type(0); }
    result_type operator()()
    {
        std::uint64_t z = (state += 0x9E3779B97F4A7C15ull);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
        return z ^ (z >> 31);
    }
};
inline void curand_init(unsigned long long seed, unsigned long long sequence, unsigned long long offset, curandState* state)
{
    state->state = seed + (sequence << 20) * 0xD1342543DE82EF95ull + offset;
    (*state)();
}
inline double curand_uniform_double(curandState* state) { return double(((*state)() >> 11) + 1) / 9007199254740992.0; }
inline float curand_uniform(curandState* state) { return float(curand_uniform_double(state)); }
inline double curand_normal_double(curandState* state) { return std::normal_distribution<double>()(*state); }
inline float curand_normal(curandState* state) { return float(curand_normal_double(state)); }
inline unsigned curand_poisson(curandState* state, double mean) { return std::poisson_distribution<unsigned>(mean)(*state); }
