from collections.abc import Iterator

import effort
import pytest


@pytest.fixture(scope='module', autouse=True)
def _half_the_size() -> Iterator[None]:
    """Kernels run on a double of a GPU here: a quarter of the pixels has blocks enough."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effort, 'SCALE', 2)
        yield
