// What every kernel knows about one image; grouping/task.py lays out the same fields.
#pragma once

constexpr float LIMIT = 1e30f;            // head values are clipped to +-LIMIT, see upsampling.py
constexpr float OFFSET_LIMIT = 1e6f;
constexpr float LARGEST = 3.4028235e38f;
constexpr int PROBABILITY_ONE = 1 << 24;  // fixed point: sums do not depend on their order
constexpr int THING = 256;                // code of a pixel: a stuff class, THING + a class, or
constexpr int INSTANCE = 512;             // INSTANCE + the number of a centre
constexpr unsigned short OPEN = 65535;    // code of a patch whose pixels may have several
constexpr int MOST_THREADS = 256;         // of a block
constexpr int MOST_CENTERS = 1000;        // GroupingOptions allows no larger top_k
constexpr unsigned short UNLABELED = 65535;
constexpr unsigned EVERY_LANE = 0xffffffffu;

// What is summed over the pixels of a segment.  All is zero at first, so the lower edges of the
// box are kept as their distance from FAR.
constexpr int FAR = 1 << 30;
struct Tally {
    unsigned long long area, sum_x, sum_y, probability;
    int from_x0, from_y0, x1, y1;
};

// A pointer to global memory: the compiler cannot know that of one that it reads from memory.
template <class T>
struct Global {
    T* pointer;

    __device__ operator T*() const {
        __builtin_assume(__isGlobal(pointer));
        return pointer;
    }

    template <class Element>
    __device__ const Element* as() const {
        return static_cast<const Element*>(static_cast<T*>(*this));
    }
};

struct Task {
    // heads, float or half: [classes, rows, columns], [rows, columns], [2, rows, columns]
    Global<const void> semantic;
    Global<const void> center;
    Global<const void> offset;
    Global<const unsigned char> is_thing;        // [classes]
    Global<const unsigned char> colors; // [65536, 3] B, G, R of each label, or null
    Global<const unsigned char> camera; // [height, step] bytes of B, G, R, or null
    Global<unsigned char> network_input; // [input_height, input_width, 3], or null
    // where the cells lie in the label image, see Axis in upsampling.py
    Global<const int> row_start;        // [rows + 1] first pixel that has the cell before it
    Global<const int> column_start;     // [columns + 1]
    Global<const int> row_nearest;      // [rows + 1] first pixel that is nearest to the cell
    Global<const int> column_nearest;   // [columns + 1]
    // work, written by one kernel and read by a later one
    Global<unsigned short> cell_code;   // [rows, columns]
    Global<int> probability;            // [rows, columns] of the cell's class
    Global<int> peaks;                  // [height * width] the pixels that are peaks, in no order
    Global<int> peak_count;             // [1], zero at first
    Global<unsigned short> patch_code;  // [rows, columns]
    Global<unsigned> open_patches;      // [rows * columns] in no order
    Global<int> open_count;             // [1], zero at first
    Global<unsigned> finished;          // [2] blocks of a kernel that are done, zero at first
    Global<float> center_y;             // [MOST_CENTERS]
    Global<float> center_x;             // [MOST_CENTERS]
    Global<float> heat;                 // [MOST_CENTERS]
    Global<int> center_count;           // [1]
    Global<int> votes;                  // [top_k, classes] pixels, zero at first
    Global<unsigned short> label_of;    // [INSTANCE + top_k] label of each code
    Global<unsigned short> class_of;    // [INSTANCE + top_k] class of each code
    // results
    Global<unsigned short> labels;      // [height, width]; of open patches codes until painted
    Global<Tally> tallies;              // [classes + top_k], zero at first
    Global<unsigned char> confidence;   // [height, width] or null
    Global<unsigned char> semantic_image; // [height, width] or null
    Global<unsigned short> instance_image;    // [height, width] or null
    Global<unsigned char> overlay;      // [height, width, 3] or null
    int classes, rows, columns;
    int height, width;                  // of the label image
    int patch_height, patch_width;      // of the largest patch
    int step;                           // bytes between two rows of the camera image
    int input_height, input_width;      // of the network, to which the heads belong
    float shift, y_step, x_step;        // in cells
    float y_scale, x_scale;             // pixels of the label image per pixel of the input
    float threshold;
    int radius, top_k, stuff_area;
    int label_divisor, max_instances;
    float opacity;
};

using Tasks = const Task* __restrict__;     // of a batch, one for each image
