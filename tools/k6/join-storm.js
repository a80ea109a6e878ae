// A new release: everyone asks for the same track in the same moment, before anybody else has.
//   k6 run -e BASE_URL=http://127.0.0.1:8080 -e TRACKS=new/single.m4a -e USERS=200 tools/k6/join-storm.js
// The first of -e TRACKS is it, else any of the library. With -e ADMIN_URL it checks that the server took
// each source apart once at most, however many asked. Each asks a few times, so that of all look-ups
// only the first moment's miss the cache.
import { check, sleep } from 'k6';

import { number, options as shared } from './lib/env.js';
import { fetch, open } from './lib/player.js';
import { counters, growth, judgeCache } from './lib/requests.js';
import { summary } from './lib/summary.js';
import { tracks } from './lib/tracks.js';

const FIRST = number('SEGMENTS', 3); // of the track, that each fetches

export const options = shared({
  scenarios: {
    storm: {
      executor: 'per-vu-iterations',
      vus: number('USERS', 100),
      iterations: number('ROUNDS', 3),
      maxDuration: '2m',
    },
  },
});

let waited = false;

export function setup() {
  const all = tracks();
  const track = __ENV.TRACKS ? all[0] : all[Math.floor(Math.random() * all.length)];
  return { track, before: counters(), at: Date.now() + 2000 };
}

/** @param {ReturnType<typeof setup>} data */
export default function (data) {
  // The storm is the first round; in the others they come back one by one.
  sleep(waited ? 1 + 4 * Math.random() : Math.max(0, data.at - Date.now()) / 1000);
  waited = true;
  const { segments } = open(data.track.hls);
  if (segments[0].map) fetch('init', segments[0].map);
  for (const segment of segments.slice(0, FIRST)) fetch('segment', segment);
}

/** @param {ReturnType<typeof setup>} data */
export function teardown(data) {
  const after = judgeCache(data.before);
  if (!after) return;
  const builds = growth(data.before, after, 'segue_index_builds_total');
  const most = data.track.file ? 1 : 16; // a ladder has a few sources
  check(builds, { 'each source was taken apart once at most': (n) => n <= most });
  console.log(`${data.track.name}: ${builds} indexes made, `
    + `${growth(data.before, after, 'segue_flights_joined_total')} requests joined what was under way`);
}

/** @param {unknown} data */
export function handleSummary(data) {
  return summary('join-storm', data);
}
