"""Chromium with hls.js on each container: to the end, a seek to each tenth, a switch of rendition in mid-song."""
import os
import shutil

import pytest

import browser
import raw
from hls_cases import library  # noqa: F401
from segue import Segue

# Plays a URL muted at 16 times its pace; `tenths`: seeks to each tenth first; `switches`: changes the level at half.
RUN = """
const [url, tenths, switches, done] = arguments;
const audio = document.createElement('audio');
const hls = new Hls({enableWorker: false, maxBufferLength: switches ? 1 : 60});
const seen = {seeks: [], levels: new Set(), error: null};
const stop = (fields) => {
  const out = {...seen, levels: [...seen.levels], ...fields, duration: audio.duration, at: audio.currentTime,
               holes: audio.buffered.length - 1};
  hls.destroy();
  done(out);
};
const when = (target, name) => new Promise((resolve) => target.addEventListener(name, resolve, {once: true}));
hls.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) stop({error: data.details}); });
hls.on(Hls.Events.FRAG_CHANGED, (_, data) => { seen.levels.add(data.frag.level); });
hls.loadSource(url);
hls.attachMedia(audio);
(async () => {
  await when(audio, 'canplay');
  audio.muted = true;
  for (let k = 9; tenths && k >= 0; k--) {
    const want = audio.duration * k / 10, ready = when(audio, 'seeked');
    audio.currentTime = want;
    await ready;
    if (audio.readyState < 3) await when(audio, 'canplay');
    seen.seeks.push(audio.currentTime - want);
  }
  const over = when(audio, 'ended');
  audio.playbackRate = switches ? 4 : 16;
  await audio.play();
  if (switches) {
    hls.nextLevel = 0;
    while (audio.currentTime < audio.duration / 2 && !audio.ended) await new Promise((r) => setTimeout(r, 20));
    hls.nextLevel = hls.levels.length - 1;
  }
  await over;
  stop({ended: true});
})();
"""
KINDS = [("aac.m4a", "fmp4"), ("aac.m4a", "ts"), ("aac.m4a", "packed"), ("aac.aac", "bytes"), ("cbr.mp3", "packed"),
         ("cbr.mp3", "ts"), ("vbr.mp3", "bytes"), ("flac.flac", "fmp4"), ("opus.opus", "fmp4"),
         ("he-found.m4a", "fmp4"), ("he-found.aac", "packed"), ("he-found2.m4a", "fmp4"), ("he-found2.m4a", "ts")]
AHEAD = {"fmp4": 0.0}  # elsewhere priming and padding are heard: at most two frames and a decoder's delay
CLOSE = 0.05
FOUND = 417 * 2048 / 44100  # frames that name no priming and no padding: all of it is heard


@pytest.fixture(scope="module")
def page(library):  # noqa: F811
    if raw.fetch(library.server.port, "/player/").status == 404:
        pytest.skip("built with NO_UI=1")
    with browser.chromium() as driver:
        yield driver


def run(driver, port, url, tenths=False, switches=False):
    browser.open_player(driver, f"http://127.0.0.1:{port}/player/")
    driver.execute_async_script("""
      const done = arguments[0], script = document.createElement('script');
      script.src = 'hls.light.min.js';
      script.onload = () => done(true);
      document.head.append(script);""")
    return driver.execute_async_script(RUN, url, tenths, switches)


@pytest.mark.parametrize("name,container", KINDS)
def test_chromium_seeks_to_each_tenth_and_plays_to_the_end(page, library, name, container):  # noqa: F811
    seen = run(page, library.server.port, f"/hls/{name}/{container}/master.m3u8", tenths=True)
    assert seen["ended"] and not seen["error"], seen
    assert len(seen["seeks"]) == 10 and all(abs(s) < CLOSE for s in seen["seeks"]), seen
    spare = AHEAD.get(container, 2 * 1152 / 44100)
    wanted = FOUND if name.startswith("he-found") else 19.3
    assert -CLOSE <= seen["duration"] - wanted <= spare + CLOSE, seen
    assert abs(seen["at"] - seen["duration"]) <= CLOSE and seen["holes"] == 0, seen


def test_chromium_plays_encrypted_segments(page, library):  # noqa: F811
    conf = {"hls": {"encryption": "aes-128", "encryption_secret": "a secret of the tests"}}
    with Segue(library.root, conf) as server:
        for name, container in (("aac.m4a", "fmp4"), ("aac.m4a", "ts"), ("cbr.mp3", "packed")):
            seen = run(page, server.port, f"/hls/{name}/{container}/master.m3u8", tenths=True)
            assert seen["ended"] and not seen["error"], (name, container, seen)
            assert abs(seen["duration"] - 19.3) <= 2 * 1152 / 44100 + CLOSE, (name, container, seen)


@pytest.mark.parametrize("names", [("ladder/64.m4a", "ladder/192.m4a"), ("aac.m4a", "ladder/64.m4a", "flac.flac")])
def test_chromium_switches_rendition_in_mid_song(page, library, tmp_path, names):  # noqa: F811
    os.mkdir(tmp_path / "song")
    for name in names:
        shutil.copy(library.path(name), tmp_path / "song" / os.path.basename(name))
    with Segue(tmp_path) as server:
        seen = run(page, server.port, "/hls/song/master.m3u8", switches=True)
        assert seen["ended"] and not seen["error"], seen
        assert len(seen["levels"]) >= 2 and abs(seen["duration"] - 19.3) <= CLOSE, seen
