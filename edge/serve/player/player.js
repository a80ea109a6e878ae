// The player page: the library as a list, one audio element, and hls.js when somebody asks for HLS.
// State is `library` (what the server said), `current` (what plays and how) and the audio element.
// Nothing is written into the page as HTML: names of files are text, whatever they hold.
'use strict';

const $ = (id) => document.getElementById(id);
const audio = $('audio');

let library = { tracks: [], ladders: [], audio_prefix: '/audio/', hls_prefix: '/hls/' };
let current = null; // {item, how: 'whole' | 'hls', row, button}
let hls = null;     // the running hls.js, if any
let seeking = false;

/* what things are called */

const KINDS = { 'audio/mpeg': 'MP3', 'audio/mp4': 'M4A', 'audio/flac': 'FLAC', 'audio/aac': 'AAC', 'audio/ogg': 'OGG' };

const encodePath = (path) => path.split('/').map(encodeURIComponent).join('/');
const folderOf = (path) => path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';

// "harbour-lights/low_tide" -> "Harbour lights/Low tide"
function words(text) {
  return text.replace(/[_-]+/g, ' ').replace(/(^|\/)(\p{Ll})/gu, (_, gap, c) => gap + c.toUpperCase());
}

function kindOf(track) {
  const ending = /\.([a-z0-9]{1,5})$/i.exec(track.path);
  return ending ? ending[1].toUpperCase() : KINDS[track.type] || '';
}

function bytes(n) {
  if (n < 1024 * 1024) return `${Math.max(1, Math.round(n / 1024))} KB`;
  const mb = n / 1024 / 1024;
  return mb < 1024 ? `${mb.toFixed(mb < 10 ? 1 : 0)} MB` : `${(mb / 1024).toFixed(1)} GB`;
}

function clock(seconds) {
  if (!Number.isFinite(seconds)) return '–:––';
  const s = Math.max(0, Math.floor(seconds));
  const tail = `${Math.floor(s / 60) % 60}`.padStart(s >= 3600 ? 2 : 1, '0') + `:${`${s % 60}`.padStart(2, '0')}`;
  return s >= 3600 ? `${Math.floor(s / 3600)}:${tail}` : tail;
}

function urlOf(item, how) {
  const path = encodePath(item.path);
  return how === 'hls' ? `${library.hls_prefix}${path}/master.m3u8` : library.audio_prefix + path;
}

// A picture for a folder, always the same for the same name: rings in two related colours.
function sleeve(name) {
  let hash = 7;
  for (const c of name) hash = (hash * 31 + c.codePointAt(0)) >>> 0;
  const hue = hash % 360;
  const shape = (tag, fields, into) => {
    const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [k, v] of Object.entries(fields)) e.setAttribute(k, v);
    return into ? into.appendChild(e) : e;
  };
  const svg = shape('svg', { viewBox: '0 0 60 60' });
  shape('rect', { width: 60, height: 60, fill: `hsl(${hue} 42% 34%)` }, svg);
  for (let i = 0; i < 4; i++) {
    shape('circle', { cx: 18 + (hash >>> (4 * i)) % 24, cy: 58 - 7 * i, r: 44 - 11 * i,
      fill: `hsl(${(hue + 34 * i) % 360} ${58 - 4 * i}% ${42 + 9 * i}%)`, 'fill-opacity': .8 }, svg);
  }
  return svg;
}

/* the list */

function albums() {
  const found = new Map();
  const of = (folder) => found.get(folder) || found.set(folder, { folder, tracks: [] }).get(folder);
  library.ladders.forEach((folder) => { of(folder).ladder = true; });
  library.tracks.forEach((track) => of(folderOf(track.path)).tracks.push(track));
  return [...found.values()].sort((a, b) => a.folder.localeCompare(b.folder));
}

