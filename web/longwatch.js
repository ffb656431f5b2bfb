/**
 * The overview page. While it is visible it requests /v1/overview every two seconds, and it reads the stream
 * /v1/overview/events. It inserts everything from the server as text, never as markup.
 */
const KEY = 'longwatch-key';
const EVERY_MS = 2_000;
const EVENTS_SHOWN = 100;
const SPARK_POINTS = 60;
/** Titles of the capabilities by name, from the overview. */
const titles = { platform: 'Platform' };
const scopes = {
  all: ['all', 'all processes'],
  process: ['here', 'this process since it started'],
  table: ['≈', 'items of the table, as DynamoDB last counted them'],
};

const $ = (id) => document.getElementById(id);
const number = new Intl.NumberFormat();
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'always', style: 'narrow' });

let key = takeKey();
let polling;
let reading;
let lastEventId = '0';
let before = { status: '', cases: new Set() };
const sparks = new Map();

/** Returns the key. The start screen's link has it after the #; it is removed from the address at once. */
function takeKey() {
  const given = /^#key=(.+)$/.exec(location.hash)?.[1];
  if (given) {
    sessionStorage.setItem(KEY, decodeURIComponent(given));
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem(KEY);
}

function element(name, { text, ...attributes } = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes))
    if (value !== undefined) made.setAttribute(attribute, value);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

/** Returns a link. If the address is not an http address, returns the text without a link. */
function link(text, href, label) {
  return href && /^https?:\/\//.test(href)
    ? element('a', { href, text, 'aria-label': label })
    : document.createTextNode(text);
}

function ask(path, { headers, ...options } = {}) {
  return fetch(path, { ...options, headers: { ...headers, authorization: `Bearer ${key}` }, cache: 'no-store' });
}

/* ---- signing in ---- */

function showSignIn(fault = '') {
  stop();
  $('overview').hidden = true;
  $('status').hidden = true;
  $('asof').hidden = true;
  $('cases-link').hidden = true;
  $('sign-out').hidden = true;
  $('sign-in').hidden = false;
  $('key-fault').textContent = fault;
  $('key').setAttribute('aria-invalid', String(fault !== ''));
  $('key').focus();
}

function begin() {
  $('sign-in').hidden = true;
  $('overview').hidden = false;
  $('sign-out').hidden = false;
  refresh();
  readEvents();
}

function stop() {
  clearTimeout(polling);
  reading?.abort();
  reading = undefined;
}

$('key-form').addEventListener('submit', (event) => {
  event.preventDefault();
  key = $('key').value.trim();
  $('key').value = '';
  if (!key) return showSignIn('Enter a key.');
  // HTTP headers allow no other characters.
  if (!/^[\x21-\x7e]+$/.test(key)) return showSignIn('A key contains no spaces and only ASCII characters.');
  sessionStorage.setItem(KEY, key);
  begin();
});

$('sign-out').addEventListener('click', () => {
  sessionStorage.removeItem(KEY);
  key = null;
  forget();
  showSignIn();
});

function forget() {
  for (const id of ['capabilities', 'events']) $(id).replaceChildren();
  for (const id of ['cases', 'parts', 'queues', 'backlog']) $(id).tBodies[0].replaceChildren();
  sparks.clear();
  lastEventId = '0';
  before = { status: '', cases: new Set() };
}

/* ---- the overview ---- */

async function refresh() {
  clearTimeout(polling);
  const asked = key;
  try {
    const response = await ask('/v1/overview');
    if (asked !== key) return;
    if (response.status === 401 || response.status === 403) {
      sessionStorage.removeItem(KEY);
      key = null;
      forget();
      return showSignIn(
        response.status === 401
          ? 'This key is not valid.'
          : 'This key’s role may not see the overview; the role must be investigator, supervisor or admin.',
      );
    }
    if (!response.ok)
      throw new Error((await response.json().catch(() => ({}))).detail ?? `The API answers ${response.status}`);
    const overview = await response.json();
    if (asked === key) show(overview);
  } catch (error) {
    if (asked !== key) return;
    away(
      error instanceof TypeError
        ? 'The API does not answer. The page shows the state at the time above.'
        : error.message,
    );
  }
  if (!document.hidden && key) polling = setTimeout(refresh, EVERY_MS);
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden && key) refresh();
});

function away(text) {
  setPill('bad', 'Unreachable');
  if ($('away').textContent !== text) $('away').textContent = text;
  $('away').hidden = false;
}

