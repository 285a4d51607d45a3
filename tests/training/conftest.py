"""What the training tests share: they run only where torch and its companions are installed."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training needs the extra 'train'")
pytest.importorskip("soundfile", reason="training needs the extra 'train'")


@pytest.fixture(scope="session")
def banks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Banks of generated sounds, as quick mode makes them."""
    from streamseg.training.banks import quick_banks

    folder = tmp_path_factory.mktemp("banks")
    quick_banks(folder, seed=3)
    return folder
