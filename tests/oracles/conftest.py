from pathlib import Path

import pytest


@pytest.fixture
def models():
    """The folder of shipped models."""
    return Path(__file__).resolve().parents[2] / "models"