function show(overview) {
  $('away').hidden = true;
  $('version').textContent = overview.version;
  $('asof').textContent =
    `as of ${clock.format(new Date(overview.at))}, up ${duration(Date.parse(overview.at) - Date.parse(overview.since))}`;
  $('asof').hidden = false;
  const pills = { ready: ['ok', 'Running'], degraded: ['warn', 'Degraded'], 'not-ready': ['bad', 'Not ready'] };
  setPill(...pills[overview.status]);
  if (overview.links) {
    $('cases-link').href = overview.links.cases;
    $('cases-link').hidden = false;
  }
  for (const { name, title } of overview.capabilities) titles[name] = title;
  overview.capabilities.forEach(showCapability);
  showCases(overview.cases);
  rows('parts', overview.parts, ({ name, state, address }) => [
    element('td', { text: name }),
    element('td', {}, stateOf(state)),
    element('td', { class: 'where', text: address ?? '' }),
  ]);
  rows('queues', overview.queues, ({ queue, workers, backlog, backlogAgeMs }) => [
    element('td', { text: queue.replace(/^longwatch-/, '') }),
    element(
      'td',
      { class: 'right' },
      workers === 0
        ? element('span', { class: 'pill bad', text: 'none' })
        : document.createTextNode(number.format(workers)),
    ),
    element('td', {
      class: 'right',
      text: backlog === 0 ? '0' : `${number.format(backlog)}, ${duration(backlogAgeMs)}`,
    }),
  ]);
  rows('backlog', backlogOf(overview), ({ what, text, tone }) => [
    element('td', { text: what }),
    element(
      'td',
      { class: 'right' },
      tone ? element('span', { class: `pill ${tone}`, text }) : document.createTextNode(text),
    ),
  ]);
  announce(overview);
}

function setPill(tone, text) {
  const pill = $('status');
  pill.className = `pill ${tone}`;
  if (pill.textContent !== text) pill.textContent = text;
  pill.hidden = false;
}

const states = {
  ok: ['ok', 'ok'],
  unavailable: ['bad', 'unavailable'],
  starting: ['warn', 'starting'],
  elsewhere: ['', 'in other processes'],
  configured: ['', 'configured'],
  none: ['', 'none'],
};
function stateOf(state) {
  const [tone, text] = states[state] ?? ['', state];
  return element('span', { class: `pill ${tone}`, text });
}

/** Returns the rows of the last reconciliation of each mode: open rows without a running workflow. */
function reconciledOf(reports) {
  if (reports.length === 0) return [{ what: 'Reconciliation', text: 'none yet' }];
  return reports.map(({ mode, finishedAt, checked, restarted, postponed }) => ({
    what: `Reconciliation (${mode})`,
    text: `${ago(finishedAt)} ago: ${number.format(checked)} checked, ${number.format(restarted)} restarted${postponed > 0 ? `, ${number.format(postponed)} postponed` : ''}`,
    tone: postponed > 0 ? 'bad' : restarted > 0 ? 'warn' : undefined,
  }));
}

const backlogTitles = { start: 'Overdue workflow starts', rescore: 'Payments to rescore' };
function backlogOf({ streams, owed, deadLetters, reconciler }) {
  const missing = (what) => ({ what, text: 'unavailable', tone: 'bad' });
  const lags =
    streams === 'unavailable'
      ? [missing('Streams')]
      : streams.map(({ stream, lagMs }) => ({
          what: `Stream ${stream}`,
          text:
            lagMs === null
              ? 'read by another process'
              : lagMs < 1_000
                ? `${lagMs} ms behind`
                : `${duration(lagMs)} behind`,
          tone: lagMs !== null && lagMs > 60_000 ? 'bad' : lagMs !== null && lagMs > 10_000 ? 'warn' : undefined,
        }));
  const letters =
    deadLetters === 'unavailable'
      ? [missing('Dead letters')]
      : deadLetters
          .filter(({ count }) => count > 0)
          .map(({ stream, count, more }) => ({
            what: `Dead letters of ${stream}`,
            text: atLeast(count, more),
            tone: 'warn',
          }));
  return [
    ...(owed === 'unavailable'
      ? [missing('Outbox')]
      : owed.map(({ kind, due, oldestDueAt }) => ({
          what: backlogTitles[kind] ?? kind,
          text: due === 0 ? 'none' : `${number.format(due)}, since ${ago(oldestDueAt)}`,
          tone: due > 0 ? 'warn' : undefined,
        }))),
    ...(reconciler === 'unavailable' ? [missing('Reconciliation')] : reconciledOf(reconciler)),
    ...lags,
    ...(letters.length > 0 ? letters : [{ what: 'Dead letters', text: 'none' }]),
  ];
}

