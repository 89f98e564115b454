// The exponential function, with the operations of exponential.py in their order: equal to the last
// bit.
#pragma once

constexpr float EXP_LIMIT = 80.0f;

// e to the x, for x between -EXP_LIMIT and EXP_LIMIT.
__device__ inline float exact_exp(float x) {
    const float power = floorf(x * 1.4426950408889634f + 0.5f);
    float rest = x - power * 0.693359375f;
    rest = rest - power * -2.12194440e-4f;
    float value = 0.0013814577f * rest + 0.008368726f;
    value = value * rest + 0.04166839f;
    value = value * rest + 0.16666521f;
    value = value * rest + 0.49999994f;
    value = (value * (rest * rest) + rest) + 1.0f;
    return value * __uint_as_float(static_cast<unsigned>(static_cast<int>(power) + 127) << 23);
}

// Return 1 / x, rounded to the nearest float, for x from 1 to 1e36.  These are the operations with
// which the compiler divides 1 by such a number.  It would add others for what is no such number.
__device__ inline float reciprocal(float x) {
#ifdef CUDA_ON_CPU
    return 1.0f / x;
#else
    float guess;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(guess) : "f"(x));
    return __fmaf_rn(guess, -__fmaf_rn(x, guess, -1.0f), guess);
#endif
}
