import { inLanes } from '../../../src/domain/lanes';
import type { Random } from '../../../src/domain/fraud/random';
import { merchantTotals } from '../../../src/domain/fraud/merchantProfile';
import { DeadLetterStore } from '../../../src/stores/platform/deadLetters';
import { DecisionStore } from '../../../src/stores/fraud/decisions';
import { MerchantStore } from '../../../src/stores/fraud/merchants';
import { INVESTIGATION_TYPE, investigationId, TRANSACTIONS_STREAM } from '../../../src/domain/fraud/workflows';
import { merchantRules } from '../../support/merchantRules';
import { type Payment, payment } from '../../support/payment';
import { capability, type Reader, type Violation } from './capability';
import type { Caller } from './caller';
import { TRANSACTIONS } from './deployment';
import { eventually } from '../../support/stack';

const USERS = 30;
const MERCHANTS = ['approve-1', 'approve-2', 'approve-3', 'approve-4'];

/** A case waits for its worker, behind whatever else waited while that was away. */
const INVESTIGATOR_MS = 75_000;

interface Sent {
  body: Payment;
  outcome: string;
  /** The bytes of the answer, once there was one. */
  answer?: string;
  /** Taken by the stream. */
  streamed: boolean;
}

interface Journal {
  sent: Map<string, Sent>;
  /** Investigators' decisions that cases are genuine, by transaction: what was told. */
  closed: Map<string, 'closed' | 'perhaps'>;
  poison: { data: Buffer; reason: RegExp; taken: boolean }[];
}

const outcomeOf = (merchantId: string): string => (merchantId.startsWith('approve') ? 'approve' : merchantId);

const word = (random: Random, length: number): string =>
  Array.from({ length }, () => String.fromCharCode(random.integer(97, 122))).join('');

/** What a producer that is broken puts on the stream, and what is said of it. */
const poisons: readonly ((random: Random, id: string) => { data: string | Uint8Array; reason: RegExp })[] = [
  (random) => ({ data: word(random, 20), reason: /is not JSON/ }),
  (random) => ({ data: Uint8Array.from([0xff, 0xfe, 0x80, ...Buffer.from(word(random, 8))]), reason: /is not JSON/ }),
  (_, id) => ({
    data: JSON.stringify({ ...payment({ transactionId: id }), amount: 'much' }),
    reason: /amount must be an integer/,
  }),
  (_, id) => ({
    data: JSON.stringify({ ...payment({ transactionId: id }), userId: undefined }),
    reason: /userId is missing/,
  }),
  (_, id) => ({
    data: JSON.stringify({ ...payment({ transactionId: id }), timestamp: '2001-01-01T00:00:00Z' }),
    reason: /timestamp must be at most 30 days old/,
  }),
  (random, id) => ({
    data: JSON.stringify({ ...payment({ transactionId: id }), note: word(random, 66_000) }),
    reason: /is larger than/,
  }),
];