function rows(id, found, cells) {
  const body = $(id).tBodies[0];
  const columns = $(id).tHead.rows[0].cells.length;
  const made =
    found === 'unavailable'
      ? [
          element(
            'tr',
            {},
            element(
              'td',
              { colspan: columns },
              element('span', { class: 'pill bad', text: 'temporarily unavailable' }),
            ),
          ),
        ]
      : found.map((one) => element('tr', {}, ...cells(one)));
  // A narrow page lays out rows as grids. Without roles, some screen readers then no longer announce a table.
  for (const row of made) {
    row.setAttribute('role', 'row');
    for (const cell of row.cells) cell.setAttribute('role', 'cell');
  }
  body.replaceChildren(...made);
}

function showCapability({ name, title, lead, figures, unavailable }) {
  let card = $(`capability-${name}`);
  if (!card) {
    card = element('li', { class: 'card', id: `capability-${name}` });
    $('capabilities').append(card);
  }
  const { label = '', value = 0, scope = 'process' } = lead ?? {};
  card.replaceChildren(
    element('h3', { text: title }),
    element('p', { class: 'lead', text: number.format(value) }, element('small', { text: label }, scopeOf(scope))),
    spark(name, value),
    element(
      'dl',
      { class: 'figures' },
      ...figures.flatMap((one) => [
        element('dt', { text: one.label }, scopeOf(one.scope)),
        element('dd', { text: `${number.format(one.value)}${one.more ? '+' : ''}` }),
      ]),
      ...(unavailable
        ? [
            element('dt', { text: 'Some figures' }),
            element('dd', {}, element('span', { class: 'pill bad', text: 'unavailable' })),
          ]
        : []),
    ),
  );
}

function scopeOf(scope) {
  const [short, long] = scopes[scope];
  return element('abbr', { class: 'scope', title: long, text: short });
}

/** Returns a chart of the leading figure's changes between refreshes. */
function spark(name, value) {
  const known = sparks.get(name) ?? { last: value, points: Array(SPARK_POINTS).fill(0) };
  known.points.push(Math.abs(value - known.last));
  known.points.shift();
  known.last = value;
  sparks.set(name, known);
  const most = Math.max(1, ...known.points);
  const at = (point, i) => `${i * (120 / (SPARK_POINTS - 1))},${46 - (point / most) * 42}`;
  const line = known.points.map((point, i) => `${i === 0 ? 'M' : 'L'}${at(point, i)}`).join('');
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  for (const [attribute, text] of Object.entries({
    viewBox: '0 0 120 48',
    class: 'spark',
    'aria-hidden': 'true',
    preserveAspectRatio: 'none',
  }))
    svg.setAttribute(attribute, text);
  for (const [d, kind] of [
    [`${line}L120,48L0,48Z`, 'area'],
    [line, 'line'],
  ]) {
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    path.setAttribute('d', d);
    path.setAttribute('class', kind);
    svg.append(path);
  }
  return svg;
}

const outcomes = { alert: 'warn', review: 'warn', block: 'bad' };
function showCases(cases) {
  if (cases === 'unavailable') {
    $('cases-count').textContent = '?';
    return rows('cases', cases, () => []);
  }
  const { items, more } = cases;
  $('cases-count').textContent = atLeast(items.length, more);
  const named = (name, cell) => {
    cell.setAttribute('data-name', name);
    return cell;
  };
  const body = $('cases').tBodies[0];
  // A link that has the focus keeps it.
  const focused = body.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
  rows('cases', items, (one) => [
    element('td', {}, link(one.transactionId, one.link)),
    named('Amount', element('td', { class: 'right', text: money(one.amount, one.currency) })),
    named(
      'Outcome',
      element('td', {}, element('span', { class: `pill ${outcomes[one.outcome] ?? ''}`, text: one.outcome })),
    ),
    named('Score', element('td', { class: 'right', text: one.score === null ? '' : one.score.toFixed(2) })),
    named('Status', element('td', { text: one.status })),
    named('Assignee', element('td', { text: one.assignee ?? '' })),
    named('Opened', element('td', { text: ago(one.openedAt) })),
    named(
      'Due',
      element(
        'td',
        {},
        ...(one.dueAt
          ? [
              Date.parse(one.dueAt) < Date.now()
                ? element('span', { class: 'pill bad', text: ago(one.dueAt) })
                : document.createTextNode(ago(one.dueAt)),
            ]
          : []),
      ),
    ),
  ]);
  if (focused) [...body.querySelectorAll('a')].find((one) => one.getAttribute('href') === focused)?.focus();
  $('cases-note').textContent =
    items.length === 0
      ? 'There are no open investigations.'
      : more
        ? 'The table shows the most urgent cases; the Web UI lists all.'
        : '';
}

