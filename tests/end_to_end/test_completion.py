import shutil
import subprocess

import pytest


def completed(script, *words):
    """What bash offers for the last word."""
    typed = f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}"
    line = f'{script}\n{typed}; _pushforward; echo "${{COMPREPLY[@]}}"'
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_commands_options_and_files(run, tmp_path, monkeypatch):
    script = run("completion", "bash").out
    assert completed(script, "pushforward", "fo") == ["forecast"]
    assert completed(script, "pushforward", "audit", "--tol") == ["--tolerance"]
    assert "--steps" in completed(script, "pushforward", "train", "--ste")
    (tmp_path / "tracks.npz").touch()
    monkeypatch.chdir(tmp_path)
    assert completed(script, "pushforward", "audit", "tra") == ["tracks.npz"]


def test_every_shell_gets_a_script_and_others_are_refused(run):
    assert run("completion", "zsh").out.startswith("autoload")
    assert (
        "complete -c pushforward -n '__fish_seen_subcommand_from audit' -l tolerance"
        in run("completion", "fish").out
    )
    assert run("completion", "tcsh").code == 2
