// The likeliest channel of each cell, and its soft-max probability.
#pragma once
#include "exponential.cuh"
#include "task.cuh"
#include "upsampling.cuh"
#include "warp.cuh"

// A thread for each cell.
template <class Float>
__device__ void find_channels(Tasks tasks) {
    const Task& task = tasks[blockIdx.z];
    const Canvas& canvas = task.canvas;
    const int cells = canvas.rows * canvas.columns;
    const int cell = blockIdx.x * threads_of_block() + thread_of_block();
    if (cell >= cells) {
        return;
    }
    const Float* logits = task.semantic.as<Float>() + cell;
    const auto logit_of = [&](int channel) {
        return finite_logit(as_float(logits[static_cast<long long>(channel) * cells]));
    };
    float best = logit_of(0);
    int winner = 0;
#pragma unroll 4
    for (int channel = 1; channel < task.channels; ++channel) {
        const float logit = logit_of(channel);
        if (logit > best) {
            best = logit;
            winner = channel;
        }
    }
    float total = 0.0f;
#pragma unroll 4
    for (int channel = 0; channel < task.channels; ++channel) {
        total += exact_exp(fmaxf(logit_of(channel) - best, -EXP_LIMIT));
    }
    task.channel[cell] = static_cast<unsigned char>(winner);
    canvas.probability[cell] = static_cast<int>(PROBABILITY_ONE * reciprocal(total));
}
