// Which detections take part, the likeliest first; see selection.py.
#pragma once
#include "task.cuh"
#include "upsampling.cuh"
#include "warp.cuh"

// A probability from 0 to 1; NaN is 0, because fmaxf returns the other value if one is NaN.
__device__ inline float unit(float value) {
    return fminf(fmaxf(value, 0.0f), 1.0f);
}

__device__ inline long long class_of_row(const Task& task, int row) {
    return task.class_bytes == 8 ? task.classes.as<long long>()[row] : task.classes.as<int>()[row];
}

// Bring one side of a box to the label image.
__device__ inline float place_side(float side, float scale, int limit) {
    return fminf(fmaxf(side * scale, 0.0f), static_cast<float>(limit));
}

// Write the box of a detection and its pixels.  Returns whether it has both a box and a class.
template <class Float>
__device__ bool place(const Task& task, int row, Chosen* chosen) {
    const Float* box = task.boxes.as<Float>() + 4 * row;
    const long long number = class_of_row(task, row);
    bool is_known = number >= 0 && number < task.things;
    for (int side = 0; side < 4; ++side) {
        const float value = as_float(box[side]);
        is_known = is_known && fabsf(value) <= LARGEST;
        chosen->box[side] = side % 2 ? place_side(value, task.y_scale, task.canvas.height)
                                     : place_side(value, task.x_scale, task.canvas.width);
    }
    if (!is_known || !(chosen->box[2] > chosen->box[0] && chosen->box[3] > chosen->box[1])) {
        return false;
    }
    for (int side = 0; side < 2; ++side) {
        chosen->pixels[side] = static_cast<int>(ceilf(chosen->box[side] - 0.5f));
        chosen->pixels[side + 2] = static_cast<int>(floorf(chosen->box[side + 2] - 0.5f)) + 1;
    }
    chosen->row = row;
    chosen->class_id = task.thing_class[number];
    return true;
}

// One block serves an image.
template <class Float>
__device__ void order_detections(Tasks tasks) {
    __shared__ float scores[MOST_DETECTIONS];   // of those that take part, otherwise -1
    __shared__ int found;
    const Task& task = tasks[blockIdx.z];
    if (thread_of_block() == 0) {
        found = 0;
    }
    __syncthreads();
    for (int row = thread_of_block(); row < task.detections; row += threads_of_block()) {
        Chosen chosen;
        const float score = unit(as_float(task.scores.as<Float>()[row]));
        const bool takes_part = score > 0.0f && score >= task.score_threshold
            && place<Float>(task, row, &chosen);
        scores[row] = takes_part ? score : -1.0f;
        if (takes_part) {
            atomicAdd(&found, 1);
        }
    }
    __syncthreads();
    for (int row = thread_of_block(); row < task.detections; row += threads_of_block()) {
        const float score = scores[row];
        if (score < 0.0f) {
            continue;
        }
        int rank = 0;
        for (int other = 0; other < task.detections; ++other) {
            rank += scores[other] > score || (scores[other] == score && other < row);
        }
        Chosen chosen;
        place<Float>(task, row, &chosen);
        chosen.score = task.canvas.score[rank] = score;
        chosen.unused = 0;
        task.chosen[rank] = chosen;
    }
    if (thread_of_block() == 0) {
        *task.canvas.instance_count = found;
    }
}
