"""A headless Chromium on the player page, and what the tests ask of it."""
import contextlib
import shutil
import tempfile

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")

# Ask nothing of the network but the page itself; play without a click; no sandbox for root.
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--autoplay-policy=no-user-gesture-required", "--mute-audio",
)

# Plays the button of one track to its end and hands back what was heard of it on the way.
PLAY = """
const [selector, rate, done] = arguments;
const audio = document.querySelector('audio');
const button = document.querySelector(selector);
if (!button) { done({error: 'no button ' + selector}); return; }
const seen = {duration: 0, buffered: 0, src: ''};
const over = new AbortController(); // takes the listeners away again
const end = (fields) => {
  over.abort();
  clearInterval(timer);
  audio.playbackRate = 1;
  done({...seen, ...fields, at: audio.currentTime, trouble: document.getElementById('trouble').textContent});
};
audio.addEventListener('playing', () => { audio.playbackRate = rate; }, {once: true, signal: over.signal});
audio.addEventListener('ended', (e) => { e.stopImmediatePropagation(); audio.pause(); end({ended: true}); },
                       {once: true, capture: true, signal: over.signal});
const timer = setInterval(() => {
  if (Number.isFinite(audio.duration)) seen.duration = audio.duration;
  if (audio.buffered.length) {
    seen.buffered = audio.buffered.end(audio.buffered.length - 1);
    seen.from = audio.buffered.start(0);
    seen.holes = audio.buffered.length - 1;
  }
  seen.src = audio.currentSrc;
  const trouble = document.getElementById('trouble');
  if (!trouble.hidden && trouble.textContent) end({ended: false});
}, 20);
button.click();
"""


@contextlib.contextmanager
def chromium(width=1200, height=820, dark=False):
    if not CHROMIUM or not DRIVER:
        pytest.fail("chromium and chromium-driver are needed: apt-get install chromium chromium-driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    profile = tempfile.mkdtemp(prefix="segue-chromium-")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
        options.add_argument(flag)
    if dark:
        options.add_argument("--force-dark-mode")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Service(DRIVER), options=options)
    driver.set_script_timeout(60)
    try:
        yield driver
    finally:
        driver.quit()
        shutil.rmtree(profile, ignore_errors=True)


def open_player(driver, url):
    """The page with its library read."""
    from selenium.webdriver.support.ui import WebDriverWait

    driver.get(url)
    WebDriverWait(driver, 10).until(
        lambda d: d.execute_script("return document.getElementById('library').ariaBusy") == "false")


def button_of(path, how):
    return f'.track[data-path="{path}"] button[data-how="{how}"]'


def play(driver, selector, rate=8):
    """Press a play button and wait for the end. -> {ended, duration, buffered, at, src, trouble}"""
    return driver.execute_async_script(PLAY, selector, rate)


def complaints(driver):
    """What the browser wrote to its console as an error: content policy, missing files, exceptions."""
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
