"""The golden notes and keys were made by Go's package (``tests/evidence_go/golden``)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import NoteError
from exporters.evidence.note import Checkpoint, open_checkpoint, sign, sign_checkpoint, verify
from exporters.evidence.signer import Signer, Verifier
from exporters.evidence.spelling import MAX_NUMBER

GOLDEN = Path(__file__).parent / "golden"
SKEY, VKEY, OTHER_SKEY, OTHER_VKEY = (GOLDEN / "keys.txt").read_text(encoding="utf-8").splitlines()
SIGNER, VERIFIER = Signer.parse(SKEY), Verifier.parse(VKEY)
OTHER, OTHER_VERIFIER = Signer.parse(OTHER_SKEY), Verifier.parse(OTHER_VKEY)
NOTE = (GOLDEN / "checkpoint.txt").read_bytes()
TWO_SIGNATURES = (GOLDEN / "two_signatures.txt").read_bytes()
CHECKPOINT = open_checkpoint(NOTE, [VERIFIER])


def resigned(text: str) -> bytes:
    return sign(text, SIGNER)


def test_keys_are_read_and_written_as_go_writes_them() -> None:
    assert (str(VERIFIER), SIGNER.secret_text(), SIGNER.verifier) == (VKEY, SKEY, VERIFIER)
    assert (str(OTHER_VERIFIER), OTHER.secret_text(), OTHER.verifier) == (OTHER_VKEY, OTHER_SKEY, OTHER_VERIFIER)


def test_a_checkpoint_is_signed_as_go_signs_it() -> None:
    assert sign_checkpoint(CHECKPOINT, SIGNER) == NOTE
    extended = Checkpoint(CHECKPOINT.origin, CHECKPOINT.size, CHECKPOINT.root, ("an extension",))
    assert sign_checkpoint(extended, SIGNER, OTHER) == TWO_SIGNATURES


def test_a_checkpoint_of_go_is_read() -> None:
    assert (CHECKPOINT.origin, CHECKPOINT.size) == ("example.com/watch/2026-11", 70_000)
    assert open_checkpoint(TWO_SIGNATURES, [OTHER_VERIFIER]).extensions == ("an extension",)


def test_it_is_said_who_signed() -> None:
    assert verify(TWO_SIGNATURES, [OTHER_VERIFIER, VERIFIER]).signed_by == (VERIFIER, OTHER_VERIFIER)
    assert verify(TWO_SIGNATURES, [OTHER_VERIFIER]).signed_by == (OTHER_VERIFIER,)


def test_generated_keys_differ_and_verify_what_they_sign() -> None:
    one, other = Signer.generate("example.com/watch"), Signer.generate("example.com/watch")
    note = sign("text\n", one)
    assert verify(note, [one.verifier]).text == "text\n"
    with pytest.raises(NoteError, match="no known key signed the note"):
        verify(note, [other.verifier])


def test_any_flipped_bit_of_a_note_is_found() -> None:
    for position in range(8 * len(NOTE)):
        changed = bytearray(NOTE)
        changed[position // 8] ^= 1 << (position % 8)
        with pytest.raises(NoteError):
            open_checkpoint(bytes(changed), [VERIFIER])


def test_any_cut_note_is_refused() -> None:
    for end in range(len(NOTE)):
        with pytest.raises(NoteError):
            verify(NOTE[:end], [VERIFIER])


@given(st.binary(max_size=200))
def test_no_bytes_do_worse_than_a_note_error(data: bytes) -> None:
    with pytest.raises(NoteError):
        verify(data, [VERIFIER])


def test_the_text_may_hold_blank_lines() -> None:
    text = "one\n\n\u2014 not a signature\n\ntwo\n"
    assert verify(sign(text, SIGNER), [VERIFIER]).text == text


def test_a_wrong_signature_of_a_known_key_spoils_a_note_that_another_signed_well() -> None:
    text, _, signatures = TWO_SIGNATURES.decode().rpartition("\n\n")
    first, second = signatures.splitlines()
    wrong = NOTE.decode().splitlines()[-1]
    assert wrong != first
    with pytest.raises(NoteError, match="is wrong: the note was changed"):
        verify(f"{text}\n\n{wrong}\n{second}\n".encode(), [VERIFIER, OTHER_VERIFIER])


def test_what_unknown_keys_signed_is_passed_over() -> None:
    stranger = "— stranger.example AAAAAAAA\n".encode()
    assert verify(NOTE + stranger, [VERIFIER]).signed_by == (VERIFIER,)


def test_a_signature_that_stands_twice_counts_once() -> None:
    signature = NOTE.decode().splitlines()[-1] + "\n"
    assert verify(NOTE + signature.encode(), [VERIFIER]).signed_by == (VERIFIER,)


def test_a_second_signature_of_a_known_key_is_verified_too() -> None:
    wrong = TWO_SIGNATURES.decode().splitlines()[-2] + "\n"
    with pytest.raises(NoteError, match="is wrong: the note was changed"):
        verify(NOTE + wrong.encode(), [VERIFIER])


def test_a_name_alone_does_not_make_a_key_known() -> None:
    namesake = Signer.generate(SIGNER.name).verifier
    with pytest.raises(NoteError, match=f"known: {SIGNER.name}"):
        verify(NOTE, [namesake])


@pytest.mark.parametrize(
    ("note", "what"),
    [
        (b"", "no blank line"),
        (b"text\n\n", "does not end with a signature line"),
        (NOTE.removesuffix(b"\n"), "does not end with a signature line"),
        (NOTE + b"\n", "does not end with a signature line"),
        (NOTE + b"- x AAAAAAAA\n", "not a signature line"),
        (NOTE + "— x\n".encode(), "has no bytes behind its key id"),
        (NOTE + "— x AAAAAA==\n".encode(), "has no bytes behind its key id"),
        (NOTE + "— x AAAAAAB=\n".encode(), "not the one base64 spelling"),
        (NOTE + "— x AAAAAAA\n".encode(), "not base64"),
        (NOTE + "— x AAAAAAAA \n".encode(), "base64"),
        (NOTE + "— x+y AAAAAAAA\n".encode(), "no key name"),
        (NOTE + "—  AAAAAAAA\n".encode(), "no key name"),
        (NOTE.replace(b"70000", b"70000\r"), "control character"),
        (NOTE.replace(b"70000", b"7\x00"), "control character"),
        (NOTE + b"\xff", "not UTF-8 at byte"),
        (NOTE + "— x AAAAAAAA\n".encode() * 100, "101 signatures"),
        (bytes(1_000_001), "1000001 bytes"),
    ],
)
def test_a_malformed_note_is_refused_with_its_fault(note: bytes, what: str) -> None:
    with pytest.raises(NoteError, match=what):
        verify(note, [VERIFIER])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("origin\n1\n", "lines origin, size and root"),
        ("\n70000\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "not empty"),
        ("origin\n070000\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "not a decimal number"),
        ("origin\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "not a decimal number"),
        ("origin\n٧\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "not a decimal number"),
        ("origin\n9223372036854775808\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "not a decimal number"),
        ("origin\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n", "not the one base64 spelling"),
        ("origin\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n", "not base64"),
        ("origin\n1\nAAAA\n", "a root of 3 bytes"),
        ("origin\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\nx\n", "not empty"),
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused_with_its_fault(text: str, what: str) -> None:
    with pytest.raises(NoteError, match=what):
        open_checkpoint(resigned(text), [VERIFIER])


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
    st.integers(0, MAX_NUMBER),
    st.binary(min_size=32, max_size=32),
)
def test_every_checkpoint_comes_back(origin: str, size: int, root: bytes) -> None:
    checkpoint = Checkpoint(origin, size, root)
    assert open_checkpoint(sign_checkpoint(checkpoint, SIGNER), [VERIFIER], origin) == checkpoint


def test_a_checkpoint_of_another_log_is_refused() -> None:
    with pytest.raises(NoteError, match=r"is of the log 'example\.com/watch/2026-11', not of 'other'"):
        open_checkpoint(NOTE, [VERIFIER], "other")


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\tb", "a\nb", "a\x00b", "a\ud800b"])
def test_a_name_with_spaces_or_plus_is_refused(name: str) -> None:
    with pytest.raises(NoteError, match="is no key name"):
        Signer.generate(name)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "example.com/watch",
        VKEY + "\n",
        VKEY.replace("7ff45097", "7FF45097"),
        VKEY.replace("7ff45097", "7ff45098"),
        VKEY.replace("watch", "witch"),
        VKEY.replace("+AYqI", "+BYqI"),
        VKEY[:-4],
        VKEY + "=",
        SKEY,
    ],
)
def test_a_verifier_key_has_one_spelling(vkey: str) -> None:
    with pytest.raises(NoteError):
        Verifier.parse(vkey)


@pytest.mark.parametrize("skey", ["", VKEY, SKEY + " ", SKEY[:-4], SKEY.replace("7ff45097", "7ff45098"), SKEY[8:]])
def test_a_malformed_signing_key_is_refused_without_showing_it(skey: str) -> None:
    with pytest.raises(NoteError) as caught:
        Signer.parse(skey)
    assert "AQEBAQ" not in str(caught.value)


def test_a_signing_key_does_not_print() -> None:
    assert repr(SIGNER) == "Signer(name='example.com/watch')"
    assert "AQEBAQ" not in f"{SIGNER}"


@pytest.mark.parametrize("text", ["no newline", "", "a\tb\n"])
def test_a_text_that_no_note_can_hold_is_not_signed(text: str) -> None:
    with pytest.raises(NoteError):
        sign(text, SIGNER)


def test_a_note_needs_a_signer() -> None:
    with pytest.raises(NoteError, match="at least one signer"):
        sign("text\n")
