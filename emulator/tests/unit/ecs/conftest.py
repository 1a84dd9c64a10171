"""A fresh cloud for each test."""

import pytest

from emulator.tests.support.image_cloud import Cloud


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()
