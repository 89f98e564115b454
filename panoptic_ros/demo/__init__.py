"""The whole way over DDS: a recorded drive in, panoptic images and objects out."""
