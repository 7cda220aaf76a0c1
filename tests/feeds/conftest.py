"""What the tests of feeds get beside what every test gets."""

import pytest
from fixed import Fixed


@pytest.fixture
def fixed(open_folder, reprised, certificate):
    """Makes servers, and one reprised that feeds them; both stop with the test."""
    made = []

    def make(*kinds):
        made.append(Fixed(reprised, certificate, open_folder, *kinds))
        return made[-1]

    yield make
    for each in made:
        each.stop()
