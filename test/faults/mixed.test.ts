import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as fc from 'fast-check';
import { capabilities } from './mixed/capabilities';
import type { Reader } from './mixed/capability';
import { deploy, type Deployment } from './mixed/deployment';
import { faultName, planFaults } from './mixed/faults';
import { untilIdle } from './mixed/idle';
import { possibleSums } from './mixed/journal';
import { Load } from './mixed/load';
import { readerOf } from './mixed/reader';
import { eventually } from '../support/stack';

describe('the plan of faults', () => {
  it('follows from the seed, keeps within the time, and has every kind before any comes again', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 80_000, max: 600_000 }), (seed, durationMs) => {
        const plan = planFaults(seed, durationMs);
        expect(planFaults(seed, durationMs)).toEqual(plan);
        expect(plan.map(({ at }) => at)).toEqual(plan.map(({ at }) => at).sort((a, b) => a - b));
        expect(plan.at(-1)!.at).toBeLessThan(durationMs);
        const first = plan.slice(0, 14).map(faultName);
        for (const name of [
          'kill -9 worker',
          'kill -9 api',
          'kill -9 temporal',
          'kill -9 dynamodb',
          'model slow',
          'model wrong',
          'model dead',
          'poison',
          'workflow cancel',
          'workflow terminate',
        ])
          expect(first).toContain(name);
      }),
    );
    expect(planFaults(1, 120_000)).not.toEqual(planFaults(2, 120_000));
  });
});

it('what may add up is every sum with or without each uncertain summand', () => {
  expect([...possibleSums(10, [1, 2])].sort((a, b) => a - b)).toEqual([10, 11, 12, 13]);
});

/** What nobody did, done to the data behind Longwatch's back. */
const damages: Record<string, (reader: Reader) => Promise<RegExp>> = {
  async fraud(reader) {
    const { TransactionID } = await anItem(reader, 'Decisions', () => true);
    await reader.db.client.send(new DeleteCommand({ TableName: reader.db.table('Decisions'), Key: { TransactionID } }));
    return new RegExp(`transaction ${String(TransactionID)}`);
  },
  async sessions(reader) {
    const { SessionKey, Part, Handle } = await liveSession(reader);
    await reader.db.client.send(
      new DeleteCommand({ TableName: reader.db.table('Sessions'), Key: { SessionKey, Part } }),
    );
    return new RegExp(`session ${String(Handle)}`);
  },
  async carts(reader) {
    const { ProductID, Entry } = await anItem(reader, 'Products', (item) => item['Entry'] === 'product');
    await reader.db.client.send(
      new UpdateCommand({
        TableName: reader.db.table('Products'),
        Key: { ProductID, Entry },
        UpdateExpression: 'ADD OnHand :one',
        ExpressionAttributeValues: { ':one': 1 },
      }),
    );
    return new RegExp(`stock of ${String(ProductID)}`);
  },
  async leaderboards(reader) {
    const { BoardSeason, PlayerID } = await anItem(reader, 'Leaderboard', (item) => item['Score'] !== undefined);
    await reader.db.client.send(
      new UpdateCommand({
        TableName: reader.db.table('Leaderboard'),
        Key: { BoardSeason, PlayerID },
        UpdateExpression: 'SET Score = :wrong',
        ExpressionAttributeValues: { ':wrong': 123_456 },
      }),
    );
    // What is asked for follows by the stream.
    return new RegExp(`order of ${String(BoardSeason).split('#')[0]}|score of ${String(PlayerID)} in`);
  },
  async feeds(reader) {
    const { UserID, BucketFollowerID } = await anItem(reader, 'Followers', () => true);
    await reader.db.client.send(
      new DeleteCommand({ TableName: reader.db.table('Followers'), Key: { UserID, BucketFollowerID } }),
    );
    return new RegExp(`relation of .*${String(UserID)}`);
  },
  async devices(reader) {
    const item = await anItem(reader, 'DeviceData', () => true);
    const key = ({ DeviceDay, TimestampSeq }: Record<string, unknown>) => ({ DeviceDay, TimestampSeq });
    await reader.db.client.send(new DeleteCommand({ TableName: reader.db.table('DeviceData'), Key: key(item) }));
    return new RegExp(`reading \\d+ of ${String(item['DeviceDay']).split('#')[0]}`);
  },
};

