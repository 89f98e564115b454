// The likeliest class of each cell and its probability, and the peaks of the heatmap.
#pragma once
#include "centers.cuh"

template <class Head>
__device__ void read_cell(const Task& task, int cell) {
    const int cells = task.canvas.rows * task.canvas.columns;
    const Head* logits = task.semantic.as<Head>() + cell;
    float best = finite_logit(as_float(*logits));
    float total = 1.0f;                     // sum of exp(logit - best)
    int winner = 0;
#pragma unroll 4
    for (int class_id = 1; class_id < task.canvas.classes; ++class_id) {
        const float logit = finite_logit(as_float(logits[static_cast<long long>(class_id)
                                                         * cells]));
        const float ratio = expf(-fabsf(logit - best));
        if (logit > best) {
            total = total * ratio + 1.0f;
            best = logit;
            winner = class_id;
        } else {
            total += ratio;
        }
    }
    task.cell_code[cell] = static_cast<unsigned short>(
        task.canvas.is_thing[winner] ? THING + winner : winner);
    task.canvas.probability[cell] = static_cast<int>(PROBABILITY_ONE / total);
}

// One thread for each cell and the patch after it.  The last block to finish lists the centres.
template <class Head>
__device__ void read_heads(Tasks tasks) {
    __shared__ unsigned warm[MOST_THREADS]; // patches that may have peaks
    __shared__ unsigned warm_count;
    const Task& task = tasks[blockIdx.z];
    const int row = blockIdx.y * blockDim.y + threadIdx.y;
    const int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (thread_of_block() == 0) {
        warm_count = 0;
    }
    __syncthreads();
    if (row < task.canvas.rows && column < task.canvas.columns) {
        read_cell<Head>(task, row * task.canvas.columns + column);
        const Patch patch = patch_at(task.canvas, row, column);
        if (may_have_peaks<Head>(task, patch)) {
            warm[atomicAdd(&warm_count, 1u)] = pack(patch);
        }
    }
    __syncthreads();
    for (unsigned index = threadIdx.y; index < warm_count; index += blockDim.y) {
        find_peaks<Head>(task, unpack(task.canvas, warm[index]));
    }
    if (is_last_block(&task.finished[0])) {
        list_centers<Head>(task);
    }
}
