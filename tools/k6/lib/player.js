// A listener: fetches a track's playlists and then its segments as it hears them, so that at most
// -e AHEAD of them (2) are ready, and notes how long it waited for the first sound and whether it ran dry.
import { check, sleep } from 'k6';
import { Counter, Trend } from 'k6/metrics';

import { number } from './env.js';
import { choose, isMaster, parseMaster, parseMedia, rangeOf } from './hls.js';
import { ask } from './requests.js';

const startup = new Trend('startup_time', true); // ms from wanting to hear it to its first segment
const rebuffer = new Trend('rebuffer_ratio'); // of each track: time in stalls / time in all
const stalls = new Counter('stalls');

const AHEAD = Math.max(2, number('AHEAD', 2));
const BITS = number('BITS', 256000); // the highest bandwidth that is chosen from a ladder

/** @param {string} url @returns {string} */
function playlist(url) {
  const answer = ask('playlist', url, { keep: true, expect: [200] });
  if (answer.status !== 200) throw new Error(`${url}: status ${answer.status}`);
  return String(answer.body);
}

/**
 * The media playlist behind a track's URL, by way of its master.
 * @param {string} url @returns {import('./hls.js').Media}
 */
export function open(url) {
  const first = playlist(url);
  if (!isMaster(first)) return parseMedia(first, url);
  const variant = choose(parseMaster(first, url), BITS);
  return parseMedia(playlist(variant.uri), variant.uri);
}

/** @param {string} name @param {import('./hls.js').Resource} what @returns {boolean} */
export function fetch(name, what) {
  const range = rangeOf(what.span);
  const answer = ask(name, what.uri, range ? { headers: { Range: range }, expect: [206] } : { expect: [200] });
  const length = Number(answer.headers['Content-Length']);
  return check(answer, {
    [`${name}: it has its length`]: () => (what.span ? length === what.span.to - what.span.from : length > 0),
  });
}

// What is heard of one track: ms of sound that came, and when it would have begun without stalls.
class Sound {
  constructor() {
    this.wanted = Date.now();
    this.began = 0;
    this.came = 0;
    this.silent = 0;
  }

  /** @returns {number} ms until it runs dry, negative when it has */
  left() {
    return this.began + this.came - Date.now();
  }

  /** @param {number} ms a segment has come */
  add(ms) {
    if (this.began === 0) {
      this.began = Date.now();
      startup.add(this.began - this.wanted);
    } else if (this.left() < 0) {
      const silence = -this.left();
      stalls.add(1);
      this.silent += silence;
      this.began += silence;
    }
    this.came += ms;
  }

  /** @returns {void} */
  end() {
    const heard = Math.min(this.came, Date.now() - this.began);
    if (this.began > 0 && heard > 0) rebuffer.add(this.silent / (this.silent + heard));
  }
}

/** @param {number} ms @param {number} until */
function rest(ms, until) {
  sleep(Math.max(0, Math.min(ms, until - Date.now())) / 1000);
}

/**
 * @param {import('./hls.js').Segment[]} segments @param {Sound} sound @param {number} until
 */
function listen(segments, sound, until) {
  /** @type {string | null} */
  let map = null;
  for (const segment of segments) {
    // The next one makes the number full. A little late by chance: who came together need not ask
    // together for ever.
    const enough = (AHEAD - 1 - 0.2 * Math.random()) * segment.duration * 1000;
    if (sound.began > 0) rest(sound.left() - enough, until);
    if (Date.now() >= until) return;
    if (segment.map && JSON.stringify(segment.map) !== map) {
      fetch('init', segment.map);
      map = JSON.stringify(segment.map);
    }
    if (fetch('segment', segment)) sound.add(segment.duration * 1000);
  }
  rest(sound.left(), until);
}

/**
 * Play a track from its beginning to its end, or until that time.
 * @param {string} url of its master playlist @param {number} until ms since 1970
 */
export function play(url, until) {
  const sound = new Sound();
  try {
    listen(open(url).segments, sound, until);
  } catch (error) {
    check(null, { 'the playlists can be read': () => false });
    console.error(`${url}: ${error}`);
    rest(1000, until);
  }
  sound.end();
}
