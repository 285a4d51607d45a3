"""How the genre network is trained."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from streamseg.training import genre_fit
from streamseg.training.fit import Plan
from streamseg.training.genre_data import FRAMES
from streamseg.training.genre_fit import Crops
from streamseg.training.genre_network import StemGenre
from streamseg.training.genre_pieces import PICTURE, Pictures

PLAN = Plan(steps=8, batch=3, seed=4)


@pytest.fixture(scope="module")
def pieces() -> Pictures:
    """Six pieces, one of each genre; found stems are the exact ones 10 dB down."""
    random = np.random.default_rng(1)
    exact = random.normal(-40, 10, (6, FRAMES + 40, 3, 128)).astype(np.float16)
    return Pictures(exact, exact - np.float16(10), np.arange(6))


def test_crops_are_the_same_for_the_same_step(pieces: Pictures) -> None:
    """Whether a run was interrupted or not."""
    whole = list(Crops(pieces).batches(PLAN, 0, 4))
    again = list(Crops(pieces).batches(PLAN, 2, 4))
    for (pictures, genres), (same, names) in zip(whole[2:], again, strict=True):
        torch.testing.assert_close(pictures, same, rtol=0, atol=0)
        assert genres.tolist() == names.tolist()
    assert whole[0][0].shape == (3, 3, 128, FRAMES)


def test_every_piece_is_heard_once_an_epoch(pieces: Pictures) -> None:
    """Two batches of three are an epoch of six."""
    genres = [batch[1].tolist() for batch in Crops(pieces).batches(PLAN, 0, 4)]
    assert sorted(genres[0] + genres[1]) == list(range(6))
    assert sorted(genres[2] + genres[3]) == list(range(6))


@pytest.mark.parametrize(("share", "level"), [(0.0, -50), (1.0, -40)])
def test_the_share_of_exact_stems_is_what_was_asked(
    pieces: Pictures, share: float, level: float
) -> None:
    """None, or all of them; without other disturbance crops are cut from the pieces."""
    pictures, _ = next(Crops(pieces, share, disturb=False).batches(PLAN, 0, 1))
    assert float(pictures.mean()) == pytest.approx(level, abs=0.5)


def test_stems_are_swapped_within_their_genre_only() -> None:
    """Two pieces a genre: with all stems swapped a window may hold both, never another genre."""
    levels = np.arange(12, dtype=np.float16)[:, None, None, None]
    flat = np.broadcast_to(-60 + levels, (12, FRAMES + 40, 3, 128))
    pieces = Pictures(flat, flat, np.arange(12) // 2)
    mixed = 0
    for pictures, genres in Crops(pieces, swapped_share=1.0, disturb=False).batches(PLAN, 0, 8):
        whose = (pictures[:, :, 0, 0] + 60).round().long()
        assert (whose // 2 == genres[:, None]).all()
        mixed += int((whose != whose[:, :1]).any())
    assert mixed > 0


def test_an_equaliser_acts_on_all_stems_alike() -> None:
    """Beside a level for each stem; and nothing falls below the floor."""
    pictures = torch.full((4, 3, 128, 20), -40.0)
    pictures[:, :, :, 10:] = PICTURE.floor_db
    heard = genre_fit.disturbed(pictures, torch.Generator().manual_seed(2))
    assert float(heard.min()) >= PICTURE.floor_db
    change = heard[..., 0] + 40
    assert float(change.std()) > 1
    shape = change - change.mean(dim=2, keepdim=True)
    torch.testing.assert_close(shape[:, 0], shape[:, 1], atol=1e-4, rtol=0)


def loss_of(network: StemGenre, pieces: Pictures) -> float:
    """Cross-entropy by found stems."""
    scores, genres = genre_fit.judged(network, pieces.found, pieces.genres)
    return genre_fit.cross_entropy(scores, genres)


def test_calibration_softens_a_network_that_is_too_sure(pieces: Pictures) -> None:
    """Loud noise for scores is not right; afterwards the cross-entropy is lower, and not above
    that of knowing nothing.
    """
    torch.manual_seed(3)
    network = StemGenre()
    network.sharpen(30)
    before = loss_of(network, pieces)
    assert genre_fit.calibrate(network, pieces) < 1
    assert loss_of(network, pieces) < before
    scores, genres = genre_fit.judged(network, pieces.found, pieces.genres)
    assert len(genres) == 12
    np.testing.assert_allclose(genre_fit.softmax(scores).sum(axis=1), 1)


def _one_loud_band(random: np.random.Generator, genre: int) -> NDArray[np.float16]:
    pictures = random.normal(-60, 3, (FRAMES, 3, 128))
    pictures[:, genre % 3, 20 + 40 * (genre // 3) :][:, :30] += 40
    return np.asarray(pictures, np.float16)


def test_a_few_steps_lower_the_loss() -> None:
    """On pieces that differ in the stem and the bands that are loud."""
    random = np.random.default_rng(2)
    made = np.stack([_one_loud_band(random, genre) for genre in range(6)])
    pieces = Pictures(made, made, np.arange(6))
    torch.manual_seed(1)
    network = StemGenre()
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    plan = Plan(steps=12, batch=6, seed=1)
    losses = []
    network.train()
    for pictures, genres in Crops(pieces).batches(plan, 0, plan.steps):
        loss = genre_fit.loss(network, pictures, genres)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-3:]) < 0.7 * losses[0]
