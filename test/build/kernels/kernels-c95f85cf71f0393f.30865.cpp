#include "/tmp/w/cuda/test/support/cuda_on_cpu.hpp"
#include "/tmp/w/cuda/panoptic_ros/families/deeplab/kernels/kernels.cu"
EXPORT_KERNEL(resize_images)
EXPORT_KERNEL(read_heads_float)
EXPORT_KERNEL(read_heads_half)
EXPORT_KERNEL(assign_patches_float)
EXPORT_KERNEL(assign_patches_half)
EXPORT_KERNEL(settle_pixels_float)
EXPORT_KERNEL(settle_pixels_half)
EXPORT_KERNEL(paint_labels_float)
EXPORT_KERNEL(paint_labels_half)
EXPORT_KERNEL(measure_confidence)
