import { NotificationStore } from '../../../src/stores/platform/notifications';
import { capability, type Reader, type Violation } from './capability';
import type { Caller, Told } from './caller';
import { SESSION_EVENTS_TO, SESSION_IDLE_MS } from './deployment';
import { Sightings, startingAt, Turns } from './journal';

const USERS = 12;
/** Clocks of one machine, rounded, and an answer's way. */
const MARGIN_MS = 2_000;
/** How long after its caller gave up a request may still be under way, in a process that waits for DynamoDB. */
const LATE_MS = 15_000;

interface Session {
  handle: string;
  userId: string;
  /** Undefined: it was rotated, and the answer with the new one was lost. */
  cookie: string | undefined;
  /** By the last acknowledged answer, epoch ms. */
  expiresAt: number;
  /** When a request for it may last have been under way: it lives on for at most the idle time from there. */
  usedAt: number;
  /** Of the last acknowledged change. */
  value: number;
  /** Of changes that were not acknowledged. */
  perhaps: Set<number>;
  /** Somebody began to end it. */
  ending: boolean;
  /** Somebody was told that it has ended; epoch ms. */
  endedAt?: number;
}

interface Journal {
  sessions: Session[];
  /** Until when a request may be under way that ends all sessions of a user, known to us or not; epoch ms by user. */
  endingAll: Map<string, number>;
  turns: Turns;
  sightings: Sightings;
}

interface Shown {
  handle: string;
  expiresAt: string;
  data: { value?: number };
}

const mayBeAlive = (session: Session, at: number): boolean =>
  session.endedAt === undefined && at <= session.usedAt + SESSION_IDLE_MS + MARGIN_MS;
const mustBeAlive = (session: Session, at: number): boolean =>
  !session.ending && session.cookie !== undefined && at < session.expiresAt - MARGIN_MS;
const cookieOf = (headers: Headers): string | undefined => headers.getSetCookie()[0]?.split(';')[0];

/** Sessions: what has ended never comes back, what lives is there with what was last written. */
export const sessions = capability<Journal>({
  name: 'sessions',
  lanes: 2,
  pauseMs: 100,

  prepare: async () => ({ sessions: [], endingAll: new Map(), turns: new Turns(), sightings: new Sightings() }),

  async operate(caller, random, journal, id) {
    const what = random.next();
    const at = random.integer(0, 1_000_000);
    const userId = `visitor-${random.integer(1, USERS)}`;
    const value = random.integer(1, 1_000_000_000);
    const all = journal.sessions;
    if (what < 0.25 || all.length === 0) return open(caller, journal, userId, value);
    // Of the newest, most of which are alive; now and then an old one.
    const from = at % 10 === 0 ? all : all.slice(-40);
    const picked = from[at % from.length] as Session;
    if (what < 0.9) {
      const order = startingAt(all, all.indexOf(picked)).map((_, i) => String((all.indexOf(picked) + i) % all.length));
      await journal.turns.with(order, async (index) => {
        const session = all[Number(index)] as Session;
        if (session.cookie === undefined) return;
        if (what < 0.55) await read(caller, journal, session, id);
        else await change(caller, journal, session, { value, rotates: what >= 0.83 }, id);
      });
    } else if (what < 0.95)
      await end(caller, [picked], {
        method: 'delete',
        path: '/v1/sessions/current',
        anonymous: true,
        headers: { cookie: picked.cookie ?? '' },
      });
    else if (what < 0.98)
      await end(caller, [picked], { method: 'delete', path: `/v1/users/${picked.userId}/sessions/${picked.handle}` });
    else await endAll(caller, journal, userId);
  },

  async verify(reader, { sessions: all, sightings }) {
    const violations: Violation[] = [];
    let verified = 0;
    for (const session of all) {
      const name = `session ${session.handle} of ${session.userId}`;
      if (session.cookie === undefined) continue;
      const now = Date.now();
      const [alive, dead] = [mustBeAlive(session, now), !mayBeAlive(session, now)];
      if (!alive && !dead) continue;
      verified++;
      const { status, body } = await reader.ask<Shown>('/v1/sessions/current', { cookie: session.cookie });
      if (status === 200) session.usedAt = Date.now();
      if (dead && status !== 401)
        sightings.add(
          name,
          session.endedAt === undefined
            ? `nobody used it since ${new Date(session.usedAt).toISOString()}`
            : 'it was ended',
          `${status} ${JSON.stringify(body)}`,
        );
      if (alive && (status !== 200 || !holds(session, body)))
        violations.push({
          operation: name,
          acknowledged: `alive until ${new Date(session.expiresAt).toISOString()} with value ${session.value}`,
          found: `${status} ${JSON.stringify(body)}`,
        });
      if (status === 200) session.expiresAt = Math.max(session.expiresAt, Date.parse(body.expiresAt));
    }
    const told = await toldEnds(reader);
    for (const session of all)
      if ((session.endedAt !== undefined || !mayBeAlive(session, Date.now())) && !told.has(session.handle))
        violations.push({
          operation: `session ${session.handle} of ${session.userId}`,
          acknowledged: session.endedAt === undefined ? 'it is past its time' : 'it was ended',
          found: 'no session.ended was sent',
        });
    return { verified, violations: [...sightings.all, ...violations] };
  },
});

