from collections.abc import Iterator

import effort
import pytest


@pytest.fixture(scope='module', autouse=True)
def _half_the_size() -> Iterator[None]:
    """Kernels run on a double of a GPU here: there are blocks enough in a quarter of the pixels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effort, 'SCALE', 2)
        yield
