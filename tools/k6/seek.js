// People who jump about in a song, as browsers do it: Safari asks for two bytes first, the others for
// all from the start; then each jump is a range from there on, half of them with If-Range.
//   k6 run -e BASE_URL=http://127.0.0.1:8080 -e USERS=20 -e DURATION=1m tools/k6/seek.js
import { check, sleep } from 'k6';

import { number, options as shared, seconds } from './lib/env.js';
import { ask, askRange, counters, etagOf, judgeCache } from './lib/requests.js';
import { summary } from './lib/summary.js';
import { pickFile, tracks } from './lib/tracks.js';

const PIECE = 256 * 1024; // what a browser takes before it pauses the download
const JUMPS = number('JUMPS', 5);
const THINK = seconds('THINK', '1s'); // between jumps, on average

export const options = shared({
  scenarios: {
    seek: { executor: 'constant-vus', vus: number('USERS', 20), duration: `${seconds('DURATION', '60s')}s` },
  },
});

export function setup() {
  return { tracks: tracks(), before: counters() };
}

/** @param {string} url */
export function seek(url) {
  const probe = askRange('probe', url, 0, 1);
  const etag = etagOf(probe.answer);
  if (probe.size === 0) return;
  askRange('start', url, 0, PIECE - 1);
  askRange('tail', url, Math.max(0, probe.size - 65536), probe.size - 1); // where an MP4 may have its index
  for (let i = 0; i < JUMPS; i++) {
    const from = Math.floor(Math.random() * probe.size);
    const jump = askRange('jump', url, from, from + PIECE - 1, i % 2 ? { 'If-Range': etag } : {});
    check(jump.answer, { 'it is still the same file': (r) => etagOf(r) === etag });
    sleep(THINK * 2 * Math.random());
  }
  const end = Math.max(0, probe.size - 32768); // to the end, however long that is
  ask('to the end', url, { headers: { Range: `bytes=${end}-` }, expect: [206] });
}

/** @param {ReturnType<typeof setup>} data */
export default function (data) {
  seek(pickFile(data.tracks));
}

/** @param {ReturnType<typeof setup>} data */
export function teardown(data) {
  judgeCache(data.before);
}

/** @param {unknown} data */
export function handleSummary(data) {
  return summary('seek', data);
}
