// The probability of a segment's class in each cell, with which the labels are painted.
#pragma once
#include "heads.cuh"
#include "painting.cuh"

template <class Head>
__device__ int probability_of(const Task& task, int class_id, int row, int column) {
    const int cell = row * task.canvas.columns + column;
    const int winner = task.cell_code[cell] % THING;
    if (winner == class_id) {
        return task.canvas.probability[cell];
    }
    return static_cast<int>(task.canvas.probability[cell]
                            * expf(logit_at<Head>(task, class_id, row, column)
                                   - logit_at<Head>(task, winner, row, column)));
}

template <class Head>
__device__ void paint_labels(Tasks tasks) {
    const Task& task = tasks[blockIdx.z];
    paint(task.canvas, [&](int code, int row, int column) {
        return probability_of<Head>(task, task.canvas.class_of[code], row, column);
    });
}