function announce({ status, cases }) {
  const said = [];
  if (before.status && before.status !== status) said.push(`Longwatch is ${status === 'ready' ? 'running' : status}.`);
  const ids = new Set(cases === 'unavailable' ? before.cases : cases.items.map(({ transactionId }) => transactionId));
  const fresh = [...ids].filter((id) => !before.cases.has(id)).length;
  if (before.status && fresh > 0) said.push(`${fresh} new open ${fresh === 1 ? 'investigation' : 'investigations'}.`);
  before = { status, cases: ids };
  if (said.length > 0) $('announce').textContent = said.join(' ');
}

/* ---- events ---- */

async function readEvents() {
  reading?.abort();
  const mine = new AbortController();
  reading = mine;
  while (!mine.signal.aborted) {
    try {
      const response = await ask('/v1/overview/events', {
        headers: { 'last-event-id': lastEventId },
        signal: mine.signal,
      });
      if (response.ok && response.body) await takeEvents(response.body);
      else if (response.status === 503)
        $('events-note').textContent =
          'The limit of open event streams is reached. Events appear when another browser closes its page.';
    } catch {
      // The overview shows that the API is unavailable; try again.
    }
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  }
}

async function takeEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop();
    const events = [];
    for (const block of blocks) {
      const lines = block.split('\n');
      const id = lines.find((line) => line.startsWith('id: '))?.slice(4);
      const data = lines.find((line) => line.startsWith('data: '))?.slice(6);
      if (data === undefined) continue;
      lastEventId = id ?? lastEventId;
      events.push(JSON.parse(data));
    }
    if (events.length > 0) showEvents(events);
  }
}

let paused = false;
const held = [];
$('pause').addEventListener('click', () => {
  paused = !paused;
  $('pause').setAttribute('aria-pressed', String(paused));
  $('pause').textContent = paused ? 'Resume' : 'Pause';
  if (!paused) showEvents(held.splice(0));
});

function showEvents(events) {
  if (paused) {
    held.push(...events);
    held.splice(0, held.length - EVENTS_SHOWN);
    return;
  }
  const list = $('events');
  const made = events
    .slice(-EVENTS_SHOWN)
    .map(({ at, area, tone, text, count, link: href }) =>
      element(
        'li',
        { class: 'fresh' },
        element('time', { datetime: at, text: clock.format(new Date(at)) }),
        element('span', { class: 'area', text: titles[area] ?? area }),
        element(
          'span',
          { class: `text ${tone}` },
          ...(tone === 'problem' ? ['⚠ '] : []),
          link(`${text.charAt(0).toUpperCase()}${text.slice(1)}${count > 1 ? ` × ${number.format(count)}` : ''}`, href),
        ),
      ),
    );
  // Events of other processes arrive a moment later, so the list is sorted by time. Rows that are inserted again lose
  // the class `fresh`, otherwise their animation would run again.
  for (const row of list.children) row.classList.remove('fresh');
  list.prepend(...made.toReversed());
  if (list.children.length > made.length)
    list.replaceChildren(...[...list.children].toSorted((a, b) => timeOf(b).localeCompare(timeOf(a))));
  while (list.children.length > EVENTS_SHOWN) list.lastElementChild.remove();
}

const timeOf = (row) => row.querySelector('time').getAttribute('datetime');

/* ---- words ---- */

const atLeast = (count, more) => `${number.format(count)}${more ? '+' : ''}`;

function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3_600)} h`;
}

function ago(at) {
  const seconds = Math.round((Date.parse(at) - Date.now()) / 1_000);
  const [unit, size] =
    Math.abs(seconds) < 60
      ? ['second', 1]
      : Math.abs(seconds) < 3_600
        ? ['minute', 60]
        : Math.abs(seconds) < 86_400
          ? ['hour', 3_600]
          : ['day', 86_400];
  return relative.format(Math.trunc(seconds / size), unit);
}

/** Formats an amount in minor units with the currency's number of digits. */
function money(amount, currency) {
  const format = new Intl.NumberFormat(undefined, { style: 'currency', currency, currencyDisplay: 'code' });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}

if (key) begin();
else showSignIn();