function trackRow(track) {
  const row = $('track-template').content.cloneNode(true).querySelector('li');
  const name = words(track.name.replace(/\.[a-z0-9]{1,5}$/i, ''));
  row.dataset.path = track.path;
  row.dataset.search = `${track.path} ${name}`.toLowerCase();
  row.querySelector('.name').textContent = name;
  row.querySelector('.kind').textContent = kindOf(track);
  row.querySelector('.size').textContent = bytes(track.size);
  row.querySelector('.whole').setAttribute('aria-label', `Play ${name}, ${kindOf(track)}`);
  const stream = row.querySelector('.hls');
  stream.setAttribute('aria-label', `Play ${name} as HLS`);
  stream.setAttribute('aria-pressed', 'false');
  row.item = { path: track.path, name, folder: folderOf(track.path) };
  return row;
}

function albumSection(album) {
  const section = $('album-template').content.cloneNode(true).querySelector('section');
  const heading = section.querySelector('h2');
  heading.textContent = album.folder ? words(album.folder).replaceAll('/', ' / ') : 'Tracks';
  const count = document.createElement('small');
  count.textContent = album.ladder ? `one track, ${album.tracks.length} bit rates` : '';
  heading.append(count);
  section.dataset.search = album.folder.toLowerCase();
  const button = section.querySelector('.adaptive');
  if (!album.ladder) button.remove();
  else {
    const name = words(album.folder.split('/').pop());
    button.dataset.path = album.folder;
    button.setAttribute('aria-label', `Play ${name}, adaptive HLS`);
    button.setAttribute('aria-pressed', 'false');
    button.item = { path: album.folder, name, folder: album.folder, ladder: true };
  }
  section.querySelector('ul').append(...album.tracks.map(trackRow));
  return section;
}

function note(...parts) {
  const p = document.createElement('p');
  p.className = 'note';
  p.id = 'note';
  p.append(...parts);
  return p;
}

function showLibrary() {
  const main = $('library');
  main.setAttribute('aria-busy', 'false');
  main.replaceChildren(...albums().map(albumSection));
  if (library.tracks.length) return filter();
  const code = document.createElement('code');
  code.textContent = 'make demo';
  main.append(note('No tracks yet. Put audio files under the media folder, or run ', code, ', and reload.'));
  $('count').textContent = '';
}

function filter() {
  const wanted = $('query').value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const section of document.querySelectorAll('.album')) {
    let here = 0;
    for (const row of section.querySelectorAll('.track')) {
      row.hidden = !wanted.every((word) => row.dataset.search.includes(word));
      here += !row.hidden;
    }
    section.hidden = here === 0 && !(section.querySelector('.track') === null && !wanted.length);
    shown += here;
  }
  const all = library.tracks.length;
  $('count').textContent = wanted.length ? `${shown} of ${all}` : `${all} ${all === 1 ? 'track' : 'tracks'}`;
  $('note')?.remove();
  if (!shown && wanted.length) $('library').append(note(`Nothing matches “${$('query').value.trim()}”.`));
}

async function loadLibrary() {
  try {
    const answer = await fetch('library.json', { cache: 'no-cache' });
    if (!answer.ok) throw new Error(await reasonOf(answer));
    library = { ...library, ...await answer.json() };
    showLibrary();
  } catch (error) {
    const again = document.createElement('button');
    again.textContent = 'Try again';
    again.addEventListener('click', loadLibrary);
    $('library').setAttribute('aria-busy', 'false');
    $('library').replaceChildren(note(`The library can’t be read: ${error.message}. `, again));
  }
}

/* playing */

// hls.js is fetched when first wanted: whoever plays files whole never loads it.
let hlsScript = null;
function loadHls() {
  if (window.Hls) return Promise.resolve(window.Hls);
  hlsScript ??= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = 'hls.light.min.js';
    script.onload = () => resolve(window.Hls);
    script.onerror = () => { hlsScript = null; reject(new Error('hls.js is not part of this server')); };
    document.head.append(script);
  });
  return hlsScript;
}

function stop() {
  hls?.destroy();
  hls = null;
  audio.pause();
  audio.removeAttribute('src');
  audio.load();
}

