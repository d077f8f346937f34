import os
from pathlib import Path

import pytest

from classifier.cores import cores

HERE = len(os.sched_getaffinity(0))


def version_2(folder: Path, content: str) -> Path:
    (folder / "cpu.max").write_text(content)
    return folder


def version_1(folder: Path, quota: str) -> Path:
    (folder / "cpu").mkdir()
    (folder / "cpu" / "cpu.cfs_quota_us").write_text(quota)
    (folder / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    return folder


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("100000", 1), ("50000", 1), ("150000", min(2, HERE)), ("6400000000", HERE)],
)
def test_a_quota_limits_them(quota: str, expected: int, tmp_path: Path) -> None:
    newer, older = tmp_path / "2", tmp_path / "1"
    newer.mkdir()
    older.mkdir()

    assert cores(version_2(newer, f"{quota} 100000\n")) == expected
    assert cores(version_1(older, f"{quota}\n")) == expected


@pytest.mark.parametrize("content", ["max 100000\n", "", "garbage", "1 2 3"])
def test_without_a_limit_it_is_the_affinity(content: str, tmp_path: Path) -> None:
    assert cores(version_2(tmp_path, content)) == HERE


def test_the_older_cgroups_say_minus_one_for_no_limit(tmp_path: Path) -> None:
    assert cores(version_1(tmp_path, "-1\n")) == HERE


def test_where_there_are_no_cgroups_it_is_the_affinity(tmp_path: Path) -> None:
    assert cores(tmp_path) == HERE