/** Payments by HTTP and by stream: each decided once, counted once, followed up once. */
export const fraud = capability<Journal>({
  name: 'fraud',
  lanes: 2,
  pauseMs: 150,

  async prepare(caller) {
    const rules = await caller.send({ method: 'get', path: '/v1/rules' });
    if (rules.kind !== 'acknowledged') throw new Error('The rules could not be read');
    const put = await caller.send({
      method: 'put',
      path: '/v1/rules',
      body: merchantRules,
      headers: { 'if-match': rules.headers.get('etag') ?? '' },
    });
    if (put.kind !== 'acknowledged') throw new Error('The rules could not be put');
    // The worker goes by them, too.
    const journal: Journal = { sent: new Map(), closed: new Map(), poison: [] };
    for (let i = 0; ; i++) {
      const body = payment({ transactionId: `first-${i}`, userId: 'first', merchantId: 'block' });
      await caller.put(TRANSACTIONS, body.userId, JSON.stringify(body));
      const told = await eventually(
        () => caller.send({ method: 'get', path: `/v1/transactions/${body.transactionId}` }),
        ({ kind }) => kind === 'acknowledged',
      );
      const outcome = told.kind === 'acknowledged' ? (told.body.decision.outcome as string) : '';
      journal.sent.set(body.transactionId, { body, outcome, streamed: true });
      if (outcome === 'block') return journal;
    }
  },

  async operate(caller, random, journal, id) {
    const { sent } = journal;
    const [investigates, at] = [random.chance(0.1), random.integer(0, 1_000_000)];
    if (investigates) return investigate(caller, journal, at, id);
    const merchantId = random.chance(0.1) ? random.pick(['alert', 'review', 'block']) : random.pick(MERCHANTS);
    const body = payment({
      transactionId: id,
      userId: `payer-${random.integer(1, USERS)}`,
      merchantId,
      amount: random.integer(100, 9_000),
    });
    const one: Sent = { body, outcome: outcomeOf(merchantId), streamed: false };
    sent.set(id, one);
    const how = random.next();
    const post = async () => {
      const told = await caller.send({ method: 'post', path: '/v1/transactions', body });
      if (told.kind === 'acknowledged') one.answer = told.text;
    };
    const stream = async () => {
      if (await caller.put(TRANSACTIONS, body.userId, JSON.stringify(body))) one.streamed = true;
    };
    // Now and then by both at once, or twice.
    if (how < 0.5) await post();
    else if (how < 0.85) await stream();
    else if (how < 0.95) await Promise.all([post(), stream()]);
    else {
      await stream();
      await stream();
    }
  },

  async poison(caller, random, { poison }, id) {
    let taken = 0;
    for (let i = 0; i < 8; i++) {
      const { data, reason } = random.pick(poisons)(random, `${id}-${i}`);
      const entry = { data: Buffer.from(data), reason, taken: false };
      poison.push(entry);
      if (!(await caller.put(TRANSACTIONS, `payer-${random.integer(1, USERS)}`, data))) continue;
      entry.taken = true;
      taken++;
    }
    return taken;
  },

  async verify(reader, journal) {
    const violations: Violation[] = [];
    const items = new Map(
      (await reader.scan('Decisions')).map((item) => [item['TransactionID'] as string, item['Answer'] as string]),
    );
    const decided = new Map<string, { outcome: string; body: Payment }>();
    let verified = 0;
    for (const [id, { outcome, answer, streamed, body }] of journal.sent) {
      const there = items.get(id);
      const found = there === undefined ? 'not decided' : (JSON.parse(there) as { outcome: string }).outcome;
      const acknowledged =
        answer === undefined ? (streamed ? `the stream took it; ${outcome} by the rules` : undefined) : `200 ${answer}`;
      if (acknowledged !== undefined) verified++;
      if (there !== undefined) decided.set(id, { outcome: found, body });
      const isRight =
        there === undefined
          ? acknowledged === undefined
          : found === outcome && (answer === undefined || there === answer);
      if (!isRight)
        violations.push({
          operation: `transaction ${id}`,
          acknowledged: acknowledged ?? 'nothing',
          found: there ?? found,
        });
    }
    for (const id of items.keys())
      if (!journal.sent.has(id))
        violations.push({ operation: `transaction ${id}`, acknowledged: 'nobody sent it', found: items.get(id) ?? '' });
    violations.push(
      ...(await wrongProfiles(reader, [...decided.values()])),
      ...(await wrongInvestigations(reader, decided)),
      ...(await wrongLabels(reader, journal)),
    );
    const letters = await wrongLetters(reader, journal);
    const closings = [...journal.closed.values()].filter((told) => told === 'closed').length;
    return { verified: verified + closings + letters.verified, violations: [...violations, ...letters.violations] };
  },
});

function counts<T>(list: readonly T[], keyOf: (one: T) => string): Map<string, number> {
  const all = new Map<string, number>();
  for (const one of list) all.set(keyOf(one), (all.get(keyOf(one)) ?? 0) + 1);
  return all;
}

/** An investigator closes a case that was not closed before. */
async function investigate(caller: Caller, { sent, closed }: Journal, at: number, id: string): Promise<void> {
  const open = [...sent].filter(
    ([transactionId, { outcome, answer }]) =>
      answer !== undefined && outcome !== 'approve' && !closed.has(transactionId),
  );
  const [transactionId] = open[at % Math.max(open.length, 1)] ?? [];
  if (transactionId === undefined) return;
  closed.set(transactionId, 'perhaps');
  const told = await caller.send({
    method: 'post',
    path: `/v1/investigations/${transactionId}/decide`,
    body: { decision: 'genuine' },
    headers: { 'idempotency-key': id },
    patienceMs: INVESTIGATOR_MS,
  });
  if (told.kind === 'acknowledged' && told.body.status === 'closed') closed.set(transactionId, 'closed');
}

