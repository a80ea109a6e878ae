// What a run has to say at its end: text on the terminal, and with -e OUT=FOLDER (which has to be there)
// NAME.txt, NAME.json and a picture, NAME.svg, in it.
import { BASE, OUT } from './env.js';

/**
 * @typedef {{type: string, values: Record<string, number>,
 *            thresholds?: Record<string, {ok: boolean}>}} Metric
 * @typedef {{metrics: Record<string, Metric>, state: {testRunDurationMs: number}}} Data
 */

const TIMES = [
  { metric: 'http_req_duration', label: 'whole answer', limits: { 'p(50)': 50, 'p(95)': 100, 'p(99)': 200 } },
  { metric: 'http_req_waiting', label: 'first byte', limits: { 'p(95)': 50 } },
  { metric: 'startup_time', label: 'start-up', limits: {} },
];
const POINTS = ['p(50)', 'p(95)', 'p(99)'];

/** @param {Data} data @param {string} name @param {string} value @returns {number} */
function figure(data, name, value) {
  const metric = data.metrics[name];
  return metric && metric.values[value] !== undefined ? metric.values[value] : 0;
}

/** @param {number} ms @returns {string} */
function ms(ms) {
  return ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : ms.toFixed(0);
}

/** @param {Data} data @returns {{name: string, rule: string, ok: boolean}[]} */
function judged(data) {
  return Object.entries(data.metrics).flatMap(([name, metric]) =>
    Object.entries(metric.thresholds || {}).map(([rule, { ok }]) => ({ name, rule, ok })));
}

/** @param {Data} data @returns {string} the memory hit ratio in percent, "-" when nothing told */
function hits(data) {
  const metric = data.metrics.memory_hit_ratio;
  if (!metric) return '-';
  const ratio = metric.type === 'rate' ? metric.values.rate : metric.values.value;
  return `${(100 * ratio).toFixed(1)} %`;
}

/** @param {Data} data @returns {[string, string][]} label and value of what is no time */
function facts(data) {
  const requests = figure(data, 'http_reqs', 'count');
  /** @type {[string, string][]} */
  const out = [
    ['checks', `${figure(data, 'checks', 'passes')} passed, ${figure(data, 'checks', 'fails')} failed`],
    ['requests', `${requests}, ${figure(data, 'http_reqs', 'rate').toFixed(1)}/s, `
      + `${(100 * figure(data, 'http_req_failed', 'rate')).toFixed(3)} % failed`],
    ['received', `${(figure(data, 'data_received', 'count') / 1e6).toFixed(1)} MB, `
      + `${(figure(data, 'data_received', 'rate') * 8 / 1e6).toFixed(1)} Mbit/s`],
    ['memory hits', hits(data)],
  ];
  if (data.metrics.rebuffer_ratio) {
    out.push(['stalls', `${figure(data, 'stalls', 'count')}, rebuffer ratio `
      + `${figure(data, 'rebuffer_ratio', 'avg').toFixed(5)}`]);
  }
  return out;
}

/** @param {string} name @param {Data} data @returns {string} */
function asText(name, data) {
  const rows = judged(data);
  const bad = rows.filter((row) => !row.ok);
  const out = [`${name} on ${BASE}, ${(data.state.testRunDurationMs / 1000).toFixed(1)} s`];
  for (const [label, value] of facts(data)) out.push(`  ${label.padEnd(14)}${value}`);
  for (const { metric, label } of TIMES) {
    if (!data.metrics[metric]) continue;
    const points = POINTS.map((p) => `${p.replace(/[()]/g, '')} ${ms(figure(data, metric, p))} ms`);
    out.push(`  ${label.padEnd(14)}${points.join(', ')}, max ${ms(figure(data, metric, 'max'))} ms`);
  }
  for (const row of rows) out.push(`  ${row.ok ? 'kept  ' : 'MISSED'}  ${row.name} ${row.rule}`);
  out.push(bad.length === 0 ? 'all thresholds are kept' : `${bad.length} of ${rows.length} thresholds are MISSED`);
  return out.join('\n') + '\n';
}

/** @param {string} text @returns {string} */
function xml(text) {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}

const WIDTH = 760, LEFT = 150, RIGHT = 90, ROW = 26, FIRST = 80; // FIRST: y of the first bar

