// What every kernel knows about one image; grouping/task.py lays out the same fields.
#pragma once

constexpr float LIMIT = 1e30f;            // head values are clipped to +-LIMIT, see upsampling.py
constexpr float OFFSET_LIMIT = 1e6f;
constexpr float LARGEST = 3.4028235e38f;
constexpr int PROBABILITY_ONE = 1 << 24;  // fixed point: sums do not depend on their order
constexpr int THING = 256;                // code of a pixel: a stuff class, THING + a class, or
constexpr int INSTANCE = 512;             // INSTANCE + the number of a centre
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

struct Task {
    // heads, float or half: [classes, rows, columns], [rows, columns], [2, rows, columns]
    const void* semantic;
    const void* center;
    const void* offset;
    const unsigned char* is_thing;      // [classes]
    const unsigned char* colors;        // [65536, 3] B, G, R of each label, or null
    const unsigned char* camera;        // [height, step] bytes of B, G, R, or null
    unsigned char* network_input;       // [input_height, input_width, 3], or null
    // work, written by one kernel and read by a later one
    unsigned short* cell_code;          // [rows, columns]
    int* probability;                   // [rows, columns] of the cell's class
    unsigned* peaks;                    // [height, words] a bit for each pixel
    int* row_peaks;                     // [height], zero at first
    int* busy_rows;                     // [height] those that have peaks
    float* center_y;                    // [MOST_CENTERS]
    float* center_x;                    // [MOST_CENTERS]
    float* heat;                        // [MOST_CENTERS]
    int* center_count;                  // [1]
    int* areas;                         // [THING] pixels of each stuff class, zero at first
    int* votes;                         // [top_k, classes] pixels, zero at first
    unsigned short* label_of;           // [INSTANCE + top_k] label of each code
    unsigned short* class_of;           // [INSTANCE + top_k] class of each code
    // results
    unsigned short* labels;             // [height, width]; codes until they are painted
    Tally* tallies;                     // [classes + top_k], zero at first
    unsigned char* confidence;          // [height, width] or null
    unsigned char* semantic_image;      // [height, width] or null
    unsigned short* instance_image;     // [height, width] or null
    unsigned char* overlay;             // [height, width, 3] or null
    int classes, rows, columns;
    int height, width, words;           // of the label image; words of 32 peaks in a row
    int step;                           // bytes between two rows of the camera image
    int input_height, input_width;      // of the network, to which the heads belong
    int stride, align_corners;          // see Grid in heads.py
    float shift, y_step, x_step;        // in cells
    float y_scale, x_scale;             // pixels of the label image per pixel of the input
    float threshold;
    int radius, top_k, stuff_area;
    int label_divisor, max_instances;
    float opacity;
};

using Tasks = const Task* __restrict__;     // of a batch, one for each image
