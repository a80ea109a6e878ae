// Which tracks there are and which one is heard next. Few tracks are heard often, most of them seldom:
// the one of rank r with a weight of 1 / r^s (Zipf), s being -e ZIPF, 1 without it.
import http from 'k6/http';

import { BASE, PREFIX, QUERY, number, text } from './env.js';

/**
 * @typedef {{name: string, hls: string, file: string | null}} Track   URLs; file: null for a ladder
 */

/** @param {string} path @returns {string} */
function quote(path) {
  return path.split('/').map(encodeURIComponent).join('/');
}

/**
 * A signature in the query goes on the first URL alone: what a playlist names carries its own.
 * @param {string} name @param {boolean} ladder @param {string} hls @param {string} audio prefixes
 * @returns {Track}
 */
function track(name, ladder, hls, audio) {
  const query = QUERY ? `?${QUERY}` : '';
  return {
    name,
    hls: `${BASE}${PREFIX}${hls}${quote(name)}/master.m3u8${query}`,
    file: ladder ? null : `${BASE}${PREFIX}${audio}${quote(name)}${query}`,
  };
}

/**
 * For setup(): the tracks of -e TRACKS=a.m4a,b (a name without an ending is a ladder), or what the
 * server's library lists, at most -e MAX_TRACKS of them.
 * @returns {Track[]}
 */
export function tracks() {
  const hls = text('HLS_PREFIX', '/hls/'), audio = text('AUDIO_PREFIX', '/audio/');
  const named = text('TRACKS', '').split(',').filter((name) => name !== '');
  if (named.length > 0) {
    return named.map((name) => track(name, !/\.[a-z0-9]{2,5}$/i.test(name), hls, audio));
  }
  const answer = http.get(`${BASE}/player/library.json`, { responseType: 'text', tags: { name: 'library' } });
  if (answer.status !== 200) throw new Error(`${answer.url}: status ${answer.status}; name tracks by -e TRACKS`);
  const library = JSON.parse(String(answer.body));
  const files = library.tracks.map((/** @type {{path: string}} */ one) =>
    track(one.path, false, library.hls_prefix, library.audio_prefix));
  const ladders = library.ladders.map((/** @type {string} */ name) =>
    track(name, true, library.hls_prefix, library.audio_prefix));
  const all = [...ladders, ...files].slice(0, number('MAX_TRACKS', 1000));
  if (all.length === 0) throw new Error('the library is empty');
  return all;
}

/**
 * Zipf's choice among `count` ranks, 0 the most likely.
 * @param {number} count @param {number} [random] from 0 to 1, exclusive
 * @returns {number}
 */
export function rank(count, random = Math.random()) {
  const exponent = number('ZIPF', 1);
  let left = 0;
  for (let r = 1; r <= count; r++) left += r ** -exponent;
  left *= random;
  for (let r = 1; r < count; r++) {
    left -= r ** -exponent;
    if (left < 0) return r - 1;
  }
  return count - 1;
}

/** @param {Track[]} all @returns {Track} */
export function pick(all) {
  return all[rank(all.length)];
}

/** @param {Track[]} all @returns {string} the URL of a file, whole */
export function pickFile(all) {
  const files = all.filter((one) => one.file !== null);
  if (files.length === 0) throw new Error('none of the tracks is a file');
  return String(files[rank(files.length)].file);
}
