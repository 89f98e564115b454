import signal

import cv2

from panoptic_ros.streets.rendering import rendering_pool


def test_processes_that_draw_share_the_cores_and_leave_ctrl_c_to_who_waits():
    with rendering_pool(1) as pool:
        assert pool.submit(cv2.getNumThreads).result(60) == 1
        assert pool.submit(signal.getsignal, signal.SIGINT).result(60) == signal.SIG_IGN