async function play(row, button, how) {
  stop();
  const mine = current = { item: (how === 'hls' && button.item) || row.item, how, row, button };
  showCurrent();
  showTrouble('');
  try {
    if (how === 'hls') await attachHls(mine);
    else audio.src = urlOf(mine.item, how);
    if (mine === current) await audio.play();
  } catch (error) {
    // A refused source is told by the element's own error event, with more to say.
    if (mine === current && error.name !== 'AbortError' && error.name !== 'NotSupportedError') fail(error.message);
  }
}

async function attachHls(mine) {
  const url = urlOf(mine.item, 'hls');
  const Hls = await loadHls();
  if (mine !== current) return;
  if (!Hls.isSupported()) {
    audio.src = url; // a browser without Media Source Extensions may know HLS itself
    return;
  }
  hls = new Hls({ enableWorker: false }); // no blob: worker, so a strict content policy holds
  hls.on(Hls.Events.ERROR, (_, data) => onHlsError(Hls, data));
  hls.on(Hls.Events.LEVEL_SWITCHED, (_, data) => showRate(hls.levels[data.level]));
  hls.loadSource(url);
  hls.attachMedia(audio);
}

async function onHlsError(Hls, data) {
  if (!data.fatal) return;
  const mine = current;
  const kind = Hls.ErrorDetails;
  if (data.details === kind.MANIFEST_INCOMPATIBLE_CODECS_ERROR || data.details === kind.BUFFER_ADD_CODEC_ERROR) {
    return fail('this browser has no decoder for its codec');
  }
  const code = data.response?.code;
  const reason = code >= 400 ? await askReason(data.response.url || data.url || urlOf(mine.item, 'hls')) : data.error?.message || data.details;
  if (mine === current) fail(reason);
}

// What the server says of a refused request: the body is a problem report (RFC 9457).
async function reasonOf(answer) {
  try {
    const problem = await answer.clone().json();
    return problem.detail || problem.title || `status ${answer.status}`;
  } catch {
    return `the server answered ${answer.status}`;
  }
}

async function askReason(url) {
  try {
    const answer = await fetch(url, { headers: { Range: 'bytes=0-0' } });
    return answer.ok ? '' : await reasonOf(answer);
  } catch {
    return 'the server does not answer';
  }
}

async function onAudioError() {
  const mine = current;
  if (!mine || hls || !audio.getAttribute('src')) return;
  const reason = await askReason(urlOf(mine.item, mine.how));
  if (mine === current) fail(reason || 'this browser has no decoder for it');
}

function fail(reason) {
  hls?.destroy();
  hls = null;
  current.row.classList.remove('playing');
  current.button.setAttribute('aria-pressed', 'false');
  showTrouble(`${current.item.name} can’t play${current.how === 'hls' ? ' as HLS' : ''}: ${reason}.`);
  showPlaying();
}

// The row `step` rows away among those that are shown; the same way of playing goes on.
function neighbour(step) {
  const rows = [...document.querySelectorAll('.track')].filter((row) => row.offsetParent);
  const at = rows.indexOf(current?.row);
  return rows[at + step] || null;
}

function go(step) {
  const row = neighbour(step);
  if (row) play(row, row.querySelector(`[data-how="${current.how}"]`), current.how);
}

/* the bar */

function showCurrent() {
  const { item, how, row, button } = current;
  document.querySelectorAll('.playing').forEach((e) => e.classList.remove('playing'));
  document.querySelectorAll('[aria-pressed]').forEach((e) => e.setAttribute('aria-pressed', 'false'));
  if (!item.ladder) row.classList.add('playing');
  if (how === 'hls') button.setAttribute('aria-pressed', 'true');
  $('bar').hidden = false;
  $('title').textContent = item.name;
  $('sleeve').replaceChildren(sleeve(item.folder));
  showRate(null);
  showTime();
  document.title = `${item.name} · Segue`;
  if ('mediaSession' in navigator) {
    navigator.mediaSession.metadata = new MediaMetadata({ title: item.name, album: words(item.folder) });
  }
}

