// Does everything answer as it should? One visitor walks through the library a few times.
//   k6 run -e BASE_URL=http://127.0.0.1:8080 tools/k6/smoke.js
// -e ROUNDS=10, and what all scenarios take: README.md.
import { check } from 'k6';

import { BASE, number, options as shared } from './lib/env.js';
import { fetch, open } from './lib/player.js';
import { ask, askRange, counters, etagOf, judgeCache } from './lib/requests.js';
import { summary } from './lib/summary.js';
import { tracks } from './lib/tracks.js';

export const options = shared(
  { vus: 1, iterations: number('ROUNDS', 10) }, { checks: ['rate==1'] });

export function setup() {
  return { tracks: tracks().slice(0, 20), before: counters() };
}

/** @param {import('./lib/tracks.js').Track} track */
function listenIn(track) {
  const media = open(track.hls);
  const [first, last] = [media.segments[0], media.segments[media.segments.length - 1]];
  check(media, {
    'the playlist has an end': (m) => m.ended,
    'no segment is longer than it says': (m) => m.segments.every((s) => Math.round(s.duration) <= m.target),
  });
  if (first.map) fetch('init', first.map);
  fetch('segment', first);
  if (last !== first) fetch('segment', last);
}

/** @param {string} url */
function download(url) {
  const probe = askRange('probe', url, 0, 1);
  const etag = etagOf(probe.answer);
  const size = probe.size;
  check(etag, { 'there is a strong ETag': (e) => /^"[^"]+"$/.test(e) });
  askRange('range', url, Math.floor(size / 2), Math.floor(size / 2) + 65535);
  askRange('tail', url, Math.max(0, size - 128), size - 1);
  ask('revalidation', url, { headers: { 'If-None-Match': etag }, expect: [304] });
  ask('past the end', url, { headers: { Range: `bytes=${size}-` }, expect: [416] });
  const head = ask('head', url, { method: 'HEAD', expect: [200] });
  check(head, { 'HEAD knows the size': (r) => Number(r.headers['Content-Length']) === size });
}

/** @param {ReturnType<typeof setup>} data */
export default function (data) {
  const pong = ask('ping', `${BASE}/ping`, { keep: true, expect: [200] });
  check(pong, { 'ping is answered': (r) => /^pong\s*$/.test(String(r.body)) });
  ask('nothing there', `${BASE}/audio/there-is-no-such-song.mp3`, { expect: [404, 403] });
  for (const track of data.tracks) {
    listenIn(track);
    if (track.file) download(track.file);
  }
}

/** @param {ReturnType<typeof setup>} data */
export function teardown(data) {
  judgeCache(data.before);
}

/** @param {unknown} data */
export function handleSummary(data) {
  return summary('smoke', data);
}
