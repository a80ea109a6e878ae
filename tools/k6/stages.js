// An evening: in 2 minutes to 100 users, 5 minutes so, to 200, 5 minutes so, and down. Seven of ten hear
// HLS at its own pace, the others jump about in files.
//   k6 run -e BASE_URL=http://127.0.0.1:8080 -e SCALE=0.07 tools/k6/stages.js     # about a minute
// -e SCALE: of the time; -e USERS: of the first plateau.
import { number, options as shared } from './lib/env.js';
import { play } from './lib/player.js';
import { counters, judgeCache } from './lib/requests.js';
import { summary } from './lib/summary.js';
import { pick, pickFile, tracks } from './lib/tracks.js';
import { seek } from './seek.js';

const SCALE = number('SCALE', 1), USERS = number('USERS', 100);
const VISIT = 60 * 1000 * Math.min(1, SCALE * 4); // ms that a listener stays before choosing anew

/** @param {number} minutes @param {number} target */
function stage(minutes, target) {
  return { duration: `${Math.max(1, Math.round(minutes * 60 * SCALE))}s`, target };
}

export const options = shared({
  scenarios: {
    evening: {
      executor: 'ramping-vus',
      startVUs: 0,
      stages: [stage(2, USERS), stage(5, USERS), stage(2, 2 * USERS), stage(5, 2 * USERS), stage(2, 0)],
      gracefulRampDown: '5s',
    },
  },
}, { rebuffer_ratio: ['avg<0.01'] });

export function setup() {
  return { tracks: tracks(), before: counters() };
}

/** @param {ReturnType<typeof setup>} data */
export default function (data) {
  if (Math.random() < 0.7) play(pick(data.tracks).hls, Date.now() + VISIT);
  else seek(pickFile(data.tracks));
}

/** @param {ReturnType<typeof setup>} data */
export function teardown(data) {
  judgeCache(data.before);
}

/** @param {unknown} data */
export function handleSummary(data) {
  return summary('stages', data);
}
