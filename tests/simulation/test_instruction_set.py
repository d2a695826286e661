"""XLA compiles for AVX2, or for what the user chose, and a user's other flags are kept."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from phigen.errors import PhigenError
from phigen.simulation import instruction_set

X86 = platform.machine().lower() in ("x86_64", "amd64")
on_x86 = pytest.mark.skipif(not X86, reason="nothing is limited on this processor")

STATE = """
import os
before = dict(os.environ)
from phigen.simulation import instruction_set
print(instruction_set.is_set_here(), instruction_set._parsed(), instruction_set.provenance())
assert os.environ.get("XLA_FLAGS") == before.get("XLA_FLAGS")
import jax
print(jax.device_count())
"""


def state(script: str = STATE, **environment: str) -> list[str]:
    """Return what a fresh process prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], env=os.environ | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of the user's."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    return tmp_path / "phigen"


@on_x86
def test_a_process_that_has_not_used_jax_compiles_for_avx2_from_then_on() -> None:
    assert state() == ["True AVX2 AVX2", "1"]


@on_x86
def test_other_flags_are_kept_whether_they_are_spelled_out_or_in_a_file(tmp_path: Path) -> None:
    flags, file = "--xla_force_host_platform_device_count=2", tmp_path / "flags"
    file.write_text(f"{flags}\n")
    assert state(XLA_FLAGS=flags) == state(XLA_FLAGS=str(file)) == ["True AVX2 AVX2", "2"]


@on_x86
def test_an_instruction_set_that_the_user_chose_is_used(tmp_path: Path) -> None:
    file = tmp_path / "flags"
    file.write_text("--xla_cpu_max_isa=AVX2\n--xla_cpu_max_isa='avx'")
    assert state(XLA_FLAGS="--xla_cpu_max_isa=avx") == state(XLA_FLAGS=str(file)) == ["True AVX AVX", "1"]


@on_x86
def test_what_counts_is_what_xla_has_read_and_not_the_environment() -> None:
    """jax ran before the flag was set, or the flag was taken away after jax ran."""
    late = "import jax, os; jax.numpy.zeros(1); os.environ['XLA_FLAGS'] = '--xla_cpu_max_isa=AVX2'\n" + STATE
    assert state(late)[0] == "False None AVX2"
    gone = "import jax, os; jax.numpy.zeros(1); del os.environ['XLA_FLAGS']\n" + STATE
    assert state(gone, XLA_FLAGS="--xla_cpu_max_isa=AVX")[0] == "False AVX AVX2"
    assert state(gone, XLA_FLAGS="--xla_cpu_max_isa=AVX2")[0] == "True AVX2 AVX2"


def test_a_file_of_flags_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XLA_FLAGS", "no/such/file")
    with pytest.raises(PhigenError, match=r"^XLA_FLAGS: names a file that cannot be read, got 'no/such/file' \("):
        instruction_set.xla_flags()


def test_another_instruction_set_is_warned_of_and_avx2_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    for flags in ("", "--xla_cpu_max_isa=AVX2"):
        monkeypatch.setenv("XLA_FLAGS", flags)
        instruction_set.warn_of_another()
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_max_isa=AVX512")
    with pytest.warns(instruction_set.InstructionSetWarning, match="asks for the instruction set AVX512, which gives"):
        instruction_set.warn_of_another()


def test_nothing_is_limited_on_other_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    monkeypatch.setattr(instruction_set, "_is_known", None)  # nor is anything asked
    assert instruction_set.wanted() is None
    assert instruction_set.provenance() == "native (aarch64)"
    assert instruction_set.is_set_here()
    instruction_set.warn_of_another()


@on_x86
def test_a_child_process_finds_out_whether_jaxlib_knows_the_flag_once(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = instruction_set._is_known.__wrapped__
    assert ask("1.2.3")
    monkeypatch.setattr(instruction_set, "FLAG", "--xla_no_such_flag")
    assert not ask("4.5.6")
    monkeypatch.setattr(subprocess, "run", None)
    assert ask("1.2.3")
    assert not ask("4.5.6")
    assert len(list(cache.iterdir())) == 2


@on_x86
def test_a_damaged_answer_is_asked_for_again(cache: Path) -> None:
    ask = instruction_set._is_known.__wrapped__
    assert ask("1.2.3")
    (kept,) = (file for file in cache.rglob("*") if file.is_file())
    kept.write_text("")
    assert ask("1.2.3")
    assert kept.read_text() == "true\n"


def test_a_jaxlib_that_does_not_know_the_flag_is_not_given_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    monkeypatch.setattr(instruction_set, "_is_known", lambda jaxlib: False)
    assert instruction_set.wanted() is None
    assert instruction_set.provenance() == f"native ({platform.machine()})"
    assert instruction_set.is_set_here()


def test_a_jaxlib_that_cannot_be_used_is_an_error(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instruction_set, "_QUESTION", "import no_such_module")
    with pytest.raises(PhigenError, match=r"jaxlib 1\.2\.3: cannot be used, got .*no_such_module.*; install"):
        instruction_set._is_known.__wrapped__("1.2.3")
    assert not cache.exists()
