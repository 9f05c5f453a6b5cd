"""A tar from a bucket is never trusted."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest

from kubectl_ark import errors
from kubectl_ark.engine.restore.tarball import entries
from kubectl_ark.engine.restore.unpack import Gunzip
from tests.engine.restore.stored import tar_of, tar_with


def read(tar: bytes, **limits: int) -> dict[str, bytes]:
    stream = Gunzip(io.BytesIO(gzip.compress(tar)), subject="the archive", limit=1 << 30)
    return dict(entries(stream, **limits))


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_writer_s_long_names_are_read(format: int) -> None:
    long = "resources/" + "a" * 90 + "/namespaces/" + "n" * 60 + "/" + "x" * 30 + ".json"
    files = {"metadata/version": b"1.1.0\n", long: b"{}", "resources/roles/cluster/system:node.json": b"x" * 1234}
    assert read(tar_of(files, format=format)) == files


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_names_beyond_ustar_are_read(format: int) -> None:
    files = {"resources/pods/namespaces/n/" + "y" * 253 + ".json": b"{}", "resources/p/cluster/größe.json": b""}
    assert read(tar_of(files, format=format)) == files


def test_a_tar_packed_again_by_hand_is_read() -> None:
    directory = tarfile.TarInfo("./resources")
    directory.type = tarfile.DIRTYPE
    tar = tar_with(directory)[:512] + tar_of({"./resources/pods/cluster/a.json": b"{}"})
    assert read(tar) == {"resources/pods/cluster/a.json": b"{}"}


@pytest.mark.parametrize("name", [
    "../etc/passwd", "resources/../../x", "/etc/passwd", "resources\\..\\x", "resources//x", "resources/./x",
    "resources/a\nb", "..", "",
])
def test_a_name_that_leads_out_is_refused(name: str) -> None:
    with pytest.raises(errors.Damaged, match="the archive contains the name .* it was not restored"):
        read(tar_of({name: b"x"}))


@pytest.mark.parametrize(("type", "words"), [
    (tarfile.SYMTYPE, "a symbolic link"), (tarfile.LNKTYPE, "a hard link"), (tarfile.CHRTYPE, "a device"),
    (tarfile.BLKTYPE, "a device"), (tarfile.FIFOTYPE, "a pipe"), (b"S", "an entry of unknown type"),
])
def test_anything_but_a_file_is_refused(type: bytes, words: str) -> None:
    info = tarfile.TarInfo("resources/pods/cluster/a.json")
    info.type, info.linkname = type, "/etc/passwd"
    with pytest.raises(errors.Damaged, match=words):
        read(tar_with(info))


def test_an_item_that_claims_to_be_huge_is_refused_unread() -> None:
    info = tarfile.TarInfo("resources/pods/cluster/a.json")
    info.size = 7 * 1024 ** 3
    with pytest.raises(errors.Damaged, match="has 7516192768 bytes, more than"):
        read(info.tobuf(tarfile.USTAR_FORMAT) + bytes(10_000))
    info.size = 9 * 1024 ** 3  # beyond octal: base-256, which no item needs
    with pytest.raises(errors.Damaged):
        read(info.tobuf(tarfile.GNU_FORMAT) + bytes(10_000))


def test_more_entries_than_any_backup_has_are_refused() -> None:
    with pytest.raises(errors.Damaged, match="more than 10 entries"):
        read(tar_of({f"resources/{number}": b"" for number in range(11)}), max_entries=10)


def test_a_tar_that_ends_between_two_items_is_refused() -> None:
    tar = tar_of({"resources/a": b"x" * 512, "resources/b": b"y"}, format=tarfile.USTAR_FORMAT)
    with pytest.raises(errors.Damaged, match="ends before its end mark"):
        read(tar[:1024])
    with pytest.raises(errors.Damaged, match="ends in the middle of resources/a"):
        read(tar[:800])


def test_a_header_that_does_not_add_up_is_refused() -> None:
    tar = bytearray(tar_of({"resources/a": b"x"}, format=tarfile.USTAR_FORMAT))
    tar[3] ^= 1
    with pytest.raises(errors.Damaged, match="the checksum of a tar header is wrong"):
        read(bytes(tar))
