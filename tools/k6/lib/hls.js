// HLS playlists as values (RFC 8216): what a player has to know of them, nothing fetched here.
// URIs are resolved against the playlist that names them, so what a playlist's own URL begins with, a
// token in the path among it, is handed on; a query is not, as RFC 3986 has it.

/**
 * @typedef {{uri: string, bandwidth: number, codecs: string}} Variant
 * @typedef {{from: number, to: number}} Span        bytes, `to` exclusive
 * @typedef {{uri: string, span: Span | null}} Resource
 * @typedef {{uri: string, span: Span | null, duration: number, map: Resource | null}} Segment
 * @typedef {{segments: Segment[], target: number, duration: number, ended: boolean}} Media
 */

/** @param {string} text @returns {string[]} */
function lines(text) {
  const all = text.split(/\r?\n/);
  if (all[0] !== '#EXTM3U') throw new Error('no playlist: it does not begin with #EXTM3U');
  return all.filter((line) => line !== '');
}

/**
 * `NAME=VALUE,NAME="VALUE"` as an object, quotes gone (RFC 8216 4.2).
 * @param {string} list @returns {Record<string, string>}
 */
export function attributes(list) {
  /** @type {Record<string, string>} */
  const out = {};
  for (const match of list.matchAll(/([A-Z0-9-]+)=(?:"([^"]*)"|([^",]*))/g)) {
    out[match[1]] = match[2] !== undefined ? match[2] : match[3];
  }
  return out;
}

/**
 * `LENGTH[@OFFSET]`; without an offset it follows where the last one ended.
 * @param {string} value @param {number} end @returns {Span}
 */
function span(value, end) {
  const match = /^(\d+)(?:@(\d+))?$/.exec(value);
  if (!match) throw new Error(`no byte range: ${value}`);
  const from = match[2] === undefined ? end : Number(match[2]);
  return { from, to: from + Number(match[1]) };
}

/** @param {string} path @returns {string} RFC 3986 5.2.4 */
function withoutDots(path) {
  /** @type {string[]} */
  const out = [];
  const parts = path.split('/').slice(1);
  parts.forEach((part, i) => {
    if (part === '..') out.pop();
    if (part !== '.' && part !== '..') out.push(part);
    else if (i === parts.length - 1) out.push('');
  });
  return '/' + out.join('/');
}

/**
 * The URL to which `reference` leads from the absolute URL `base` (RFC 3986 5.2).
 * @param {string} base @param {string} reference @returns {string}
 */
export function resolve(base, reference) {
  const match = /^([a-z][a-z0-9+.-]*:)\/\/([^/?#]*)([^?#]*)/i.exec(base);
  if (!match) throw new Error(`no absolute URL: ${base}`);
  const [, scheme, authority, path] = match;
  if (/^[a-z][a-z0-9+.-]*:/i.test(reference)) return reference;
  if (reference.startsWith('//')) return scheme + reference;
  const mark = reference.indexOf('?');
  const to = mark < 0 ? reference : reference.slice(0, mark);
  const query = mark < 0 ? '' : reference.slice(mark);
  const folder = path.slice(0, path.lastIndexOf('/') + 1) || '/';
  const whole = to === '' ? path || '/' : to.startsWith('/') ? to : folder + to;
  return `${scheme}//${authority}${withoutDots(whole)}${query}`;
}

/** @param {string} text @returns {boolean} */
export function isMaster(text) {
  return /^#EXT-X-STREAM-INF:/m.test(text);
}

/**
 * @param {string} text @param {string} url where it came from
 * @returns {Variant[]} in their order
 */
export function parseMaster(text, url) {
  /** @type {Variant[]} */
  const out = [];
  /** @type {Record<string, string> | null} */
  let stream = null;
  for (const line of lines(text)) {
    if (line.startsWith('#EXT-X-STREAM-INF:')) {
      stream = attributes(line.slice(line.indexOf(':') + 1));
    } else if (!line.startsWith('#') && stream) {
      out.push({
        uri: resolve(url, line),
        bandwidth: Number(stream.BANDWIDTH),
        codecs: stream.CODECS || '',
      });
      stream = null;
    }
  }
  if (out.length === 0) throw new Error('a master playlist without a variant');
  return out;
}

/**
 * The variant of the highest bandwidth up to `bits` a second, else the lowest.
 * @param {Variant[]} variants @param {number} bits @returns {Variant}
 */
export function choose(variants, bits) {
  const rising = [...variants].sort((a, b) => a.bandwidth - b.bandwidth);
  return rising.filter((v) => v.bandwidth <= bits).pop() || rising[0];
}

/**
 * @param {string} text @param {string} url where it came from
 * @returns {Media}
 */
export function parseMedia(text, url) {
  /** @type {Media} */
  const out = { segments: [], target: 0, duration: 0, ended: false };
  /** @type {Resource | null} */
  let map = null;
  /** @type {Span | null} */
  let next = null;
  let duration = 0, end = 0;
  for (const line of lines(text)) {
    const value = line.slice(line.indexOf(':') + 1);
    if (line.startsWith('#EXTINF:')) {
      duration = parseFloat(value);
    } else if (line.startsWith('#EXT-X-TARGETDURATION:')) {
      out.target = Number(value);
    } else if (line.startsWith('#EXT-X-BYTERANGE:')) {
      next = span(value, end);
    } else if (line.startsWith('#EXT-X-MAP:')) {
      const list = attributes(value);
      map = { uri: resolve(url, list.URI), span: list.BYTERANGE ? span(list.BYTERANGE, 0) : null };
    } else if (line === '#EXT-X-ENDLIST') {
      out.ended = true;
    } else if (!line.startsWith('#')) {
      if (!(duration > 0)) throw new Error(`a segment without a duration: ${line}`);
      out.segments.push({ uri: resolve(url, line), span: next, duration, map });
      out.duration += duration;
      end = next ? next.to : 0;
      next = null;
      duration = 0;
    }
  }
  if (out.segments.length === 0) throw new Error('a media playlist without a segment');
  return out;
}

/**
 * The value of a Range field for it, or null when it is the whole resource.
 * @param {Span | null} s @returns {string | null}
 */
export function rangeOf(s) {
  return s ? `bytes=${s.from}-${s.to - 1}` : null;
}
