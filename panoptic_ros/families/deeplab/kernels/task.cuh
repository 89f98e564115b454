// The task, which the kernels of Panoptic-DeepLab read for one image; deeplab/task.py lays out the
// same fields.
#pragma once
#include "canvas.cuh"

constexpr float OFFSET_LIMIT = 1e6f;      // offsets are clipped to +-OFFSET_LIMIT pixels
constexpr int MOST_CENTERS = 1000;        // the largest top_k that deeplab.Options allows
static_assert(MOST_CENTERS <= MOST_INSTANCES, "each centre is an instance");

struct Task {
    Canvas canvas;
    // heads, float or half: [classes, rows, columns], [rows, columns], [2, rows, columns]
    Global<const void> semantic;
    Global<const void> center;
    Global<const void> offset;
    // working memory, which one kernel writes and a later one reads
    Global<unsigned short> cell_code;   // [rows, columns]
    Global<int> peaks;                  // [height * width] pixels that are peaks, in any order
    Global<int> peak_count;             // [1], zero at first
    Global<unsigned> finished;          // [2] finished blocks of a kernel, zero at first
    Global<float> center_y;             // [MOST_CENTERS]
    Global<float> center_x;             // [MOST_CENTERS]
    Global<int> votes;                  // [top_k, classes] pixels, zero at first
    float y_scale, x_scale;             // pixels of the label image per pixel of the input
    float threshold;
    int radius, top_k;
};

using Tasks = const Task* __restrict__;     // the tasks of a batch, one for each image