/** What was closed as genuine is labelled so; what nobody decided has no label. */
async function wrongLabels({ db }: Reader, { sent, closed }: Journal): Promise<Violation[]> {
  const store = new DecisionStore(db);
  const ids = [...sent].filter(([, { outcome }]) => outcome !== 'approve').map(([id]) => id);
  const labels = await inLanes(ids, 8, async (id) => [id, (await store.find(id))?.label] as const);
  return labels
    .filter(([id, label]) =>
      label === undefined ? closed.get(id) === 'closed' : label !== 'genuine' || !closed.has(id),
    )
    .map(([id, label]) => ({
      operation: `investigation of ${id}`,
      acknowledged:
        closed.get(id) === 'closed' ? 'it was closed as genuine' : 'nobody decided it, or perhaps as genuine',
      found: label ?? 'no label',
    }));
}

/** A user's profile and a merchant's counters count each decided transaction once. */
async function wrongProfiles({ db }: Reader, decided: readonly { body: Payment }[]): Promise<Violation[]> {
  const byUser = counts(decided, ({ body }) => body.userId);
  const byMerchant = counts(decided, ({ body }) => String(body['merchantId']));
  const inputs = await new DecisionStore(db).inputsOf(
    [...byUser.keys()].map((userId) => ({ ...payment({ userId }), timestamp: 0 }) as never),
  );
  const users = [...byUser].map(([userId, expected], i) => ({
    what: `profile of user ${userId}`,
    expected,
    found: inputs[i]?.user.profile.count ?? 0,
  }));
  const profiles = await new MerchantStore(db).read([...byMerchant.keys()]);
  const merchants = [...byMerchant].map(([merchantId, expected]) => {
    const read = profiles.get(merchantId);
    return {
      what: `counters of merchant ${merchantId}`,
      expected,
      found: read ? merchantTotals(read.profile, Date.now(), 1, 0).count : 0,
    };
  });
  return [...users, ...merchants]
    .filter(({ expected, found }) => found !== expected)
    .map(({ what, expected, found }) => ({
      operation: what,
      acknowledged: `${expected} transactions were decided`,
      found: `it counts ${found}`,
    }));
}

/**
 * What was not approved has its case, which runs or has ended well, once, whoever terminated it meanwhile; nothing else
 * has one.
 */
async function wrongInvestigations(
  { temporal }: Reader,
  decided: ReadonlyMap<string, { outcome: string }>,
): Promise<Violation[]> {
  const runs: string[] = [];
  for await (const { workflowId } of temporal.workflow.list({
    query: `WorkflowType = '${INVESTIGATION_TYPE}' AND ExecutionStatus IN ('Running', 'Completed')`,
  }))
    runs.push(workflowId);
  const found = counts(runs, (id) => id);
  const expected = new Map(
    [...decided].filter(([, { outcome }]) => outcome !== 'approve').map(([id]) => [investigationId(id), 1]),
  );
  return [...new Set([...found.keys(), ...expected.keys()])]
    .filter((id) => (found.get(id) ?? 0) !== (expected.get(id) ?? 0))
    .map((id) => ({
      operation: `workflow ${id}`,
      acknowledged: expected.has(id)
        ? 'the transaction was not approved'
        : 'the transaction was approved, or never decided',
      found: `${found.get(id) ?? 0} runs`,
    }));
}

/** Poison that the stream took lies in the dead letters with its reason, and nothing else does. */
async function wrongLetters(
  { db }: Reader,
  { poison }: Journal,
): Promise<{ verified: number; violations: Violation[] }> {
  const store = new DeadLetterStore(db);
  const found = new Map<string, string>();
  for (let cursor: string | undefined; ;) {
    const page = await store.list(TRANSACTIONS_STREAM, { limit: 200, ...(cursor !== undefined && { cursor }) });
    for (const { record, reason } of page.items) found.set(Buffer.from(record).toString('base64'), reason);
    cursor = page.cursor;
    if (cursor === undefined) break;
  }
  const violations: Violation[] = [];
  for (const { data, reason, taken } of poison) {
    const key = data.toString('base64');
    const told = found.get(key);
    found.delete(key);
    if (told === undefined ? taken : !reason.test(told))
      violations.push({
        operation: `poison ${data.toString('utf8').slice(0, 80)}`,
        acknowledged: `the stream took it; it should be refused because ${String(reason)}`,
        found: told ?? 'no dead letter',
      });
  }
  for (const [key, reason] of found)
    violations.push({
      operation: `dead letter ${Buffer.from(key, 'base64').toString().slice(0, 200)}`,
      acknowledged: 'it is no poison',
      found: reason,
    });
  return { verified: poison.filter(({ taken }) => taken).length, violations };
}
