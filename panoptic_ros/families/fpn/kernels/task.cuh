// The task, which the kernels of detections read for one image; fpn/task.py lays out the same
// fields.
#pragma once
#include "locations.cuh"

constexpr int MOST_DETECTIONS = 1000;   // that fpn.Detections allows
constexpr int WORD = 32;                // bits of a word, each for a pixel of a row
constexpr int LINES = 8;                // rows of pixels for each warp

// A detection that takes part.
struct alignas(16) Chosen {
    float box[4];                       // x0, y0, x1, y1 in pixels of the label image
    int pixels[4];                      // left, top, right, bottom of those whose middles it has
    int row, class_id;
    float score;
    int unused;

    __device__ int height() const {
        return max(pixels[3] - pixels[1], 0);
    }
    __device__ int first_word() const {
        return pixels[0] / WORD;
    }
    __device__ int words() const {      // that the box has in each row
        return pixels[0] < pixels[2] ? (pixels[2] - 1) / WORD - first_word() + 1 : 0;
    }
};

struct Task {
    Canvas canvas;
    // outputs, float or half: [channels, rows, columns], [detections, 4], [detections],
    // [detections] integers of class_bytes, [detections, side, side]
    Global<const void> semantic;
    Global<const void> boxes;
    Global<const void> scores;
    Global<const void> classes;
    Global<const void> masks;
    Global<const unsigned short> stuff_code;    // [channels] the code of each
    Global<const unsigned short> thing_class;   // [things] the class of each in the label space
    Global<const Location> row_locations;       // [height]
    Global<const Location> column_locations;    // [width]
    // working memory, which one kernel writes and a later one reads
    Global<unsigned char> channel;      // [rows, columns] the likeliest of each cell
    Global<Chosen> chosen;              // [detections], the likeliest first; instance_count is
                                        // their number
    Global<unsigned> bits;              // [detections, height, words] of each mask, in its box
    Global<unsigned> painted;           // [height, words] pixels of things, zero at first
    Global<unsigned> area;              // [detections] pixels of each mask, zero at first
    Global<unsigned char> accepted;     // [detections] whether it is painted
    Global<unsigned> finished;          // [1] finished blocks of a kernel, zero at first
    double overlap_threshold;
    float score_threshold;
    float x_scale, y_scale;             // pixels of the label image for one of the input
    int channels, things, detections, side, words, class_bytes;
    int row_reach, column_reach;        // cells after its first that a pixel may have a part of

    __device__ unsigned* row_of_bits(int index, int y) const {
        return bits + (static_cast<long long>(index) * canvas.height + y) * words;
    }
    __device__ unsigned* row_of_painted(int y) const {
        return painted + static_cast<long long>(y) * words;
    }
};

using Tasks = const Task* __restrict__;     // the tasks of a batch, one for each image
