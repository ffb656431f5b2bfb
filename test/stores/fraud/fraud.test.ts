import { randomUUID } from 'node:crypto';
import type { Decision } from '../../../src/domain/fraud/decision';
import { defaultRules } from '../../../src/domain/fraud/defaultRules';
import { extractFeatures } from '../../../src/domain/fraud/features';
import type { OpeningFacts, TimelineEntry } from '../../../src/domain/fraud/investigation';
import type { CaseWrite, ClosingWrite } from '../../../src/domain/fraud/investigationRecord';
import { emptyMerchantProfile } from '../../../src/domain/fraud/merchantProfile';
import { applyTransaction } from '../../../src/domain/fraud/profile';
import type { Transaction } from '../../../src/domain/fraud/transaction';
import { LongwatchError } from '../../../src/domain/errors';
import { engines } from '../../../src/local/dynamodb';
import { CheckpointStore, type Lease } from '../../../src/stores/platform/checkpoints';
import { AttestationStore } from '../../../src/stores/fraud/attestations';
import { DecisionStore, type UserWrite } from '../../../src/stores/fraud/decisions';
import { UserHoldStore } from '../../../src/stores/fraud/userHolds';
import { InvestigationStore } from '../../../src/stores/fraud/investigations';
import { ruleStore } from '../../../src/stores/fraud/rules';
import { rescoreEntry } from '../../../src/domain/fraud/rescoreEntry';
import { signalEntry, startEntry } from '../../../src/domain/platform/outbox';
import { OutboxStore, type TransactItem } from '../../../src/stores/platform/outbox';
import { dueEntries } from '../../support/outbox';
import { NotificationStore } from '../../../src/stores/platform/notifications';
import { PutCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { transaction } from '../../domain/fraud/arbitraryTransactions';
import { startTestDynamoDB, type TestDynamoDB } from '../../support/dynamodb';

/** A payment that no other test knows. */
const payment = (over: Partial<Transaction> = {}): Transaction =>
  transaction({ transactionId: randomUUID(), userId: `user-${randomUUID()}`, ...over });

const decisionOn = ({ transactionId }: Transaction, over: Partial<Decision> = {}): Decision => ({
  transactionId,
  outcome: 'approve',
  score: 0.1,
  reasons: [],
  mode: 'full',
  ruleSetVersion: 1,
  modelVersion: 'm-1',
  latencyMs: 5,
  decidedAt: new Date(0).toISOString(),
  ...over,
});

describe.each(engines)('on %s', (engine) => {
  let dynamodb: TestDynamoDB;
  let decisions: DecisionStore;
  let holds: UserHoldStore;
  let investigations: InvestigationStore;
  beforeAll(async () => {
    dynamodb = await startTestDynamoDB(engine);
    decisions = new DecisionStore(dynamodb.db);
    holds = new UserHoldStore(dynamodb.db);
    investigations = new InvestigationStore(dynamodb.db);
  });
  afterAll(() => dynamodb?.stop());

  const inputsFor = async (of: Transaction) => (await decisions.inputsOf([of]))[0]!;

  async function writeFor(of: Transaction, also: readonly TransactItem[] = []): Promise<UserWrite> {
    const { user, merchant } = await inputsFor(of);
    return {
      before: user,
      after: applyTransaction(user.profile, of),
      decisions: [
        {
          transaction: of,
          contentHash: 'hash',
          decision: decisionOn(of),
          body: JSON.stringify(decisionOn(of)),
          features: extractFeatures(of, user.profile, merchant),
          unusualAmount: false,
          also,
        },
      ],
    };
  }
  /** A decided transaction with an open case. */
  async function openCase(over: Partial<Transaction> = {}): Promise<Transaction> {
    const of = payment(over);
    const opening: OpeningFacts = { transaction: of, decision: decisionOn(of), openedAt: 1_000 };
    expect(await decisions.write([await writeFor(of, [investigations.openingItem(opening)])])).toBeUndefined();
    return of;
  }
  const entry = (seq: number): TimelineEntry => ({
    seq,
    at: seq,
    kind: 'noted',
    text: `note ${seq}`,
    by: { name: 'ana', proof: 'api', role: 'investigator' },
  });
  const progress = ({ transactionId }: Transaction, from: number, over: Partial<CaseWrite> = {}): CaseWrite => ({
    transactionId,
    fromRevision: from,
    revision: from + 1,
    header: { status: 'waiting', outcome: 'review', score: 0.5, hold: 'none' },
    entries: [entry(from + 1)],
    placeHold: false,
    ...over,
  });
  const closing = (of: Transaction, from: number, over: Partial<ClosingWrite> = {}): ClosingWrite => ({
    ...progress(of, from, { header: { status: 'closed-fraud', outcome: 'review', score: 0.5, hold: 'final' } }),
    label: 'fraud',
    closedAt: 5_000,
    userId: of.userId,
    timestamp: of.timestamp,
    ...over,
  });

  describe('decisions', () => {
    it('reads back what it wrote: answer, profile, features, history', async () => {
      const of = payment();
      const write = await writeFor(of);
      const record = write.decisions[0]!;
      expect(await decisions.write([write])).toBeUndefined();
      const inputs = await inputsFor(of);
      expect(inputs.stored).toEqual({ contentHash: 'hash', body: record.body });
      expect(inputs.user).toEqual({ profile: write.after, version: 1 });
      expect(inputs.merchant).toEqual(emptyMerchantProfile());
      expect(await decisions.find(of.transactionId)).toEqual({
        transaction: of,
        decision: record.decision,
        features: record.features,
      });
      expect(await decisions.findAll([of.transactionId, of.transactionId, 'nobody'])).toHaveLength(1);
    });

    it('of two writes of one transaction one wins, and of two of one user the second must read again', async () => {
      const of = payment();
      const write = await writeFor(of);
      const otherOf = payment({ userId: of.userId });
      const other = { ...(await writeFor(otherOf)), before: write.before };
      expect(await decisions.write([write])).toBeUndefined();
      expect(await decisions.write([write])).toEqual(['decided-already']);
      expect(await decisions.write([other])).toEqual(['profile-moved']);
      expect(await decisions.find(otherOf.transactionId)).toBeUndefined();
      expect(await decisions.write([await writeFor(otherOf)])).toBeUndefined();
      expect((await inputsFor(otherOf)).user.version).toBe(2);
    });

    it('many users are written at once; when one of them lost a race, none is, and it is said which', async () => {
      const [first, second, busy] = [payment(), payment({ channel: 'atm' }), payment()];
      const [a, b, c] = [await writeFor(first), await writeFor(second), await writeFor(busy)];
      expect(await decisions.write([await writeFor(payment({ userId: busy.userId }))])).toBeUndefined();
      expect(await decisions.write([a, c, b])).toEqual(['bystander', 'profile-moved', 'bystander']);
      expect(
        (await decisions.inputsOf([first, second, busy])).map(({ stored, user }) => [stored, user.version]),
      ).toEqual([
        [undefined, 0],
        [undefined, 0],
        [undefined, 1],
      ]);
      expect(await decisions.write([a, b])).toBeUndefined();
      expect(
        (await decisions.inputsOf([second, first, second])).map(({ stored, user }) => [
          stored?.contentHash,
          user.version,
        ]),
      ).toEqual([
        ['hash', 1],
        ['hash', 1],
        ['hash', 1],
      ]);
    });

    /** Retries as the API's callers do: with the same id, where another write came first or DynamoDB did not answer. */
    async function isWritten(of: Transaction): Promise<boolean> {
      try {
        if ((await inputsFor(of)).stored !== undefined) return true;
        return (await decisions.write([await writeFor(of)])) === undefined;
      } catch (error) {
        if (error instanceof LongwatchError && error.type === 'unavailable') return false;
        throw error;
      }
    }

    it('loses no update of twenty concurrent ones of one user', async () => {
      const userId = `user-${randomUUID()}`;
      await Promise.all(
        Array.from({ length: 20 }, async (_, i) => {
          const of = payment({ userId, timestamp: transaction().timestamp + i });
          while (!(await isWritten(of)));
        }),
      );
      const { user } = await inputsFor(payment({ userId }));
      expect(user.version).toBe(20);
    });

    it('costs what the plan says: one batch of reads, one transaction', async () => {
      const of = payment();
      const write = await writeFor(of);
      const units = await dynamodb.unitsOf(async () => {
        await inputsFor(of);
        await decisions.write([write]);
      });
      expect(dynamodb.calls.map(({ operation }) => operation)).toEqual(['BatchGetItem', 'TransactWriteItems']);
      // Strongly consistent 1 + 1, eventually consistent 0.5 (DynamoDB Local counts none for what is not there); a
      // transaction doubles the units of three items of up to 1 KB.
      expect(units.read).toBeLessThanOrEqual(2.5);
      expect(units.write).toBe(6);
    });

    it('a hold on a user makes a decision that did not see it read again', async () => {
      const of = await openCase();
      const staleOf = payment({ userId: of.userId });
      const stale = await writeFor(staleOf);
      await investigations.close(closing(of, 0, { holdUserUntil: 9_000 }));
      expect(await decisions.write([stale])).toEqual(['profile-moved']);
      expect((await inputsFor(staleOf)).user).toMatchObject({
        heldUntil: 9_000,
        heldBecauseOf: of.transactionId,
      });
      await holds.release(of.userId);
      await holds.release(of.userId);
      expect((await inputsFor(staleOf)).user).not.toHaveProperty('heldUntil');
      expect(await holds.find(of.userId)).toBeUndefined();
    });

    it('a re-score is recorded once', async () => {
      const of = payment();
      await decisions.write([await writeFor(of)]);
      const send = (score: number) =>
        dynamodb.db.client.send(
          new TransactWriteCommand({
            TransactItems: [decisions.rescored(of.transactionId, { score, outcome: 'review', at: 'now' })],
          }),
        );
      await send(0.5);
      await expect(send(0.7)).rejects.toThrow('ConditionalCheckFailed');
      expect((await decisions.find(of.transactionId))?.rescored).toMatchObject({ score: 0.5 });
    });
  });

  describe('investigations', () => {
    it('moves on once a revision, however often an attempt repeats, and knows its timeline', async () => {
      const of = await openCase();
      await investigations.record(progress(of, 0, { placeHold: true }));
      await investigations.record(progress(of, 0, { placeHold: true }));
      await investigations.record(
        progress(of, 1, {
          header: { status: 'waiting', outcome: 'review', score: null, hold: 'held', assignee: 'ana', dueAt: 7_000 },
        }),
      );
      expect(await investigations.find(of.transactionId)).toMatchObject({
        status: 'waiting',
        revision: 2,
        assignee: 'ana',
        dueAt: 7_000,
        score: null,
        openedAt: 1_000,
      });
      expect((await investigations.timeline(of.transactionId)).items).toEqual([entry(1), entry(2)]);
      const first = await investigations.timeline(of.transactionId, { limit: 1 });
      expect((await investigations.timeline(of.transactionId, { limit: 1, cursor: first.cursor! })).items).toEqual([
        entry(2),
      ]);
      expect((await decisions.find(of.transactionId))?.hold).toBe('held');
    });

    it('tells a repeated attempt from another run of the workflow, which is behind the row or beside it', async () => {
      const of = await openCase();
      const kept = (assignee: string) => ({ state: { assignee } as never, unsent: [] });
      await investigations.record(progress(of, 0, { kept: kept('ana') }));
      await investigations.record(progress(of, 0, { kept: kept('ana') }));
      await expect(investigations.record(progress(of, 0, { kept: kept('ben') }))).rejects.toMatchObject({
        type: 'superseded',
        final: true,
      });
      await investigations.record(progress(of, 1, { kept: kept('cyd') }));
      await expect(investigations.record(progress(of, 0, { kept: kept('ana') }))).rejects.toMatchObject({
        type: 'superseded',
      });
      await expect(investigations.close(closing(of, 0, { kept: kept('ana') }))).rejects.toMatchObject({
        type: 'superseded',
      });
      // The release before wrote no state: its own attempts are still told by the revision alone.
      await investigations.record(progress(of, 2));
      await investigations.record(progress(of, 2, { kept: kept('dan') }));
      expect(await investigations.find(of.transactionId)).toMatchObject({ revision: 3, status: 'waiting' });
      expect((await investigations.kept(of.transactionId))?.kept.state.assignee).toBe('cyd');
    });

    it('refuses what never was: a case not opened, a revision ahead, a transaction that did not happen', async () => {
      const of = await openCase();
      await expect(investigations.record(progress(payment(), 0))).rejects.toMatchObject({ type: 'conflict' });
      await expect(investigations.record(progress(of, 3))).rejects.toMatchObject({ type: 'conflict' });
      await expect(investigations.close(closing({ ...of, timestamp: of.timestamp + 1 }, 0))).rejects.toMatchObject({
        type: 'notFound',
      });
      expect((await investigations.find(of.transactionId))?.revision).toBe(0);
    });

    it('labels a transaction in one write, refused while its case is open, whatever was read before', async () => {
      const of = await openCase();
      expect(await decisions.label(of.transactionId, 'genuine', 2_000)).toBe('investigated');
      expect((await decisions.find(of.transactionId))!.label).toBeUndefined();
      await investigations.close(closing(of, 0));
      expect(await decisions.label(of.transactionId, 'genuine', 6_000)).toBe('labelled');
      expect(await decisions.find(of.transactionId)).toMatchObject({ label: 'genuine' });
      const approved = payment();
      expect(await decisions.write([await writeFor(approved)])).toBeUndefined();
      expect(await decisions.label(approved.transactionId, 'fraud', 2_000)).toBe('labelled');
      expect(await decisions.label('nobody', 'fraud', 2_000)).toBe('unknown');
    });

    it('closes with label, holds and header together; a longer hold of another case stays', async () => {
      const [first, second] = [await openCase({ userId: 'twice' }), await openCase({ userId: 'twice' })];
      await investigations.close(closing(first, 0, { holdUserUntil: 9_000 }));
      await investigations.close(closing(first, 0, { holdUserUntil: 9_000 }));
      await investigations.close(closing(second, 0, { holdUserUntil: 8_000 }));
      expect(await decisions.find(second.transactionId)).toMatchObject({ hold: 'final', label: 'fraud' });
      expect(await investigations.find(second.transactionId)).toMatchObject({
        status: 'closed-fraud',
        closedAt: 5_000,
      });
      expect(await holds.find('twice')).toEqual({ until: 9_000, transactionId: first.transactionId });
    });

    it('lists by status and by assignee, page after page, each case once', async () => {
      const assignee = `ana-${engine}`;
      const cases = [await openCase(), await openCase(), await openCase()];
      for (const of of cases)
        await investigations.record(
          progress(of, 0, { header: { status: 'escalated', outcome: 'review', score: 0.5, hold: 'none', assignee } }),
        );
      const found: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await investigations.byAssignee(assignee, { limit: 1, ...(cursor && { cursor }) });
        found.push(...page.items.map(({ transactionId }) => transactionId));
        cursor = page.cursor;
      } while (cursor);
      expect(found.sort()).toEqual(cases.map(({ transactionId }) => transactionId).sort());
      expect((await investigations.byStatus('escalated')).items).toHaveLength(3);
      expect((await investigations.byAssignee(assignee, { status: 'waiting' })).items).toEqual([]);
    });

    it('refuses cursors that it did not give out', async () => {
      for (const cursor of [
        'x',
        Buffer.from('{"a":1}').toString('base64url'),
        Buffer.from('null').toString('base64url'),
      ])
        await expect(investigations.byStatus('waiting', { cursor })).rejects.toMatchObject({ type: 'invalid' });
    });

    it('an attestation proves one claim to one update', async () => {
      const attestations = new AttestationStore(dynamodb.db);
      const attestation = {
        id: 'a-1',
        transactionId: payment().transactionId,
        name: 'ana',
        role: 'investigator',
        claim: 'decide:fraud',
        at: 1,
      };
      await attestations.attest(attestation);
      await attestations.attest(attestation);
      await expect(attestations.attest({ ...attestation, name: 'ben' })).rejects.toThrow('conditional request failed');
      const consume = (claim: string, update: string) =>
        attestations.consume(attestation.transactionId, 'a-1', claim, update);
      expect(await consume('decide:genuine', 'u-1')).toBeUndefined();
      expect(await consume('decide:fraud', 'u-1')).toEqual({ name: 'ana', proof: 'api', role: 'investigator' });
      expect(await consume('decide:fraud', 'u-1')).toEqual({ name: 'ana', proof: 'api', role: 'investigator' });
      expect(await consume('decide:fraud', 'u-2')).toBeUndefined();
      // A retry of the request records it again.
      await attestations.attest(attestation);
      expect(await consume('decide:fraud', 'u-2')).toBeUndefined();
      expect(await consume('decide:fraud', 'u-1')).toMatchObject({ name: 'ana' });
    });
  });

  it('rules move one version at a time, and only from the one that was read', async () => {
    const rules = ruleStore(dynamodb.db);
    await Promise.all([rules.ensureDefault(defaultRules, 'now'), rules.ensureDefault(defaultRules, 'now')]);
    expect(await rules.currentVersion()).toBe(1);
    const puts = await Promise.allSettled(
      [1, 2, 3].map((by) => rules.put({ ...defaultRules, rules: [] }, { ifVersion: 1, putBy: `p${by}`, at: 'now' })),
    );
    expect(puts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const put of puts)
      if (put.status === 'rejected') expect(put.reason).toMatchObject({ type: 'versionMismatch' });
    expect((await rules.current())?.value.rules).toEqual([]);
    expect((await rules.version(1))?.value).toEqual(defaultRules);
    expect((await rules.versions(10)).map(({ version }) => version)).toEqual([2, 1]);
  });

  it(
    'the outbox returns due entries, oldest first, until they are removed; also those that the last release ' +
      'recorded',
    async () => {
      const store = new OutboxStore(dynamodb.db);
      const start = {
        workflowId: 'w-1',
        workflowType: 't',
        taskQueue: 'q',
        args: [1],
        summary: 's',
        searchAttributes: {},
      };
      const signal = { workflowId: 'w-1', signal: 'moved', args: [] };
      const entries = [startEntry(start, 1_000), signalEntry(signal, 'w-1/2', 1_500), rescoreEntry('x', 2_000)];
      await dynamodb.db.client.send(
        new TransactWriteCommand({ TransactItems: entries.map((one) => store.recording(one)) }),
      );
      const due = (kind: string, by: number) => dueEntries(dynamodb.db, kind, by);
      expect(await due('start', 999)).toEqual([]);
      expect(await due('start', 1_000)).toEqual([entries[0]]);
      expect(await due('signal', 1_500)).toEqual([entries[1]]);
      expect(await due('rescore', 2_000)).toEqual([entries[2]]);
      const { Put } = store.recording(startEntry({ ...start, workflowId: 'w-0' }, 500));
      const carrier = { requestId: 'r-1' };
      const before = {
        ...Put!.Item,
        Debt: JSON.stringify({ kind: 'start', start: { ...start, workflowId: 'w-0', carrier }, dueAt: 500 }),
      };
      await dynamodb.db.client.send(new PutCommand({ TableName: dynamodb.db.table('Starts'), Item: before }));
      const found = await due('start', 1_000);
      expect(found.find(({ id }) => id === 'w-0')).toMatchObject({
        dueAt: 500,
        carrier,
        payload: { workflowId: 'w-0', args: [1] },
      });
      expect(found.map(({ id }) => id).sort()).toEqual(['w-0', 'w-1']);
      await store.remove(found);
      await store.remove([...(await due('signal', 9_000)), ...(await due('rescore', 9_000))]);
      expect([
        ...(await due('start', 9_000)),
        ...(await due('signal', 9_000)),
        ...(await due('rescore', 9_000)),
      ]).toEqual([]);
    },
  );

  it('only the newest reader moves a checkpoint, only from where it left it; an ended shard’s stays', async () => {
    const checkpoints = new CheckpointStore(dynamodb.db);
    const advance = (lease: Lease, position: string, ended = false) =>
      dynamodb.db.client.send(
        new TransactWriteCommand({
          TransactItems: [checkpoints.advance('s', 'shard', lease, { position, caughtUpAt: 5_000, ended })],
        }),
      );
    const first = await checkpoints.lease('s', 'shard');
    expect(first).toEqual({ ended: false, generation: 1 });
    await advance(first, '1');
    await expect(advance(first, '2')).rejects.toThrow('ConditionalCheckFailed');
    await advance({ ...first, position: '1' }, '2');
    const second = await checkpoints.lease('s', 'shard');
    expect(second).toEqual({ position: '2', caughtUpAt: 5_000, ended: false, generation: 2 });
    await expect(advance({ ...first, position: '2' }, '2')).rejects.toThrow('ConditionalCheckFailed');
    await advance(second, '2', true);
    await expect(advance(second, '2')).rejects.toThrow('ConditionalCheckFailed');
    expect(await checkpoints.lease('s', 'shard')).toEqual({
      position: '2',
      caughtUpAt: 5_000,
      ended: true,
      generation: 0,
    });
  });

  it('a checkpoint of a release without generations is taken up where it stands', async () => {
    const checkpoints = new CheckpointStore(dynamodb.db);
    const Item = { SourceShard: 'old#shard', Position: '7', CaughtUpAt: '1970-01-01T00:00:05.000Z', Ended: false };
    await dynamodb.db.client.send(new PutCommand({ TableName: dynamodb.db.table('Checkpoints'), Item }));
    const lease = await checkpoints.lease('old', 'shard');
    expect(lease).toEqual({ position: '7', caughtUpAt: 5_000, ended: false, generation: 1 });
    await dynamodb.db.client.send(
      new TransactWriteCommand({
        TransactItems: [checkpoints.advance('old', 'shard', lease, { position: '8', ended: true })],
      }),
    );
    // A reader of the old release beside this one: its write drops the generation, and does not find the position.
    await dynamodb.db.client.send(
      new PutCommand({ TableName: dynamodb.db.table('Checkpoints'), Item: { ...Item, SourceShard: 'beside#shard' } }),
    );
    const beside = await checkpoints.lease('beside', 'shard');
    await dynamodb.db.client.send(
      new PutCommand({
        TableName: dynamodb.db.table('Checkpoints'),
        Item: { ...Item, SourceShard: 'beside#shard', Ended: true },
      }),
    );
    await expect(
      dynamodb.db.client.send(
        new TransactWriteCommand({
          TransactItems: [checkpoints.advance('beside', 'shard', beside, { position: '7', ended: false })],
        }),
      ),
    ).rejects.toThrow('ConditionalCheckFailed');
  });

  it('a notification is on record once, with the results of its channels', async () => {
    const store = new NotificationStore(dynamodb.db);
    const notification = { id: 'n-1', recipient: 'ada', subject: 's', text: 't', at: 1_000 };
    expect(await store.begin(notification)).toMatchObject({ status: 'pending', results: {} });
    await store.progress(notification, { webhook: 'sent' });
    expect(await store.begin({ ...notification, text: 'other' })).toMatchObject({
      text: 't',
      results: { webhook: 'sent' },
    });
    await store.finish(notification, 'delivered', { webhook: 'sent' });
    expect((await store.list('ada')).items).toEqual([
      { ...notification, results: { webhook: 'sent' }, status: 'delivered' },
    ]);
  });
});
