import dataset_trees
import pytest


@pytest.fixture
def tree(tmp_path):
    """Return a function that writes three frames of a kind and returns the root."""
    return lambda kind, **options: dataset_trees.tree(kind, tmp_path, **options)
