"""What the tests of networks share."""

from contextlib import suppress

import pytest
from boxes import Boxes


@pytest.fixture(scope='session', autouse=True)
def one_thread():
    """Networks this small lose by sharing their work, above all on a busy machine."""
    with suppress(ImportError):
        import torch
        torch.set_num_threads(1)


@pytest.fixture(scope='session')
def boxes():
    return Boxes()