// Times reach from microseconds to seconds: the axis is logarithmic, from 0.1 ms on.
/** @param {number} value ms @param {number} top ms @returns {number} */
function x(value, top) {
  const share = Math.log10(Math.max(value, 0.1) / 0.1) / Math.log10(top / 0.1);
  return LEFT + share * (WIDTH - LEFT - RIGHT);
}

/** @param {number} top @param {number} bottom y @returns {string[]} */
function grid(top, bottom) {
  const out = [];
  for (let value = 0.1; value <= top * 1.001; value *= 10) {
    const at = x(value, top).toFixed(1);
    out.push(`<line x1="${at}" y1="${FIRST - 6}" x2="${at}" y2="${bottom}" stroke="#d6dae0"/>`
      + `<text x="${at}" y="${bottom + 16}" text-anchor="middle" fill="#6a7280">${Number(value.toPrecision(1))} ms</text>`);
  }
  return out;
}

/** @param {Data} data @returns {{label: string, value: number, limit: number}[]} */
function bars(data) {
  return TIMES.filter(({ metric }) => data.metrics[metric]).flatMap(({ metric, label, limits }) =>
    POINTS.map((point) => ({
      label: `${label} ${point.replace(/[()]/g, '')}`,
      value: figure(data, metric, point),
      limit: /** @type {Record<string, number>} */ (limits)[point] || 0,
    })));
}

/** @param {string} name @param {Data} data @returns {string} */
function asPicture(name, data) {
  const rows = bars(data);
  const said = facts(data), bottom = FIRST + rows.length * ROW, bad = judged(data).filter((row) => !row.ok).length;
  const top = 10 ** Math.ceil(Math.log10(Math.max(1000, ...rows.map((row) => row.value))));
  const verdict = bad === 0 ? 'all thresholds kept' : `${bad} thresholds missed`;
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${bottom + 56}" `
      + `viewBox="0 0 ${WIDTH} ${bottom + 56}" font-family="system-ui, sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="#ffffff"/>',
    `<text x="16" y="26" font-size="16" font-weight="600" fill="#1c2430">${xml(name)}: ${verdict}</text>`,
    ...[said.slice(0, 2), said.slice(2)].map((part, i) =>
      `<text x="16" y="${45 + i * 16}" fill="#6a7280">${xml(part.map((fact) => fact.join(' ')).join(' · '))}</text>`),
    ...grid(top, bottom),
  ];
  rows.forEach(({ label, value, limit }, i) => {
    const y = FIRST + i * ROW, end = x(value, top), over = limit > 0 && value >= limit;
    out.push(`<text x="${LEFT - 10}" y="${y + 14}" text-anchor="end" fill="#1c2430">${xml(label)}</text>`,
      `<rect x="${LEFT}" y="${y}" width="${Math.max(1, end - LEFT).toFixed(1)}" height="18" rx="2" `
        + `fill="${over ? '#c8452f' : '#2f7fc8'}"/>`,
      `<text x="${(end + 6).toFixed(1)}" y="${y + 14}" fill="#1c2430">${ms(value)} ms</text>`);
    if (limit > 0) {
      const at = x(limit, top).toFixed(1);
      out.push(`<line x1="${at}" y1="${y - 3}" x2="${at}" y2="${y + 21}" stroke="#c8452f" stroke-width="2"/>`);
    }
  });
  out.push(`<text x="${LEFT}" y="${bottom + 40}" fill="#6a7280">red lines: thresholds; logarithmic axis</text>`, '</svg>');
  return out.join('\n') + '\n';
}

/**
 * For handleSummary.
 * @param {string} name of the scenario @param {unknown} raw k6's own data
 * @returns {Record<string, string>}
 */
export function summary(name, raw) {
  const data = /** @type {Data} */ (raw);
  const text = asText(name, data);
  /** @type {Record<string, string>} */
  const out = { stdout: `\n${text}` };
  if (OUT) {
    out[`${OUT}/${name}.txt`] = text;
    out[`${OUT}/${name}.json`] = JSON.stringify({ scenario: name, base: BASE, ...data }, null, 2) + '\n';
    out[`${OUT}/${name}.svg`] = asPicture(name, data);
  }
  return out;
}
