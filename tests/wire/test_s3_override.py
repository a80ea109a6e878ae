"""What a presigned URL makes of the answer's fields, and what it must not."""
import json

import pytest

from segue import Segue
from test_signed import PROTECTED, get, sign

WISHES = {
    "response-content-type": ("Content-Type", "audio/x-mine; a=b"),
    "response-content-disposition": ("Content-Disposition", 'attachment; filename="a b.mp3"'),
    "response-content-language": ("Content-Language", "en-GB"),
    "response-cache-control": ("Cache-Control", "no-store"),
    "response-expires": ("Expires", "Thu, 01 Dec 1994 16:00:00 GMT"),
    "response-content-encoding": ("Content-Encoding", "identity"),
}


@pytest.fixture(scope="module")
def edge(tree):
    with Segue(tree.root, PROTECTED) as server:
        yield server


def encoded(text):
    return "".join(c if c.isalnum() else "".join(f"%{b:02X}" for b in c.encode()) for c in text)


def asked(server, path="/audio/small.mp3", style="s3", **wishes):
    query = "&".join(f"{k.replace('_', '-')}={encoded(v)}" for k, v in wishes.items())
    return sign(server, f"{path}?{query}", "--style", style)


@pytest.mark.parametrize("name", WISHES)
def test_a_signed_wish_changes_its_field_alone(edge, name):
    field, value = WISHES[name]
    plain = get(edge, sign(edge, "/audio/small.mp3", "--style", "s3"))
    r = get(edge, asked(edge, **{name: value}))
    assert r.status == 200 and r.body == plain.body
    assert [v for k, v in r.fields if k == field] == [value]
    varying = ("Date", "Cache-Status", "Age", field)
    assert [f for f in r.fields if f[0] not in varying] == \
        [f for f in plain.fields if f[0] not in varying]


def test_all_at_once_in_a_part_and_in_a_head(edge):
    url = asked(edge, **{k: v for k, (_, v) in WISHES.items()})
    for r in (get(edge, url), get(edge, url, method="HEAD"), get(edge, url, "Range: bytes=0-9")):
        assert r.status in (200, 206)
        assert all(r[field] == value for field, value in WISHES.values())


def test_of_several_ranges_the_parts_have_the_type(edge):
    url = asked(edge, response_content_type="audio/x-mine", response_cache_control="no-store")
    r = get(edge, url, "Range: bytes=0-9,20-29")
    assert r.status == 206 and r["Content-Type"].startswith("multipart/byteranges")
    assert r["Cache-Control"] == "no-store"
    assert r.body.count(b"\r\nContent-Type: audio/x-mine\r\n") == 2
    long = asked(edge, response_content_type="audio/" + "x" * 1500)
    r = get(edge, long, "Range: bytes=0-9,20-29")
    assert r.status == 206 and r.body.count(b"x" * 1500) == 2


def test_a_304_has_what_a_cache_needs(edge):
    url = asked(edge, **{k: v for k, (_, v) in WISHES.items()})
    r = get(edge, url, f"If-None-Match: {get(edge, url)['ETag']}")
    assert r.status == 304 and r["Cache-Control"] == "no-store" and "Expires" in r
    assert "Content-Disposition" not in r and "Content-Type" not in r


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x=y", "a\nb", "a\rb", "a\0b", "a\x1fb",
                                   "a\x7fb", "x" * 3000])
@pytest.mark.parametrize("name", ["response-content-type", "response-content-disposition"])
def test_hostile_values_are_refused(edge, name, value):
    r = get(edge, asked(edge, **{name: value}))
    assert r.status == 403 and json.loads(r.body)["detail"] == "malformed"
    assert "Set-Cookie" not in r


def test_two_of_one_are_refused(edge):
    url = sign(edge, "/audio/small.mp3?response-expires=a&response-expires=b", "--style", "s3")
    assert get(edge, url).status == 403


def test_an_empty_wish_is_none(edge):
    r = get(edge, asked(edge, response_content_type=""))
    assert r.status == 200 and r["Content-Type"] == "audio/mpeg"


def test_an_error_is_said_as_it_is(edge):
    r = get(edge, asked(edge, "/audio/none.mp3", response_content_type="audio/x-mine"))
    assert r.status == 404 and r["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("style", ["segue", "akamai", "cloudfront"])
def test_another_style_signs_no_wishes(edge, style):
    r = get(edge, asked(edge, style=style, response_content_type="audio/x-mine"))
    assert r.status == 200 and r["Content-Type"] == "audio/mpeg"


def test_unsigned_wishes_change_nothing(edge, server):
    r = server.get("/audio/small.mp3?response-content-type=audio%2Fx")
    assert r.status == 200 and r["Content-Type"] == "audio/mpeg"
    url = sign(edge, "/audio/small.mp3", "--style", "s3")
    assert get(edge, url + "&response-content-type=audio%2Fx").status == 403
