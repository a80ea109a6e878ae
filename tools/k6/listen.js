// Listeners at the media's own pace: each plays one track after the other to its end.
//   k6 run -e BASE_URL=http://127.0.0.1:8080 -e LISTENERS=50 -e DURATION=5m tools/k6/listen.js
import { scenario } from 'k6/execution';
import { sleep } from 'k6';

import { number, options as shared, seconds } from './lib/env.js';
import { play } from './lib/player.js';
import { counters, judgeCache } from './lib/requests.js';
import { summary } from './lib/summary.js';
import { pick, tracks } from './lib/tracks.js';

const DURATION = seconds('DURATION', '60s');
const RAMP = Math.min(seconds('RAMP', '5s'), DURATION / 2); // in which all of them come

export const options = shared({
  scenarios: {
    listen: {
      executor: 'constant-vus',
      vus: number('LISTENERS', 20),
      duration: `${DURATION}s`,
      gracefulStop: '5s',
    },
  },
}, { rebuffer_ratio: ['avg<0.01'] });

let came = false;

export function setup() {
  return { tracks: tracks(), before: counters() };
}

/** @param {ReturnType<typeof setup>} data */
export default function (data) {
  if (!came) sleep(Math.random() * RAMP);
  came = true;
  // A moment behind k6's own end: who stops at the end would begin another track just before it.
  play(pick(data.tracks).hls, scenario.startTime + DURATION * 1000 + 500);
}

/** @param {ReturnType<typeof setup>} data */
export function teardown(data) {
  judgeCache(data.before);
}

/** @param {unknown} data */
export function handleSummary(data) {
  return summary('listen', data);
}
