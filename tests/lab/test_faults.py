"""Each fault of the laboratory is there, and its sound counterpart is without it."""

import faults
import proofs
import pytest
from laboratory import Laboratory

pytestmark = pytest.mark.tools


def seen(folder, name, sound):
    with Laboratory(folder, name, sound) as lab:
        found = proofs.of(name)(lab)
        errors = lab.stop()
    assert not errors, errors
    return found


@pytest.mark.parametrize(
    "name",
    [n if n in faults.SHORT_RUN else pytest.param(n, marks=pytest.mark.full) for n in faults.BY_NAME],
)
def test_the_fault_is_there_alone(tmp_path, name):
    assert seen(tmp_path, name, sound=False), "the fault is not to be seen"
    assert not seen(tmp_path, name, sound=True), "it is to be seen where it should not be"
