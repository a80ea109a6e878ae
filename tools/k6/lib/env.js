// What a run is told by `-e NAME=VALUE`, and the thresholds that all scenarios share.

/** @param {string} name @param {string} fallback @returns {string} */
export function text(name, fallback) {
  return __ENV[name] || fallback;
}

/** @param {string} name @param {number} fallback @returns {number} */
export function number(name, fallback) {
  const value = Number(text(name, String(fallback)));
  if (!(value >= 0)) throw new Error(`-e ${name}=${__ENV[name]}: a number is expected`);
  return value;
}

/** @param {string} name @param {string} fallback seconds, of "90s", "5m" or "1h" @returns {number} */
export function seconds(name, fallback) {
  const match = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text(name, fallback));
  if (!match) throw new Error(`-e ${name}=${__ENV[name]}: "90s" or "5m" is expected`);
  const units = { s: 1, m: 60, h: 3600 };
  return Number(match[1]) * units[/** @type {'s' | 'm' | 'h'} */ (match[2] || 's')];
}

export const BASE = text('BASE_URL', 'http://127.0.0.1:8080').replace(/\/+$/, '');
export const ADMIN = text('ADMIN_URL', '').replace(/\/+$/, '');
export const PREFIX = text('PREFIX', '').replace(/\/+$/, ''); // a token in the path: /s/TOKEN
export const QUERY = text('QUERY', '').replace(/^\?/, ''); // a signature in the query
export const OUT = text('OUT', '').replace(/\/+$/, '');

// What the platform asks of the server. The time to the first byte is judged at its 95th percentile.
/** @type {Record<string, string[]>} */
const SHARED = {
  http_req_duration: ['p(50)<50', 'p(95)<100', 'p(99)<200'],
  http_req_waiting: ['p(95)<50'],
  http_req_failed: ['rate<0.001'],
  memory_hit_ratio: [ADMIN ? 'value>0.8' : 'rate>0.8'],
};

/**
 * Options of a scenario: its own, the thresholds, and the figures that the summary shows.
 * @param {Record<string, unknown>} own @param {Record<string, string[]>} [thresholds]
 */
export function options(own, thresholds) {
  return {
    summaryTrendStats: ['avg', 'min', 'p(50)', 'p(95)', 'p(99)', 'max'],
    thresholds: { ...SHARED, ...thresholds },
    ...own,
  };
}