async function anItem(
  reader: Reader,
  table: string,
  where: (item: Record<string, unknown>) => boolean,
): Promise<Record<string, unknown>> {
  return (await reader.scan(table)).find(where)!;
}

/** The session that lives longest. One that nobody has ended may be past its time. */
async function liveSession(reader: Reader): Promise<Record<string, unknown>> {
  const expiresAt = (item: Record<string, unknown>): number => Number(item['ExpiresAt']);
  const alive = (await reader.scan('Sessions')).filter(
    (item) => item['Part'] === 'session' && item['EndedAt'] === undefined && expiresAt(item) > Date.now(),
  );
  return alive.sort((a, b) => expiresAt(b) - expiresAt(a))[0]!;
}

describe('the checkers, on a Longwatch that nobody breaks', () => {
  const folder = mkdtempSync(join(tmpdir(), 'longwatch-mixed-'));
  let deployment: Deployment;
  let reader: Reader;
  let loads: Load[];
  beforeAll(async () => {
    deployment = await deploy({ folder, fromSources: true, onStage: () => undefined });
    reader = readerOf(deployment);
    await eventually(
      () => reader.ask<{ status?: string }>('/readyz'),
      ({ body }) => body.status === 'ready',
    );
    loads = capabilities.map((one) => new Load(one, deployment, { seed: 7, durationMs: 600_000 }));
    for (const load of loads) await load.prepare();
    for (const load of loads) {
      load.calm();
      load.start();
    }
    // Enough for every checker to have something to verify.
    await eventually(
      async () => loads.map(({ tally }) => tally.acknowledged),
      (counts) => counts.every((count) => count >= 60),
    );
    for (const load of loads) await load.poison();
    await Promise.all(loads.map((load) => load.stop()));
    await untilIdle(reader, 240_000, () => undefined);
  });
  afterAll(async () => {
    await deployment?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(capabilities.map(({ name }) => name))('%s: everything is right, until something is not', async (name) => {
    const load = loads.find(({ capability }) => capability.name === name)!;
    expect(load.violations).toEqual([]);
    expect(load.tally.wrong).toEqual([]);
    // Sessions live for half a minute: on a slow machine all of them have ended by now.
    if (name === 'sessions') await load.run(20);
    const { verified } = await eventually(
      () => load.verify(reader),
      ({ violations }) => violations.length === 0,
    );
    expect(verified).toBeGreaterThan(10);
    const named = await damages[name]!(reader);
    const { violations } = await load.verify(reader);
    expect(violations.map(({ operation }) => operation)).toEqual(
      expect.arrayContaining([expect.stringMatching(named)]),
    );
  });

  it('sessions: one that was ended and is back is seen', async () => {
    const load = loads.find(({ capability }) => capability.name === 'sessions')!;
    await load.run(20);
    const ended = await anItem(
      reader,
      'Sessions',
      (item) => item['Part'] === 'session' && item['EndReason'] === 'logout',
    );
    const alive = await liveSession(reader);
    await reader.db.client.send(
      new PutCommand({
        TableName: reader.db.table('Sessions'),
        Item: { ...alive, SessionKey: ended['SessionKey'], Handle: ended['Handle'] },
      }),
    );
    const { violations } = await load.verify(reader);
    expect(violations).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          operation: expect.stringContaining(String(ended['Handle'])),
          acknowledged: 'it was ended',
          found: expect.stringContaining('200'),
        }),
      ]),
    );
  });
});
