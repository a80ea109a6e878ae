"""Chromium plays the demo library on the player page: whole and as HLS, to the end of every track."""
import os
import shutil
import sys

import pytest

import browser
from demo import TRACKS as ALL, demo, seconds  # noqa: F401
from segue import BUILD, REPO, Segue

sys.path.insert(0, os.path.join(REPO, "tests", "media"))
import fixtures  # noqa: E402

PICTURES = os.path.join(BUILD, "pictures")

WITHOUT_DECODER = "sketches/clockwork.m4a"  # ALAC: no Chromium decodes it
TRACKS = [track for track in ALL if track != WITHOUT_DECODER]
CLOSE = 0.05  # seconds


@pytest.fixture(scope="module")
def page(demo):
    if demo.get("/player/").status == 404:
        pytest.skip("built with NO_UI=1")
    with browser.chromium() as driver:
        browser.open_player(driver, f"http://127.0.0.1:{demo.port}/player/")
        yield driver
        assert browser.complaints(driver) == []


def picture(page, name):
    os.makedirs(PICTURES, exist_ok=True)
    page.save_screenshot(os.path.join(PICTURES, name + ".png"))


def test_the_page_lists_the_library(page):
    paths = page.execute_script(
        "return [...document.querySelectorAll('.track')].map((row) => row.dataset.path)")
    assert paths == sorted([*TRACKS, "night-train/256.m4a", "night-train/320.m4a", WITHOUT_DECODER])
    assert page.execute_script("return document.querySelectorAll('.adaptive').length") == 1
    picture(page, "player")


@pytest.mark.parametrize("how", ["whole", "hls"])
@pytest.mark.parametrize("path", TRACKS)
def test_chromium_plays_to_the_end(page, path, how):
    seen = browser.play(page, browser.button_of(path, how), rate=16)
    assert seen["ended"], seen
    wanted = seconds(path)
    if path.endswith(".aac") and how == "whole":
        return  # raw ADTS names no duration: Chromium guesses one from the bit rate
    assert abs(seen["duration"] - wanted) <= CLOSE, f"{seen} for {wanted} s"
    assert abs(seen["at"] - seen["duration"]) <= CLOSE and seen["holes"] == 0, seen
    if how == "hls":
        assert seen["src"].startswith("blob:"), "not played by hls.js"
        assert abs(seen["buffered"] - wanted) <= CLOSE, seen
        picture(page, "player-hls")


def test_chromium_plays_the_ladder(page):
    seen = browser.play(page, ".adaptive", rate=16)
    assert seen["ended"] and seen["holes"] == 0, seen
    assert abs(seen["duration"] - seconds("night-train/128.m4a")) <= CLOSE
    picture(page, "player-ladder")


@pytest.mark.parametrize("how", ["whole", "hls"])
def test_a_codec_without_a_decoder_is_told(page, how):
    seen = browser.play(page, browser.button_of(WITHOUT_DECODER, how))
    assert not seen["ended"] and "decoder" in seen["trouble"], seen
    picture(page, f"player-trouble-{how}")


def test_searching_and_walking_by_keyboard(page):
    from selenium.webdriver.common.keys import Keys

    def keys(*what):
        page.switch_to.active_element.send_keys(*what)

    def shown():
        return page.execute_script(
            "return [...document.querySelectorAll('.track')].filter((r) => r.offsetParent).map((r) => r.dataset.path)")

    page.execute_script("document.activeElement.blur()")
    keys("/")
    keys("lamp")
    assert shown() == ["harbour-lights/lamplighter.mp3"]
    keys(Keys.ESCAPE)
    assert len(shown()) == 9
    page.execute_script("document.querySelector('.track .whole').focus()")
    keys(Keys.ARROW_DOWN)
    assert page.execute_script("return document.activeElement.closest('.track').dataset.path") == shown()[1]


def test_a_track_that_is_gone_is_told(page):
    page.execute_script("document.querySelector('.track').item.path = 'gone.m4a'")
    try:
        for how in ("whole", "hls"):
            seen = browser.play(page, f'.track:first-child button[data-how="{how}"]')
            assert "nothing here" in seen["trouble"], seen
    finally:
        page.refresh()
        browser.complaints(page)  # the 404s were asked for


def test_chromium_plays_ts_of_low_rates(tmp_path):
    """hls.js takes TS apart: PES packets of many frames, and of other numbers of them."""
    names = ("ladder/64.m4a", "half.mp3", "cbr.mp3")
    for name in names:
        shutil.copy(os.path.join(fixtures.make(), name), tmp_path / os.path.basename(name))
    with Segue(tmp_path, {"hls": {"container": "ts"}}) as server, browser.chromium() as driver:
        if server.get("/player/").status == 404:
            pytest.skip("built with NO_UI=1")
        browser.open_player(driver, f"http://127.0.0.1:{server.port}/player/")
        for name in map(os.path.basename, names):
            seen = browser.play(driver, browser.button_of(name, "hls"), rate=16)
            assert seen["ended"] and seen["holes"] == 0, (name, seen)
            assert abs(seen["duration"] - 19.3) <= 0.1, (name, seen)  # priming is heard in TS
