"""ffmpeg, GStreamer and hls.js play a protected, encrypted ladder from one signed URL of each style,
and what that URL opens stops where the track does."""
import shutil

import pytest

import hls
import raw
from browser import chromium, open_player
from hls_cases import fixtures
from segue import Segue, merge
from test_play_tools import gstreamer
from test_signed import PROTECTED, STYLES, children, get, sign

SECONDS = 19.3
ENCRYPTED = {"hls": {"encryption": "aes-128", "encryption_secret": "k" * 32}}


@pytest.fixture(scope="module")
def sealed():
    with Segue(fixtures.make(), merge(PROTECTED, ENCRYPTED)) as server:
        yield server


def master(server, style, container=""):
    return sign(server, f"/hls/ladder/{container}master.m3u8", "--style", style)


def url_of(server, target):
    return f"http://127.0.0.1:{server.port}{target}"


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("container", ["", "ts/", "packed/"])
def test_the_ladder_is_opened_and_no_other_track(sealed, style, container):
    """Every URL that the master leads to, keys among them, and each of them bent to another track."""
    _, lists = children(sealed, master(sealed, style, container))
    assert len(lists) == 3
    for url in lists:
        _, media = children(sealed, url)
        assert any(u.endswith("/key") for u in media)
        for opened in set(media):
            assert get(sealed, opened).status == 200, opened
            track = opened[:opened.index("/v-")].rpartition("/hls/")[2]
            for other in ("aac.m4a", "ladder2", "cbr.mp3"):
                assert get(sealed, opened.replace(track, other)).status == 403
                assert get(sealed, opened.replace("/" + track, "/ladder/../" + other)).status == 403
            assert get(sealed, "/hls/" + opened.rpartition("/hls/")[2]).status == 403
    # The whole of another track, by a path that is right but for the token.
    _, [foreign] = children(sealed, sign(sealed, "/hls/aac.m4a/master.m3u8"))
    _, segments = children(sealed, foreign)
    token = lists[0].split("/")[2]
    for url in segments:
        assert get(sealed, f"/s/{token}/hls/" + url.rpartition("/hls/")[2]).status == 403


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("container", ["", "ts/"])
def test_ffmpeg_plays_it(sealed, style, container):
    pcm = hls.decode(url_of(sealed, master(sealed, style, container)), "s16le")
    assert abs(len(pcm) / 4 / 44100 - SECONDS) < 0.1


@pytest.mark.skipif(not shutil.which("gst-launch-1.0"), reason="gst-launch-1.0 is missing")
@pytest.mark.parametrize("style", STYLES)
def test_gstreamer_plays_it(sealed, tmp_path, style):
    """As TS: see test_hls_crypt.py about fMP4."""
    heard = gstreamer(url_of(sealed, master(sealed, style, "ts/")), tmp_path / "pcm")
    assert abs(heard - SECONDS) <= 0.15


@pytest.mark.skipif(not shutil.which("gst-launch-1.0"), reason="gst-launch-1.0 is missing")
@pytest.mark.parametrize("style", ["segue", "path"])
def test_gstreamer_plays_a_plain_one(tmp_path, style):
    with Segue(fixtures.make(), PROTECTED) as server:
        heard = gstreamer(url_of(server, master(server, style)), tmp_path / "pcm")
    assert abs(heard - SECONDS) <= 0.2


PLAY = """
const [url, done] = arguments;
const script = document.createElement('script');
script.src = 'hls.light.min.js';
script.onload = () => {
const audio = document.createElement('audio');
const player = new Hls();
audio.muted = true;
player.on(Hls.Events.ERROR, (_, e) => { if (e.fatal) done({error: e.details}); });
audio.addEventListener('ended', () => done({at: audio.currentTime}));
audio.addEventListener('playing', () => { audio.playbackRate = 8; }, {once: true});
player.on(Hls.Events.MANIFEST_PARSED, () => audio.play());
player.loadSource(url);
player.attachMedia(audio);
};
document.head.append(script);
"""


def test_hls_js_plays_it(sealed):
    if raw.fetch(sealed.port, "/player/").status == 404:
        pytest.skip("built with NO_UI=1")
    with chromium() as driver:
        open_player(driver, f"http://127.0.0.1:{sealed.port}/player/")
        for style in STYLES:
            seen = driver.execute_async_script(PLAY, master(sealed, style))
            assert abs(seen.get("at", 0) - SECONDS) < 0.3, (style, seen)