async function open(
  caller: Caller,
  { sessions: all, endingAll }: Journal,
  userId: string,
  value: number,
): Promise<void> {
  const begunAt = Date.now();
  const told = await caller.send({ method: 'post', path: '/v1/sessions', body: { userId, data: { value } } });
  if (told.kind !== 'acknowledged') return; // Nobody has its cookie: it ends by time.
  const { handle, expiresAt } = told.body as Shown;
  all.push({
    handle,
    userId,
    cookie: cookieOf(told.headers),
    expiresAt: Date.parse(expiresAt),
    usedAt: Date.now(),
    value,
    perhaps: new Set(),
    ending: begunAt <= (endingAll.get(userId) ?? 0),
  });
}

async function read(caller: Caller, journal: Journal, session: Session, id: string): Promise<void> {
  const mayLive = mayBeAlive(session, Date.now());
  const told = await caller.send({
    method: 'get',
    path: '/v1/sessions/current',
    anonymous: true,
    headers: { cookie: session.cookie ?? '' },
  });
  look(journal, session, told, { mayLive, what: `read ${id}` });
  if (told.kind === 'acknowledged' && !holds(session, told.body as Shown))
    journal.sightings.add(`read ${id} of session ${session.handle}`, `value ${session.value}`, told.text);
}

async function change(
  caller: Caller,
  journal: Journal,
  session: Session,
  { value, rotates }: { value: number; rotates: boolean },
  id: string,
): Promise<void> {
  const mayLive = mayBeAlive(session, Date.now());
  session.perhaps.add(value);
  const cookie = session.cookie ?? '';
  if (rotates) session.cookie = undefined;
  // A rotation is not sent again: the cookie that it was sent with may be no more.
  const told = await caller.send({
    method: 'patch',
    path: '/v1/sessions/current',
    body: { data: { value }, ...(rotates && { privilegeChanged: true }) },
    headers: { cookie },
    ...(rotates && { patienceMs: 0 }),
  });
  if (told.kind === 'acknowledged') {
    session.value = value;
    session.perhaps.delete(value);
    if (rotates) session.cookie = cookieOf(told.headers);
  }
  // A rotation that was refused changed nothing: it is known by the cookie that it had.
  if (told.kind === 'refused') session.cookie = cookie;
  look(journal, session, told, { mayLive, what: `change ${id}` });
}

/** What an answer says about whether the session lives. */
function look(
  { sightings }: Journal,
  session: Session,
  told: Told,
  { mayLive, what }: { mayLive: boolean; what: string },
): void {
  const name = `${what} of session ${session.handle}`;
  if (told.kind === 'acknowledged') {
    if (!mayLive) sightings.add(name, 'it had ended before', `${told.status} ${told.text}`);
    session.expiresAt = Math.max(session.expiresAt, Date.parse((told.body as Shown).expiresAt));
  } else if (told.kind === 'refused' && mustBeAlive(session, Date.now()))
    sightings.add(name, `alive until ${new Date(session.expiresAt).toISOString()}`, `${told.status}`);
  // Any attempt up to now may have kept it alive.
  if (mayLive) session.usedAt = Date.now() + LATE_MS;
}

const holds = ({ value, perhaps }: Session, { data }: Shown): boolean =>
  data.value === value || perhaps.has(data.value ?? 0);

/** A session that is opened meanwhile may be ended with those that we know. */
async function endAll(caller: Caller, { sessions: all, endingAll }: Journal, userId: string): Promise<void> {
  const known = all.filter((session) => session.userId === userId);
  if (known.length === 0) return;
  endingAll.set(userId, Infinity);
  const told = await end(caller, known, { method: 'delete', path: `/v1/users/${userId}/sessions` });
  const isOver = told !== undefined && (told.kind === 'acknowledged' || told.kind === 'refused') && !told.uncertain;
  endingAll.set(userId, Date.now() + (isOver ? 0 : LATE_MS));
}

async function end(
  caller: Caller,
  ended: readonly Session[],
  call: Parameters<Caller['send']>[0],
): Promise<Told | undefined> {
  const known = ended.filter(({ cookie }) => cookie !== undefined || !call.anonymous);
  if (known.length === 0) return undefined;
  for (const session of known) session.ending = true;
  const told = await caller.send(call);
  // 404: it is not alive, which is what was wanted.
  if (told.kind === 'acknowledged' || (told.kind === 'refused' && told.status === 404))
    for (const session of known) session.endedAt ??= Date.now();
  return told;
}

/** Handles of which the subscriber was told the end. */
async function toldEnds({ db }: Reader): Promise<Set<string>> {
  const store = new NotificationStore(db);
  const told = new Set<string>();
  for (let cursor: string | undefined; ;) {
    const page = await store.list(SESSION_EVENTS_TO, { limit: 200, ...(cursor !== undefined && { cursor }) });
    for (const { text } of page.items)
      for (const { handle } of (JSON.parse(text) as { events: { handle: string }[] }).events) told.add(handle);
    cursor = page.cursor;
    if (cursor === undefined) return told;
  }
}
