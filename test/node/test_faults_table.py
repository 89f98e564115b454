import ast
from pathlib import Path

import faults
import pytest


def test_every_row_is_whole():
    rows = faults.rows()
    assert len(rows) == len(faults.FAULTS), 'two rows of one name'
    for cells in rows:
        assert len(cells) == len(faults.COLUMNS), cells
        assert all(cells), cells


@pytest.mark.parametrize('fault', faults.FAULTS.values(), ids=lambda fault: fault.name)
def test_every_row_is_shown_by_the_test_that_it_names(fault):
    file, name = fault.test.split('::')
    text = (Path(__file__).parent / file).read_text(encoding='utf-8')
    function = next(node for node in ast.parse(text).body
                    if isinstance(node, ast.FunctionDef) and node.name == name)
    code = ''.join(ast.get_source_segment(text, node) for node in
                   (function, *function.decorator_list))
    assert f"'{fault.name}'" in code, 'the test does not look up its row'
