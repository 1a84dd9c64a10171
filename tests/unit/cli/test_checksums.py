"""``--sha256``: which sum belongs to which image."""

from pathlib import Path

import pytest

from ali_import.cli.checksums import expected_sums
from ali_import.errors import ConfigurationError

ONE, OTHER = "1" * 64, "ab" * 32
A, B = Path("a.img"), Path("b.img")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def listed(text: str, path: str = "SHA256SUMS") -> str:
    Path(path).write_bytes(text.encode())
    return path


def wrong(*given: str, images: tuple[Path, ...] = (A,)) -> str:
    with pytest.raises(ConfigurationError) as caught:
        expected_sums(images, given)
    assert caught.value.advice
    return caught.value.diagnostics()


def test_without_sums_nothing_is_asked() -> None:
    assert expected_sums([A, B], []) == {}


def test_sums_are_given_one_by_one() -> None:
    given = [f"a.img={ONE}", f"./b.img={OTHER.upper()}"]
    assert expected_sums([A, B], given) == {A: ONE, B: OTHER}
    odd = Path("x=y.img")
    assert expected_sums([odd], [f"x=y.img={ONE}"]) == {odd: ONE}


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE}  a.img\n{OTHER} *b.img\n",
        f"{ONE}  ./a.img\r\n{OTHER}  there/b.img\r\n",
        f"SHA256 (a.img) = {ONE}\nMD5 (a.img) = {ONE[:32]}\nSHA256(b.img)= {OTHER}",
        f"# a.img: 12345 bytes\n{ONE}  a.img\n\n{OTHER.upper()}  b.img",
        f"-----BEGIN PGP SIGNED\n\n{ONE}  a.img\n{OTHER}  b.img\n-----BEGIN\niQIz\n",
    ],
)
def test_a_list_may_be_written_in_several_ways(text: str) -> None:
    assert expected_sums([A, B], [listed(text)]) == {A: ONE, B: OTHER}


def test_an_image_beside_the_list_wins_over_one_of_the_same_name() -> None:
    for folder in ("x", "y"):
        Path(folder).mkdir()
        Path(folder, "a.img").touch()
    images = (Path("x/a.img"), Path("y/a.img"))
    text = f"{ONE}  x/a.img\n{OTHER}  y/a.img\n"
    assert expected_sums(images, [listed(text)]) == dict(
        zip(images, (ONE, OTHER), strict=True)
    )
    assert "two different sums" in wrong(listed(text), images=(Path("z/a.img"),))


def test_every_image_needs_a_sum_and_one_only() -> None:
    assert "b.img has no sum" in wrong(f"a.img={ONE}", images=(A, B))
    assert "two different sums" in wrong(f"a.img={ONE}", f"a.img={OTHER}")
    assert expected_sums([A], [f"a.img={ONE}", listed(f"{ONE}  a.img")]) == {A: ONE}
    assert "a.img has no sum" in wrong(listed(f"{ONE}  b.img\n"))


def test_what_is_no_sum_is_named(here: Path) -> None:
    assert "c.img" in wrong(f"c.img={ONE}")
    assert "not a list that can be read (No such file" in wrong("a.img=1234")
    assert "holds no SHA-256 sums" in wrong(listed("hello\n"))
    assert "Is a directory" in wrong(str(here))
    assert "too long" in wrong(listed("x" * 1024 * 1025))
    assert "not a list that can be read" in wrong("a\0b")
