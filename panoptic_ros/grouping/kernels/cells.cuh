// Reading the heads: the likeliest class of each cell and its probability.
#pragma once
#include "upsampling.cuh"

template <class Head>
__device__ void read_cells(Tasks tasks) {
    const Task& task = tasks[blockIdx.z];
    const int cells = task.rows * task.columns;
    const int cell = blockIdx.x * blockDim.x + threadIdx.x;
    if (cell >= cells) {
        return;
    }
    const Head* logits = static_cast<const Head*>(task.semantic);
    float best = finite_logit(as_float(logits[cell]));
    float total = 1.0f;                     // of exp(logit - best)
    int winner = 0;
#pragma unroll 4
    for (int class_id = 1; class_id < task.classes; ++class_id) {
        const float logit = finite_logit(
            as_float(logits[static_cast<long long>(class_id) * cells + cell]));
        if (logit > best) {
            total = total * expf(best - logit) + 1.0f;
            best = logit;
            winner = class_id;
        } else {
            total += expf(logit - best);
        }
    }
    task.cell_code[cell] = static_cast<unsigned short>(
        task.is_thing[winner] ? THING + winner : winner);
    task.probability[cell] = static_cast<int>(PROBABILITY_ONE / total);
}
