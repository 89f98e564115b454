// The canvas, which the kernels of every family read for one image; segments/canvas.py lays out
// the same fields.
#pragma once

constexpr float LIMIT = 1e30f;            // logits are clipped to +-LIMIT, see upsampling.py
constexpr float LARGEST = 3.4028235e38f;
constexpr int PROBABILITY_ONE = 1 << 24;  // fixed point: sums do not depend on their order
// The code of a pixel is its stuff class, or THING + the class of a thing without an instance, or
// INSTANCE + the instance's number.
constexpr int THING = 256;
constexpr int INSTANCE = 512;
constexpr unsigned short OPEN = 65535;    // code of a patch whose pixels may have several codes
constexpr int MOST_THREADS = 256;         // threads of a block
constexpr int MOST_INSTANCES = 1000;      // instances of an image
constexpr unsigned short UNLABELED = 65535;
constexpr unsigned EVERY_LANE = 0xffffffffu;

// The sums over the pixels of a segment.  All fields are zero at first, so the lower edges of the
// box are kept as their distances from FAR.
constexpr int FAR = 1 << 30;
struct Tally {
    unsigned long long area, sum_x, sum_y, probability;
    int from_x0, from_y0, x1, y1;
};

// A pointer that is known to point to global memory.  The compiler cannot know that of a pointer
// which it reads from memory.
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

// The label image, the grid of the network's cells that it is painted from, and its segments.
struct Canvas {
    Global<const unsigned char> is_thing;   // [classes]
    // the places of the cells in the label image, see Axis in upsampling.py
    Global<const int> row_start;        // [rows + 1] first pixel that has the cell before it
    Global<const int> column_start;     // [columns + 1]
    Global<const int> row_nearest;      // [rows + 1] first pixel that is nearest to the cell
    Global<const int> column_nearest;   // [columns + 1]
    // working memory, which one kernel writes and a later one reads
    Global<int> probability;            // [rows, columns] of the cell's likeliest class
    Global<unsigned short> patch_code;  // [rows, columns]
    Global<unsigned> open_patches;      // [rows * columns] in any order
    Global<int> open_count;             // [1], zero at first
    Global<unsigned short> class_of;    // [INSTANCE + most instances] class of each code
    // results
    Global<int> instance_count;         // [1] codes from INSTANCE on that may have pixels
    Global<float> score;                // [most instances] of each instance, from 0 to 1
    Global<unsigned short> label_of;    // [INSTANCE + most instances] label of each code
    Global<unsigned short> labels;      // [height, width]; open patches have codes until painted
    Global<Tally> tallies;              // [classes + most instances], zero at first
    Global<unsigned char> confidence;   // [height, width] or null
    int classes, rows, columns;
    int image_rows, image_columns;      // of the cells that belong to no padding
    int height, width;                  // of the label image
    int patch_height, patch_width;      // of the largest patch
    float shift, y_step, x_step;        // in cells
    int stuff_area;                     // pixels that a stuff segment has at least
    int label_divisor, max_instances;
};