function showRate(level) {
  const { item, how } = current;
  const rate = level?.bitrate ? `, ${Math.round(level.bitrate / 1000)} kbit/s` : '';
  const way = how === 'hls' ? `HLS${item.ladder ? ' adaptive' : ''}${rate}` : 'Whole file';
  $('about').textContent = item.folder && !item.ladder ? `${way} · ${words(item.folder)}` : way;
}

function showTrouble(text) {
  $('trouble').textContent = text;
  $('trouble').hidden = !text;
}

function showPlaying() {
  const on = !audio.paused && !audio.ended;
  document.body.classList.toggle('sounding', on);
  $('toggle').setAttribute('aria-label', on ? 'Pause' : 'Play');
  $('toggle').querySelector('use').setAttribute('href', on ? '#pause' : '#play');
  $('back').disabled = !neighbour(-1);
  $('forth').disabled = !neighbour(1);
}

function showTime() {
  const length = Number.isFinite(audio.duration) ? audio.duration : 0;
  $('length').textContent = clock(audio.duration);
  $('seek').max = length || 1;
  $('seek').disabled = !length;
  if (seeking) return;
  $('at').textContent = clock(audio.currentTime);
  $('seek').value = audio.currentTime;
  $('seek').setAttribute('aria-valuetext', `${clock(audio.currentTime)} of ${clock(audio.duration)}`);
}

function toggle() {
  if (!current) return;
  if (!audio.getAttribute('src') || audio.error || !$('trouble').hidden) play(current.row, current.button, current.how);
  else if (audio.paused) audio.play().catch(() => {});
  else audio.pause();
}

/* what people do */

function onLibraryClick(event) {
  const button = event.target.closest('button[data-how]');
  if (!button) return;
  const row = button.closest('.track') || button.closest('.album').querySelector('.track');
  const same = current && current.button === button;
  if (same && $('trouble').hidden) toggle();
  else play(row, button, button.dataset.how);
}

// Up and down walk the rows, in the column where the focus is.
function walk(event) {
  const here = document.activeElement?.closest('.track');
  if (!here) return;
  const rows = [...document.querySelectorAll('.track')].filter((row) => row.offsetParent);
  const next = rows[rows.indexOf(here) + (event.key === 'ArrowDown' ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.querySelector(`.${document.activeElement.classList[0]}`).focus();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches('input[type="search"]');
  if (event.key === '/' && !typing) {
    event.preventDefault();
    $('query').select();
  } else if (event.key === 'Escape' && typing) {
    $('query').value = '';
    filter();
  } else if (event.key === ' ' && !event.target.matches('input, button, a')) {
    event.preventDefault();
    toggle();
  } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
    walk(event);
  }
}

function listen() {
  $('library').addEventListener('click', onLibraryClick);
  $('query').addEventListener('input', filter);
  $('search-form').addEventListener('submit', (event) => event.preventDefault());
  document.addEventListener('keydown', onKey);
  $('toggle').addEventListener('click', toggle);
  $('back').addEventListener('click', () => go(-1));
  $('forth').addEventListener('click', () => go(1));
  $('volume').addEventListener('input', () => { audio.volume = $('volume').value; });
  $('seek').addEventListener('input', () => { seeking = true; $('at').textContent = clock($('seek').value); });
  $('seek').addEventListener('change', () => { seeking = false; audio.currentTime = $('seek').value; });
  ['play', 'playing', 'pause', 'ended', 'emptied'].forEach((name) => audio.addEventListener(name, showPlaying));
  ['timeupdate', 'durationchange', 'seeked', 'emptied'].forEach((name) => audio.addEventListener(name, showTime));
  audio.addEventListener('error', onAudioError);
  audio.addEventListener('ended', () => { if (!current.item.ladder) go(1); });
  if ('mediaSession' in navigator) {
    navigator.mediaSession.setActionHandler('previoustrack', () => go(-1));
    navigator.mediaSession.setActionHandler('nexttrack', () => go(1));
  }
}

listen();
loadLibrary();
