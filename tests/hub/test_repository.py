"""What the Hub's client prints and fetches for phigen."""

from __future__ import annotations

import sys

import pytest
from huggingface_hub.utils import are_progress_bars_disabled, enable_progress_bars

from phigen.errors import HubError
from phigen.hub import repository


def test_the_clients_own_progress_bars_are_off_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    bars = sys.modules[are_progress_bars_disabled.__module__]
    monkeypatch.setattr(bars, "HF_HUB_DISABLE_PROGRESS_BARS", None)
    monkeypatch.setattr(bars, "progress_bar_states", {})
    enable_progress_bars()
    with repository.quiet():
        assert are_progress_bars_disabled()
        with repository.quiet():
            assert are_progress_bars_disabled()
        assert are_progress_bars_disabled()
    assert not are_progress_bars_disabled()


@pytest.mark.parametrize("address", ["hf://datasets/owner", "https://huggingface.co/datasets/owner/name", "owner/name"])
def test_an_address_without_owner_and_name_is_refused(address: str) -> None:
    with pytest.raises(HubError, match="is not an address on the Hub; write hf://datasets/OWNER/NAME"):
        repository.fetch_zipped(address)
