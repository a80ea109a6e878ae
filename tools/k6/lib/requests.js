// Requests as all scenarios make them: named, so that metrics don't hold a row for each URL, and each
// answer counted as a hit of the memory cache or not.
import { check } from 'k6';
import http from 'k6/http';
import { Gauge, Rate } from 'k6/metrics';

import { ADMIN } from './env.js';

/** @typedef {import('k6/http').RefinedResponse<'text' | 'none'>} Answer */

// From the server's own counters where its admin listener can be read, else by Cache-Status (RFC 9211).
const fromServer = ADMIN ? new Gauge('memory_hit_ratio') : null;
const fromAnswers = ADMIN ? null : new Rate('memory_hit_ratio');

/** @param {Answer} answer */
function countHit(answer) {
  const status = answer.headers['Cache-Status'];
  if (fromAnswers && status) fromAnswers.add(/;\s*hit\b/.test(status));
}

/**
 * @typedef {{method?: string, headers?: Record<string, string>, keep?: boolean,
 *            expect?: number[]}} How   keep: the body is wanted; expect: statuses that are no failure
 * @param {string} name @param {string} url @param {How} [how]
 * @returns {Answer}
 */
export function ask(name, url, how = {}) {
  const expect = how.expect || [200, 206];
  const answer = http.request(how.method || 'GET', url, null, {
    headers: how.headers || {},
    tags: { name },
    timeout: '30s',
    responseType: how.keep ? 'text' : 'none',
    responseCallback: http.expectedStatuses(...expect),
  });
  countHit(answer);
  check(answer, { [`${name}: the status is ${expect.join(' or ')}`]: (r) => expect.includes(r.status) });
  return answer;
}

/** @param {Answer} answer @returns {string} k6 spells fields as Go does */
export function etagOf(answer) {
  return answer.headers['Etag'] || answer.headers['ETag'] || '';
}

/**
 * A piece of a file, checked to be the piece that was asked for.
 * @param {string} name @param {string} url @param {number} from @param {number} to inclusive
 * @param {Record<string, string>} [headers]
 * @returns {{answer: Answer, size: number}} size: of the whole, 0 when the answer does not say
 */
export function askRange(name, url, from, to, headers = {}) {
  const answer = ask(name, url, { headers: { ...headers, Range: `bytes=${from}-${to}` }, expect: [206] });
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.headers['Content-Range'] || '');
  const size = match ? Number(match[3]) : 0;
  check(answer, {
    [`${name}: it is the range that was asked for`]: (r) => match !== null
      && Number(match[1]) === from && Number(match[2]) === Math.min(to, size - 1)
      && Number(r.headers['Content-Length']) === Number(match[2]) - from + 1,
  });
  return { answer, size };
}

/**
 * @typedef {Record<string, number>} Counters
 * @returns {Counters | null} the counters of the server's /metrics; null without -e ADMIN_URL
 */
export function counters() {
  if (!ADMIN) return null;
  const answer = http.get(`${ADMIN}/metrics`, { tags: { name: 'metrics' }, responseType: 'text' });
  if (answer.status !== 200) throw new Error(`${ADMIN}/metrics: status ${answer.status}`);
  /** @type {Counters} */
  const out = {};
  for (const line of String(answer.body).split('\n')) {
    const blank = line.lastIndexOf(' ');
    if (blank > 0 && !line.startsWith('#')) out[line.slice(0, blank)] = Number(line.slice(blank + 1));
  }
  return out;
}

/**
 * How much a counter has grown since setup; NaN where it cannot be known.
 * @param {Counters | null} before @param {Counters | null} after @param {string} name
 */
export function growth(before, after, name) {
  return before && after ? after[name] - (before[name] || 0) : NaN;
}

/** For teardown: the share of look-ups since `before` that the memory cache answered.
 * @param {Counters | null} before */
export function judgeCache(before) {
  const after = counters();
  const [hits, misses, stale] = ['hit', 'miss', 'stale'].map((result) =>
    growth(before, after, `segue_cache_requests_total{tier="memory",result="${result}"}`));
  if (fromServer && hits + misses + stale > 0) fromServer.add(hits / (hits + misses + stale));
  return after;
}
