"""Facts about what masks are trained to say."""

from pathlib import Path

import numpy as np
import pytest
import torch

from streamseg.training import mask_data
from streamseg.training.fit import Plan
from streamseg.training.mask_data import Pictures

FLOOR_DB = -100.0


def units(music_db: float, noise_db: float) -> tuple[torch.Tensor, torch.Tensor]:
    """A picture of one window in which every unit has these powers."""
    unit_db = torch.full((1, 3, 16, 4), FLOOR_DB)
    unit_db[:, 0], unit_db[:, 2] = music_db, noise_db
    heard_db = 10 * torch.log10((10 ** (unit_db / 10)).sum(1))
    return unit_db, heard_db


@pytest.fixture(scope="module")
def pictures(banks: Path, tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    """Twelve scenes of generated sounds in two shards."""
    folder = tmp_path_factory.mktemp("scenes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mask_data, "PER_SHARD", 6)
        for index in range(2):
            mask_data.render_shard(banks, None, folder, 0, index)
    return Pictures.read(folder)


def test_who_is_alone_has_all() -> None:
    """A window of one class is wholly that class."""
    asked = mask_data.targets(*units(-20.0, FLOOR_DB))
    torch.testing.assert_close(asked.share[0, 0, 0], torch.tensor([1.0, 0.0, 0.0]))
    assert asked.known.item() == 1


@pytest.mark.parametrize("ratio_db", [20, 10, 0, -10, -20])
def test_a_faint_class_keeps_a_share(ratio_db: int) -> None:
    """Shares rise with the ratio, are equal at 0 dB, and sum to one: power to the exponent."""
    asked = mask_data.targets(*units(-30.0 + ratio_db, -30.0), exponent=0.25)
    strength = 10 ** (0.25 * ratio_db / 10)
    expected = torch.tensor([strength, 0.0, 1.0]) / (strength + 1)
    torch.testing.assert_close(asked.share[0, 0, 0], expected)


def test_a_window_is_the_mean_of_its_units_by_loudness(monkeypatch: pytest.MonkeyPatch) -> None:
    """Music in one half of the units, noise in the other: half each, loud units weigh more."""
    unit_db = torch.full((1, 3, 16, 4), FLOOR_DB)
    unit_db[:, 0, :, :2] = -20.0
    unit_db[:, 2, :, 2:] = -20.0
    asked = mask_data.targets(unit_db, unit_db.max(1).values)
    torch.testing.assert_close(asked.share[0, 0, 0], torch.tensor([0.5, 0.0, 0.5]))
    unit_db[:, 2, :, 2:] = -40.0  # 20 dB less: a tenth of the weight
    asked = mask_data.targets(unit_db, unit_db.max(1).values)
    torch.testing.assert_close(asked.share[0, 0, 0], torch.tensor([10.0, 0.0, 1.0]) / 11)
    monkeypatch.setattr(mask_data, "LOUDNESS_EXPONENT", 0.0)
    asked = mask_data.targets(unit_db, unit_db.max(1).values)
    torch.testing.assert_close(asked.share[0, 0, 0], torch.tensor([0.5, 0.0, 0.5]))


def test_silence_is_not_asked() -> None:
    """Windows under the floor have no truth; a quarter of a window above it is enough."""
    assert mask_data.targets(*units(-90.0, -85.0)).known.item() == 0
    unit_db, heard_db = units(-90.0, FLOOR_DB)
    unit_db[:, 0, :4], heard_db[:, :4] = -20.0, -20.0
    assert mask_data.targets(unit_db, heard_db).known.item() == 0.25
    heard_db[:, 3] = -90.0
    assert mask_data.targets(unit_db, heard_db).known.item() == 0


def test_the_noise_of_a_recording_is_nobodys() -> None:
    """A unit 70 dB under the loud ones of its class is not that class's."""
    unit_db = torch.full((1, 3, 16, 4), FLOOR_DB)
    unit_db[:, 0, :8], unit_db[:, 0, 8:] = 10.0, -60.0
    _, known = mask_data.unit_shares(unit_db, unit_db[:, 0], 0.25)
    assert known[0, :8].all()
    assert not known[0, 8:].any()


def test_batches_carry_the_truth_of_their_crop(pictures: Pictures) -> None:
    """Windows of a crop have the targets of these windows, the same again for the same step."""
    plan = Plan(steps=4, batch=3, crop_s=1.5, seed=1)
    first = list(pictures.batches(plan, 0, 3))
    features, truth = first[1]
    assert features.shape == (3, 512, 192)
    assert truth.shape == (3, 17, 9, 4)
    again = next(pictures.batches(plan, 1, 2))
    torch.testing.assert_close(again[0], features)
    torch.testing.assert_close(again[1], truth)
    whole = pictures.targets(np.arange(12)).share
    wanted = [
        any(torch.equal(row[..., :3], one[at : at + 17]) for one in whole for at in range(97))
        for row in truth
    ]
    assert all(wanted)


def test_an_interrupted_render_goes_on(pictures: Pictures, banks: Path, tmp_path: Path) -> None:
    """A shard without its archive is made anew, and is the same; nothing is read before."""
    with pytest.raises(FileNotFoundError, match="expected rendered scenes"):
        Pictures.read(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mask_data, "PER_SHARD", 6)
        mask_data.render_shard(banks, None, tmp_path, 0, 1)
        (tmp_path / "units001.npz").unlink()
        (tmp_path / "spectra001.npy").write_bytes(b"torn")
        mask_data.render_shard(banks, None, tmp_path, 0, 1)
    np.testing.assert_array_equal(Pictures.read(tmp_path).spectra[0], pictures.spectra[1])


def test_cases_hold_every_class_alone_and_mixed(banks: Path, tmp_path: Path) -> None:
    """Validation has the ratios of the evaluation; mixing adds power."""
    mask_data.render_cases(banks, None, tmp_path, 0, 1)
    cases = Pictures.read(tmp_path)
    assert list(cases.names[:3]) == ["music", "speech", "noise"]
    assert [f"music_noise {r}" in cases.names for r in mask_data.RATIOS_DB] == [True] * 5
    level = {name: db.astype(float) for name, db in zip(cases.names, cases.heard_db, strict=True)}
    power = {name: (10 ** (db / 10)).sum() for name, db in level.items()}
    assert power["music_noise 0"] == pytest.approx(power["music"] + power["noise"], rel=0.2)
    assert power["music_noise 20"] > 5 * power["music_noise 0"]


def test_disturbed_features_stay_above_the_floor() -> None:
    """Level and equaliser move decibels by up to 30, never below the floor of the front end."""
    features = torch.full((4, 32, 192), -95.0)
    disturbed = mask_data.disturb(features, torch.Generator().manual_seed(0))
    assert disturbed.min() >= FLOOR_DB
    assert 1 < (disturbed - features).abs().max() < 30
