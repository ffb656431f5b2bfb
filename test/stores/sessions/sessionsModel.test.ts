import fc from 'fast-check';
import { startTestDynamoDB, type TestDynamoDB } from '../../support/dynamodb';
import { rotated, sessionOf, testStore, type TestSession } from '../../support/sessions';

let dynamodb: TestDynamoDB;
beforeAll(async () => {
  dynamodb = await startTestDynamoDB();
});
afterAll(() => dynamodb?.stop());

const IDLE = 2_000;
const ABSOLUTE = 9_000;
const THRESHOLD = 500;
const START = Date.UTC(2026, 0, 1);
/** Browsers: each has one session at a time, or one after another. The third never says who it is. */
const BROWSERS = 3;
const HANDS = 4;

const browser = fc.nat(BROWSERS - 1);
const hand = fc.nat(HANDS - 1);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('load' as const), browser, hand }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('save' as const), hand, large: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('touch' as const), hand }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('first save' as const), browser, newId: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rotate' as const), browser, hand }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('log out' as const), browser }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('log out everywhere' as const), user: fc.nat(1) }) },
  // Both ways.
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('clock' as const),
      by: fc.oneof(fc.integer({ min: -1_500, max: 1_500 }), fc.integer({ min: 0, max: 2_500 })),
    }),
  },
);

interface Truth {
  alive: boolean;
  expiresAt: number;
  absoluteExpiresAt: number;
  user: number;
  value: string;
}

/** What must be true, in few words: one process, no races, no DynamoDB. */
class Oracle {
  readonly sessions = new Map<string, Truth>();

  /** Looked at by a process whose clock says so: an expiry that was seen is an end. */
  look(id: string, now: number): Truth | undefined {
    const found = this.sessions.get(id);
    if (found && now >= found.expiresAt) found.alive = false;
    return found?.alive ? found : undefined;
  }

  end(id: string): void {
    const found = this.sessions.get(id);
    if (found) found.alive = false;
    else this.sessions.set(id, { alive: false, expiresAt: 0, absoluteExpiresAt: 0, user: -1, value: '' });
  }
}

/** An object that a request has in hand; what was known of its session when it was read or written last. */
interface Hand {
  id: string;
  session: TestSession;
  known: Truth | undefined;
}

it(
  'whatever comes in whatever order, on clocks that go both ways: nothing that ended is ever returned, and nothing ' +
    'alive is lost',
  async () => {
    let runs = 0;
    let seen = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ step, node: fc.nat(1) }), { minLength: 20, maxLength: 60 }),
        fc.constantFrom(0, 700),
        async (steps, skew) => {
          const prefix = `${++runs}:`;
          let now = START;
          let ids = BROWSERS;
          let values = 0;
          const current = Array.from({ length: BROWSERS }, (_, i) => `${i}`);
          const ownerOf = (session: object) => ('userId' in session ? { userId: String(session.userId) } : {});
          // Two processes whose clocks differ.
          const nodes = [0, skew].map((behind) => {
            const clock = () => now - behind;
            const store = testStore(dynamodb, {
              prefix,
              idleTimeoutMs: IDLE,
              absoluteTimeoutMs: ABSOLUTE,
              touchThresholdMs: THRESHOLD,
              ownerOf,
              now: clock,
            });
            return { ...store, clock, users: store.store.users, hands: [] as (Hand | undefined)[] };
          });
          const oracle = new Oracle();

          for (const { step: next, node } of steps) {
            const { clock, hands, ...store } = nodes[node]!;
            const at = clock();
            const expiry = ({ absoluteExpiresAt }: Truth) => Math.min(at + IDLE, absoluteExpiresAt);
            const further = (found: Truth) => Math.max(found.expiresAt, expiry(found));
            // An object stays with the process that has it.
            const held = 'hand' in next ? hands[next.hand] : undefined;
            const known = held?.known;
            switch (next.do) {
              case 'clock':
                now += next.by;
                break;
              case 'load': {
                const id = current[next.browser]!;
                const session = await store.get(id);
                const expected = oracle.look(id, at);
                expect(session?.['value']).toBe(expected?.value);
                if (session) seen++;
                hands[next.hand] = session && expected ? { session, id, known: { ...expected } } : undefined;
                break;
              }
              case 'first save': {
                if (next.newId) current[next.browser] = `${ids++}`;
                const id = current[next.browser]!;
                const value = `${++values}`;
                await store.set(id, sessionOf({ value, ...(next.browser < 2 && { userId: next.browser }) }));
                const found = oracle.look(id, at);
                if (found) Object.assign(found, { value, expiresAt: further(found) });
                else if (!oracle.sessions.has(id))
                  oracle.sessions.set(id, {
                    alive: true,
                    expiresAt: at + IDLE,
                    absoluteExpiresAt: at + ABSOLUTE,
                    user: next.browser,
                    value,
                  });
                break;
              }
              case 'save': {
                if (!held || !known) break;
                const value = `${++values}${next.large ? 'x'.repeat(1_500) : ''}`;
                held.session['value'] = value;
                await store.set(held.id, held.session);
                if (expiry(known) <= at) oracle.end(held.id);
                const found = oracle.look(held.id, at);
                if (found) Object.assign(found, { value, expiresAt: further(found) });
                held.known = found && { ...found };
                break;
              }
              case 'touch': {
                if (!held || !known) break;
                await store.touch(held.id, held.session);
                if (
                  expiry(known) <= known.expiresAt ||
                  expiry(known) - known.expiresAt < Math.min(THRESHOLD, (expiry(known) - at) / 2)
                )
                  break;
                const found = oracle.look(held.id, at);
                if (found) found.expiresAt = further(found);
                held.known = found && { ...known, expiresAt: found.expiresAt };
                break;
              }
              case 'rotate': {
                if (!held || !known || current[next.browser] !== held.id) break;
                const id = `${ids++}`;
                const session = rotated(store.store, held.session);
                await store.set(id, session);
                const found = oracle.look(held.id, at);
                current[next.browser] = id;
                hands[next.hand] = undefined;
                if (!found) break;
                oracle.end(held.id);
                const after = { ...found, alive: true, value: known.value, expiresAt: expiry(found) };
                oracle.sessions.set(id, after);
                hands[next.hand] = { id, session, known: { ...after } };
                break;
              }
              case 'log out':
                await store.destroy(current[next.browser]!);
                oracle.end(current[next.browser]!);
                break;
              case 'log out everywhere':
                await store.users.endAll(`${next.user}`);
                for (const [id, { user }] of oracle.sessions) if (user === next.user) oracle.end(id);
                break;
            }
          }
          // At the end both look at everything that there ever was.
          for (const { get, clock } of nodes)
            for (let id = 0; id < ids; id++)
              expect((await get(`${id}`))?.['value']).toBe(oracle.look(`${id}`, clock())?.value);
          for (const { users, clock } of nodes)
            for (const user of [0, 1]) {
              const alive = [...oracle.sessions].filter(
                ([id, truth]) => truth.user === user && oracle.look(id, clock()),
              );
              expect((await users.list(`${user}`)).items).toHaveLength(alive.length);
            }
        },
      ),
      { numRuns: 80 },
    );
    // It is no property of nothing.
    expect(seen).toBeGreaterThan(100);
  },
);
