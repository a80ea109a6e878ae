// A CDN in front: places that hold copies. What a place has not got it pulls, files in slices as CDNs
// cut them; what it has it revalidates, with both validators, and expects 304.
//   k6 run -e BASE_URL=http://127.0.0.1:8080 -e POPS=8 -e DURATION=1m tools/k6/cdn-pull.js
import { check, sleep } from 'k6';
import exec from 'k6/execution';

import { number, options as shared, seconds } from './lib/env.js';
import { open } from './lib/player.js';
import { ask, askRange, counters, etagOf, judgeCache } from './lib/requests.js';
import { summary } from './lib/summary.js';
import { pick, pickFile, tracks } from './lib/tracks.js';

const SLICE = number('SLICE', 1024 * 1024);

export const options = shared({
  scenarios: {
    pull: { executor: 'constant-vus', vus: number('POPS', 8), duration: `${seconds('DURATION', '60s')}s` },
  },
});

// What this place holds, by URL: the validators that came with it.
/** @type {Map<string, {etag: string, modified: string | undefined}>} */
const held = new Map();

export function setup() {
  return { tracks: tracks(), before: counters() };
}

/** @returns {Record<string, string>} as a CDN adds them */
function fields() {
  return {
    Via: `1.1 place-${exec.vu.idInTest}`,
    'X-Forwarded-For': `203.0.113.${1 + exec.vu.idInTest % 254}`,
    'Accept-Encoding': 'gzip',
  };
}

/** @param {import('./lib/requests.js').Answer} answer @param {string} url */
function hold(answer, url) {
  const etag = etagOf(answer);
  check(answer, {
    'it may be kept': (r) => /max-age|no-cache|immutable/.test(r.headers['Cache-Control'] || ''),
    'it can be revalidated': () => /^"[^"]+"$/.test(etag),
  });
  held.set(url, { etag, modified: answer.headers['Last-Modified'] });
}

/** @param {string} url */
function revalidate(url) {
  const have = held.get(url);
  if (!have) return false;
  /** @type {Record<string, string>} */
  const headers = { ...fields(), 'If-None-Match': have.etag };
  if (have.modified) headers['If-Modified-Since'] = have.modified;
  const answer = ask('revalidation', url, { headers, expect: [304] });
  check(answer, { '304 names the same ETag': (r) => etagOf(r) === have.etag });
  return true;
}

/** @param {string} url */
function pullFile(url) {
  if (revalidate(url)) return;
  const first = askRange('slice', url, 0, SLICE - 1, fields());
  hold(first.answer, url);
  const etag = etagOf(first.answer);
  for (let from = SLICE; from < Math.min(first.size, 16 * SLICE); from += SLICE) {
    const next = askRange('slice', url, from, from + SLICE - 1, { ...fields(), 'If-Range': etag });
    check(next.answer, { 'slices are of one file': (r) => etagOf(r) === etag });
  }
}

/** @param {string} master */
function pullTrack(master) {
  for (const segment of open(master).segments.slice(0, 4)) {
    if (revalidate(segment.uri)) continue;
    hold(ask('segment', segment.uri, { headers: fields(), expect: [200] }), segment.uri);
  }
}

/** @param {ReturnType<typeof setup>} data */
export default function (data) {
  pullTrack(pick(data.tracks).hls);
  pullFile(pickFile(data.tracks));
  sleep(seconds('THINK', '0.2s'));
}

/** @param {ReturnType<typeof setup>} data */
export function teardown(data) {
  judgeCache(data.before);
}

/** @param {unknown} data */
export function handleSummary(data) {
  return summary('cdn-pull', data);
}
