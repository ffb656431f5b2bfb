import { TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import request from 'supertest';
import { AnswerLinks } from '../../../src/gateways/fraud/answerLinks';
import { readConfig } from '../../../src/graph/config';
import type { InvestigationPolicy, OpeningFacts } from '../../../src/domain/fraud/investigation';
import { investigationPolicy } from '../../../src/graph/fraud/build';
import { InvestigationStore } from '../../../src/stores/fraud/investigations';
import { typedSearchAttributes } from '../../../src/domain/platform/searchAttributes';
import { FRAUD_QUEUE, investigationId, investigationStart } from '../../../src/domain/fraud/workflows';
import { workflowBundle } from '../../support/bundle';
import { bearer, startTestGraph, type TestGraph, type Who } from '../../support/graph';
import { billableActions, record } from '../../support/histories';
import { merchantDecides } from '../../support/merchantRules';
import { payment, type Payment } from '../../support/payment';
import { TEST_SECRET } from '../../support/secret';
import { eventually } from '../../support/stack';
import { startTimeSkipping } from '../../support/timeSkippingServer';

const HOUR = 3_600_000;
let bundle: { codePath: string };
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  bundle = await workflowBundle();
});

describe.each([
  ['with a cache of workflows', 100],
  ['without one, so that every task replays the history', 0],
])('%s', (_, maxCachedWorkflows) => {
  // Its clock runs ahead of ours a little more with every ladder.
  let environment: TestWorkflowEnvironment;
  let graph: TestGraph;
  let worker: Worker;
  let running: Promise<void>;
  beforeAll(async () => {
    environment = await startTimeSkipping();
    graph = await startTestGraph({ LONGWATCH_CAPABILITIES: 'fraud' }, environment.address);
    await merchantDecides(graph.app);
    worker = await Worker.create({
      connection: environment.nativeConnection,
      taskQueue: FRAUD_QUEUE,
      workflowBundle: bundle,
      activities: graph.activities[FRAUD_QUEUE]!,
      maxCachedWorkflows,
    });
    running = worker.run();
  });
  afterAll(async () => {
    worker?.shutdown();
    await running;
    await graph?.stop();
    await environment?.teardown();
  });

  const suffix = maxCachedWorkflows === 0 ? '-uncached' : '';
  // Not the environment's client: awaiting a result with that one skips time, for decades when all is done.
  const handleOf = ({ transactionId }: Payment, runId?: string) =>
    graph.temporal.client.workflow.getHandle(investigationId(transactionId), runId);
  const read = async ({ transactionId }: Payment) =>
    (
      await request(graph.app)
        .get(`/v1/investigations/${transactionId}`)
        .set(...bearer('ana'))
    ).body;
  const kinds = async (of: Payment): Promise<string[]> =>
    (await read(of)).timeline.map(({ kind }: { kind: string }) => kind);
  const transactionOf = async ({ transactionId }: Payment) =>
    (
      await request(graph.app)
        .get(`/v1/transactions/${transactionId}`)
        .set(...bearer('service'))
    ).body;
  const ask = (who: Who, of: Payment, what: string, body: object) =>
    request(graph.app)
      .post(`/v1/investigations/${of.transactionId}/${what}`)
      .set(...bearer(who))
      .send(body);
  const answer = ({ transactionId }: Payment, body: object) => {
    const link = new AnswerLinks(TEST_SECRET, () => '').link(transactionId, Date.now() + 30 * 24 * HOUR);
    return request(graph.app).post(link).send(body);
  };

  /** A payment that was decided so, and its case when it has come to where somebody must act. */
  async function caseOf(outcome: 'alert' | 'review' | 'block', over: object = {}): Promise<Payment> {
    const of = payment({ merchantId: outcome, ...over });
    const { body } = await request(graph.app)
      .post('/v1/transactions')
      .set(...bearer('service'))
      .send(of);
    expect(body.outcome).toBe(outcome);
    await eventually(
      () => read(of),
      ({ status }) => status === (outcome === 'alert' ? 'asking' : 'waiting'),
    );
    return of;
  }
  /**
   * Hours from the scoring, which is the first that the workflow's own clock dates, to each later entry of the
   * timeline.
   */
  async function hours(of: Payment): Promise<[string, number][]> {
    const { timeline } = await read(of);
    const entries = timeline.slice(timeline.findIndex(({ kind }: { kind: string }) => kind === 'scored'));
    const at = (entry: { at: string }) => Date.parse(entry.at);
    return entries.map((entry: { kind: string; at: string }) => [
      entry.kind,
      Math.round((at(entry) - at(entries[0])) / HOUR),
    ]);
  }

  it('review: nobody acts, for more than five days', async () => {
    const of = await caseOf('review');
    // Not six days: the next reminder would be due. The time-skipping server never completes a task that cancels a
    // timer that fired meanwhile, and skips no time any more (temporalio/sdk-java#3088).
    await environment.sleep('132 hours');
    await eventually(
      () => kinds(of),
      (found) => found.filter((kind) => kind === 'reminded').length >= 2,
    );
    expect((await hours(of)).slice(0, 7)).toEqual([
      ['scored', 0],
      ['review', 0],
      ['warned', 3],
      ['breached', 4],
      ['final', 72],
      ['reminded', 96],
      ['reminded', 120],
    ]);
    expect(await read(of)).toMatchObject({ status: 'escalated' });
    const teams = async (team: string) =>
      (
        await request(graph.app)
          .get(`/v1/notifications?recipient=${encodeURIComponent(team)}`)
          .set(...bearer('eva'))
      ).body.items.filter(({ id }: { id: string }) => id.startsWith(of.transactionId));
    expect(await teams('team/investigators')).toHaveLength(1);
    expect((await teams('team/supervisors')).length).toBeGreaterThanOrEqual(3);
    await record('investigation', `review-six-days${suffix}`, handleOf(of));
    expect((await ask('ana', of, 'decide', { decision: 'genuine' })).status).toBe(200);
  });

  it('alert: the customer confirms over the link', async () => {
    const of = await caseOf('alert');
    expect((await answer(of, { answer: 'yes' })).status).toBe(200);
    expect(await handleOf(of).result()).toMatchObject({ label: 'genuine' });
    expect(await kinds(of)).toEqual(['opened', 'scored', 'asked', 'answered', 'closed']);
    expect(await transactionOf(of)).toMatchObject({ label: 'genuine' });
    expect((await answer(of, { answer: 'no' })).status).toBe(409);
    const history = await record('investigation', `alert-confirmed${suffix}`, handleOf(of));
    // Start; scoring, two writes, two letters, who answered; the answer; a timer; statuses asking and closed.
    expect(billableActions(history)).toBe(11);
  });

  it('alert: the customer denies it, an investigator closes it as fraud', async () => {
    const of = await caseOf('alert');
    await answer(of, { answer: 'no' });
    await eventually(
      () => read(of),
      ({ status }) => status === 'waiting',
    );
    expect(await transactionOf(of)).toMatchObject({ hold: 'held' });
    expect((await ask('ana', of, 'decide', { decision: 'fraud', note: 'the customer says so' })).body).toMatchObject({
      status: 'closed-fraud',
    });
    expect(await handleOf(of).result()).toMatchObject({ label: 'fraud' });
    expect(await transactionOf(of)).toMatchObject({ hold: 'final', label: 'fraud' });
    const { body: hold } = await request(graph.app)
      .get(`/v1/users/${of.userId}/hold`)
      .set(...bearer('ana'));
    expect(hold).toMatchObject({ transactionId: of.transactionId });
    const later = await request(graph.app)
      .post('/v1/transactions')
      .set(...bearer('service'))
      .send(payment({ userId: of.userId }));
    expect(later.body).toMatchObject({ outcome: 'review', reasons: [{ code: 'USER_HELD' }] });
    await record('investigation', `alert-denied${suffix}`, handleOf(of));
  });

  it('alert: silence for a day hands it to the investigators', async () => {
    const of = await caseOf('alert');
    await environment.sleep('25 hours');
    await eventually(
      () => kinds(of),
      (found) => found.includes('review'),
    );
    expect((await hours(of)).slice(0, 4)).toEqual([
      ['scored', 0],
      ['asked', 0],
      ['unanswered', 24],
      ['review', 24],
    ]);
    expect((await answer(of, { answer: 'yes' })).body.detail).toContain('The time to answer is over');
    await ask('ana', of, 'decide', { decision: 'genuine' }).expect(200);
  });

  it('block: held at once, released when it was genuine', async () => {
    const of = await caseOf('block');
    expect(await transactionOf(of)).toMatchObject({ hold: 'held' });
    expect((await kinds(of)).slice(0, 2)).toEqual(['opened', 'held']);
    await ask('ana', of, 'decide', { decision: 'genuine' }).expect(200);
    await handleOf(of).result();
    expect(await transactionOf(of)).toMatchObject({ hold: 'released', label: 'genuine' });
    const history = await record('investigation', `block-released${suffix}`, handleOf(of));
    // Start; three writes, scoring, two letters, who decided; the decision; a timer; statuses waiting and closed.
    expect(billableActions(history)).toBe(12);
  });

  it('four eyes: one proposes, another closes; disagreement is a supervisor’s who took no part', async () => {
    const agreed = await caseOf('review', { amount: 450_000 });
    expect((await ask('ana', agreed, 'decide', { decision: 'fraud' })).body).toMatchObject({ status: 'proposed' });
    const again = await ask('ana', agreed, 'decide', { decision: 'fraud', note: 'again' });
    expect([again.status, again.body.detail]).toEqual([409, expect.stringContaining('another person must decide')]);
    expect((await ask('ben', agreed, 'decide', { decision: 'fraud' })).body).toMatchObject({ status: 'closed-fraud' });

    const disputed = await caseOf('review', { amount: 450_000 });
    await ask('ana', disputed, 'decide', { decision: 'fraud' }).expect(200);
    expect((await ask('ben', disputed, 'decide', { decision: 'genuine' })).body).toMatchObject({ status: 'escalated' });
    expect((await ask('ben', disputed, 'decide', { decision: 'fraud' })).body.detail).toContain('only a supervisor');
    expect((await ask('eva', disputed, 'decide', { decision: 'genuine' })).body).toMatchObject({
      status: 'closed-genuine',
    });
    await handleOf(disputed).result();
    await record('investigation', `four-eyes-disputed${suffix}`, handleOf(disputed));
  });

  it('a name typed in the Web UI decides what one person may, and only proposes what needs two', async () => {
    const small = await caseOf('review');
    const typed = (of: Payment, args: unknown) => handleOf(of).executeUpdate('decide', { args: [args] });
    await expect(typed(small, { decision: 'perhaps', by: 'ana' })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('"decision" must be "fraud" or "genuine"') },
    });
    await expect(typed(small, 'fraud')).rejects.toMatchObject({
      cause: { message: expect.stringContaining('one JSON object such as') },
    });
    expect(await typed(small, { decision: 'genuine', by: 'ana' })).toMatchObject({ status: 'closed-genuine' });
    const large = await caseOf('review', { amount: 450_000 });
    expect(await typed(large, { decision: 'fraud', by: 'ben' })).toMatchObject({
      status: 'proposed',
      message: expect.stringContaining('unproven'),
    });
    expect(await typed(large, { decision: 'fraud', by: 'kim' })).toMatchObject({ status: 'proposed' });
    // An attestation that is not on record proves nothing.
    expect(await typed(large, { decision: 'fraud', by: 'lea', attestation: 'made-up' })).toMatchObject({
      status: 'proposed',
      message: expect.stringContaining('unproven'),
    });
    await ask('ana', large, 'decide', { decision: 'fraud' }).expect(200);
    expect((await ask('eva', large, 'decide', { decision: 'fraud' })).body).toMatchObject({ status: 'closed-fraud' });
  });

  it('assignments and notes; what comes twice or too late is refused with the reason', async () => {
    const of = await caseOf('review');
    await ask('ana', of, 'assign', { assignee: 'ben' }).expect(200);
    expect((await ask('eva', of, 'assign', { assignee: 'ben' })).body.detail).toBe(
      'The case is already assigned to ben',
    );
    await ask('ben', of, 'note', { text: 'called the customer | no answer' }).expect(200);
    expect(await read(of)).toMatchObject({ assignee: 'ben' });
    const { body: mine } = await request(graph.app)
      .get('/v1/investigations?assignee=ben')
      .set(...bearer('ben'));
    expect(mine.items.map(({ transactionId }: Payment) => transactionId)).toContain(of.transactionId);
    await ask('ben', of, 'decide', { decision: 'genuine' }).expect(200);
    await handleOf(of).result();
    const late = await ask('ana', of, 'note', { text: 'too late' });
    expect(late.status).toBe(409);
    await record('investigation', `assigned-noted${suffix}`, handleOf(of));
  });

  it('a policy that releases closes as genuine, after three days', async () => {
    const of = await startWith({ finalPolicy: 'release' });
    await eventually(
      () => read(of),
      ({ status }) => status === 'waiting',
    );
    await environment.sleep('73 hours');
    expect(await handleOf(of).result()).toMatchObject({ label: 'genuine' });
    expect((await hours(of)).at(-1)).toEqual(['closed', 72]);
    expect((await read(of)).timeline.at(-1).text).toContain('by the final policy');
    await record('investigation', `released-by-policy${suffix}`, handleOf(of));
  });

  it('loses nothing that people ask for while it continues as new', async () => {
    const of = await startWith({ continueAsNewAfterEvents: 40 });
    await eventually(
      () => read(of),
      ({ status }) => status === 'waiting',
    );
    const first = (await handleOf(of).describe()).runId;
    const texts = Array.from({ length: 25 }, (__, i) => `note ${i}`);
    await Promise.all(
      texts.map(async (text) => {
        // What comes while a run ends is refused by the server, and asked again by whoever asks.
        await eventually(
          async () => ask('ana', of, 'note', { text }),
          ({ status }) => status === 200,
        );
      }),
    );
    const { timeline } = await read(of);
    const noted = timeline
      .filter(({ kind }: { kind: string }) => kind === 'noted')
      .map(({ text }: { text: string }) => text);
    expect(noted.sort()).toEqual(texts.sort());
    expect(timeline.map(({ seq }: { seq: number }) => seq)).toEqual(timeline.map((__: unknown, i: number) => i + 1));
    expect((await handleOf(of).describe()).runId).not.toBe(first);
    await ask('ana', of, 'decide', { decision: 'genuine' }).expect(200);
    await handleOf(of).result();
    await record('investigation', `continued-as-new${suffix}`, handleOf(of));
    await record('investigation', `before-continue-as-new${suffix}`, handleOf(of, first));
  });

  /** A case under another policy than the configured one. */
  async function startWith(over: Partial<InvestigationPolicy>): Promise<Payment> {
    const of = payment();
    await request(graph.app)
      .post('/v1/transactions')
      .set(...bearer('service'))
      .send(of)
      .expect(200);
    const { transaction, decision } = await transactionOf(of);
    const opening: OpeningFacts = {
      transaction: { ...transaction, timestamp: Date.parse(transaction.timestamp) },
      decision: { ...decision, outcome: 'review' },
      openedAt: Date.now(),
    };
    const { db } = graph.dynamodb;
    await db.client.send(
      new TransactWriteCommand({ TransactItems: [new InvestigationStore(db).openingItem(opening)] }),
    );
    const { workflowType, ...start } = investigationStart(opening, { ...investigationPolicy(readConfig({})), ...over });
    await graph.temporal.client.workflow.start(workflowType, {
      workflowId: start.workflowId,
      taskQueue: start.taskQueue,
      args: start.args,
      typedSearchAttributes: typedSearchAttributes(start.searchAttributes),
    });
    return of;
  }
});
