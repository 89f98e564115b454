// Images for people and for other nodes, made from the labels only when asked for.
#pragma once
#include "upsampling.cuh"

// Whether a thing pixel's right or lower neighbour belongs to another segment.
__device__ inline bool is_outline(const Task& task, int y, int x, int label) {
    const unsigned short* labels = task.labels + y * task.width + x;
    return task.is_thing[label / task.label_divisor]
        && ((x + 1 < task.width && labels[1] != label)
            || (y + 1 < task.height && labels[task.width] != label));
}

// A colour of its own for each instance of a class, from the table of the labels' colours.
__device__ inline void draw_overlay(const Task& task, int y, int x, int label) {
    const int pixel = y * task.width + x;
    const unsigned char* camera = task.camera + y * task.step + 3 * x;
    unsigned char* overlay = task.overlay + 3 * pixel;
    for (int channel = 0; channel < 3; ++channel) {
        if (label == UNLABELED) {
            overlay[channel] = camera[channel];
        } else if (is_outline(task, y, x, label)) {
            overlay[channel] = 255;
        } else {
            const float mixed = camera[channel] * (1.0f - task.opacity)
                + task.colors[3 * label + channel] * task.opacity;
            overlay[channel] = static_cast<unsigned char>(rintf(mixed));
        }
    }
}

__device__ inline unsigned char confidence_at(const Task& task, int y, int x) {
    const Place row = locate_row(task, y);
    const Place column = locate_column(task, x);
    const int* above = task.probability + row.before * task.columns;
    const int* below = task.probability + row.after * task.columns;
    const float value = interpolate(
        row, column, static_cast<float>(above[column.before]),
        static_cast<float>(above[column.after]), static_cast<float>(below[column.before]),
        static_cast<float>(below[column.after]));
    return static_cast<unsigned char>(value * (255.0f / PROBABILITY_ONE) + 0.5f);
}

__device__ inline void draw(Tasks tasks) {
    const Task& task = tasks[blockIdx.z];
    const int x = blockIdx.x * blockDim.x + threadIdx.x;
    const int y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= task.width || y >= task.height) {
        return;
    }
    const int pixel = y * task.width + x, label = task.labels[pixel];
    if (task.confidence) {
        task.confidence[pixel] = confidence_at(task, y, x);
    }
    if (task.semantic_image) {
        task.semantic_image[pixel] = static_cast<unsigned char>(
            label == UNLABELED ? 255 : label / task.label_divisor);
    }
    if (task.instance_image) {
        task.instance_image[pixel] = static_cast<unsigned short>(
            label == UNLABELED ? 0 : label % task.label_divisor);
    }
    if (task.overlay) {
        draw_overlay(task, y, x, label);
    }
}
