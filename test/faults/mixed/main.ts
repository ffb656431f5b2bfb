import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import ms from 'ms';
import { argumentsOf } from '../../../scripts/commandLine';
import { type Engine, engines } from '../../../src/local/dynamodb';
import { capabilities } from './capabilities';
import type { Plan, Reader, Violation } from './capability';
import { Tally } from './caller';
import { deploy, type Deployment } from './deployment';
import { type Fault, faultName, planFaults } from './faults';
import { untilIdle } from './idle';
import { Injection } from './inject';
import { Load } from './load';
import { readerOf } from './reader';
import { type Checked, report, totals } from './report';

const DEFAULT_SEED = 20_261_124;
const CALM_MS = 8_000;
const READY_WITHIN_MS = 60_000;
const PREPARED_WITHIN_MS = 90_000;
const IDLE_WITHIN_MS = 180_000;
const RIGHT_WITHIN_MS = 60_000;

const args = argumentsOf(
  {
    name: 'test:faults',
    about:
      'Kills and cuts off the parts of a running Longwatch under load, then checks that nothing acknowledged is ' +
      'missing and every invariant holds.',
    examples: [
      ['--seed 42 --duration 20m', 'another plan of faults, longer'],
      ['--plan --seed 42', 'prints the faults of a seed'],
    ],
  },
  (cli) =>
    cli
      .option('seed', {
        type: 'number',
        default: DEFAULT_SEED,
        describe: 'Of the faults and the operations: the same seed, the same plan',
      })
      .option('duration', { type: 'string', default: '2m', describe: 'Of the load with faults: 90s, 2m, 1h' })
      .option('only', {
        type: 'string',
        array: true,
        choices: capabilities.map(({ name }) => name),
        describe: 'These capabilities alone',
      })
      .option('engine', { type: 'string', choices: engines, describe: 'The DynamoDB; default dynoxide where it runs' })
      .option('faults', { type: 'boolean', default: true, describe: '--no-faults: the load alone' })
      .option('build', { type: 'boolean', default: true, describe: '--no-build: dist/ is up to date' })
      .option('folder', {
        type: 'string',
        describe: 'Where data and logs go, and stay; default a temporary folder, kept only on a violation',
      })
      .option('json', { type: 'string', describe: 'A file for the result' })
      .option('plan', { type: 'boolean', default: false, describe: 'Print the faults of the seed and do nothing' })
      .check(
        ({ duration }) => (ms(duration as ms.StringValue) ?? 0) >= 10_000 || '--duration must be at least 10s, like 2m',
      ),
);

const plan: Plan = { seed: args.seed, durationMs: ms(args.duration as ms.StringValue) };
const faults = args.faults ? planFaults(plan.seed, plan.durationMs) : [];
const started = Date.now();
const say = (text: string): void =>
  void process.stdout.write(`${String(Math.round((Date.now() - started) / 1_000)).padStart(4)} s  ${text}\n`);

async function main(): Promise<void> {
  if (args.plan)
    return void process.stdout.write(
      `${faults.map((fault) => `${(fault.at / 1_000).toFixed(1).padStart(6)} s  ${shown(fault)}`).join('\n')}\n`,
    );
  say(`seed ${plan.seed}, ${args.duration} of load, ${faults.length} faults`);
  if (args.build) build();
  const folder = args.folder === undefined ? mkdtempSync(join(tmpdir(), 'longwatch-faults-')) : resolve(args.folder);
  mkdirSync(folder, { recursive: true });
  const deployment = await deploy({
    folder,
    ...(args.engine && { engine: args.engine as Engine }),
    onStage: (stage) => say(`starting ${stage}`),
  });
  let checked: Checked[] = [];
  let survived: ReadonlyMap<string, number> = new Map();
  try {
    ({ checked, survived } = await run(deployment));
  } finally {
    await deployment.stop();
  }
  const { acknowledged, verified, violations } = totals(checked);
  const faultCount = [...survived.values()].reduce((sum, one) => sum + one, 0);
  process.stdout.write(`\n${report(checked, survived)}\n`);
  process.stdout.write(
    `${faultCount} faults survived, ${acknowledged} operations acknowledged, ${verified} verified, ${violations} ` +
      `violations (seed ${plan.seed}, ${deployment.engine})\n`,
  );
  const failed = checked.filter((one) => one.violations.length > 0).length;
  if (args.json !== undefined)
    writeFileSync(
      args.json,
      JSON.stringify(
        {
          seed: plan.seed,
          passed: checked.length - failed,
          failed,
          faults: Object.fromEntries(survived),
          acknowledged,
          verified,
          violations: checked.flatMap(({ name, violations: all }) => all.map((one) => ({ capability: name, ...one }))),
        },
        undefined,
        2,
      ),
    );
  if (violations === 0 && args.folder === undefined) rmSync(folder, { recursive: true, force: true });
  else
    process.stdout.write(
      `Data and logs: ${folder}\nAgain: npm run test:faults -- --seed ${plan.seed} --duration ${args.duration}\n`,
    );
  process.exit(violations > 0 ? 1 : 0);
}

/** What is deployed is what is built. */
function build(): void {
  say('building');
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', 'build'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`The build failed:\n${stdout}${stderr}`);
}

async function run(deployment: Deployment): Promise<{ checked: Checked[]; survived: ReadonlyMap<string, number> }> {
  const loads = capabilities
    .filter(({ name }) => args.only === undefined || args.only.includes(name))
    .map((one) => new Load(one, deployment, plan));
  const reader = readerOf(deployment);
  const recovery: Violation[] = [];
  if (!(await untilReady(reader)))
    throw new Error(`Longwatch does not come up. The last lines of its API:\n${deployment.processes.api.lastLines()}`);
  for (const load of loads) {
    say(`preparing ${load.capability.name}`);
    await bounded(
      load.prepare(),
      () =>
        `${load.capability.name} cannot be prepared; the last lines of the ` +
        `worker:\n${deployment.processes.worker.lastLines()}`,
    );
  }
  for (const load of loads) load.start();
  const poison = async () =>
    (await Promise.all(loads.map((load) => load.poison()))).reduce((sum, taken) => sum + taken, 0);
  const injection = new Injection(deployment, poison, (fault) => say(`${shown(fault)}   ${told(loads)}`));
  await Promise.all([injection.run(faults), sleep(plan.durationMs)]);
  say('nothing is broken any more');
  if (!(await untilReady(reader)))
    recovery.push({
      operation: 'GET /readyz',
      acknowledged: 'every part is back',
      found: `not ready after ${READY_WITHIN_MS / 1_000} s`,
    });
  for (const load of loads) load.calm();
  await sleep(CALM_MS);
  say('the load ends');
  await Promise.all(loads.map((load) => load.stop()));
  for (const mode of ['quick', 'full'] as const) await reconciled(deployment, mode);
  say(`stopped: ${[...injection.stopped].map(([name, count]) => `${count} × ${name}`).join(', ') || 'no workflow'}`);
  const left = await untilIdle(reader, IDLE_WITHIN_MS, say);
  if (left !== undefined)
    recovery.push({
      operation: 'everything that was owed',
      acknowledged: `nothing is broken since ${IDLE_WITHIN_MS / 1_000} s`,
      found: left,
    });
  const checked = await verifyAll(loads, reader);
  for (const one of Object.values(deployment.processes))
    recovery.push(
      ...one.endedByItself.map((how) => ({
        operation: `process ${one.name}`,
        acknowledged: 'a part that is away is no reason to end',
        found: how,
      })),
    );
  return {
    checked: [
      ...checked,
      { name: 'recovery', tally: new Tally(), verified: injection.done.size, violations: recovery },
    ],
    survived: injection.done,
  };
}

/** A look at an operator's word, so that what was terminated at the very end is started again before anybody checks. */
async function reconciled({ directUrl, key }: Deployment, mode: 'quick' | 'full'): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const began = Date.now();
  await fetch(`${directUrl}/v1/reconciliations`, { method: 'POST', headers, body: JSON.stringify({ mode }) });
  for (const until = Date.now() + IDLE_WITHIN_MS; Date.now() < until; await sleep(500)) {
    const { status, lastLook } = (await (
      await fetch(`${directUrl}/v1/reconciliations/${mode}`, { headers })
    ).json()) as { status: string; lastLook?: { startedAt: string; restarted: Record<string, number> } };
    if (status === 'running' || lastLook === undefined || Date.parse(lastLook.startedAt) < began - 1_000) continue;
    return say(`${mode} look: started again ${JSON.stringify(lastLook.restarted)}`);
  }
  throw new Error(`The ${mode} look of the reconciler does not end`);
}

/** Looks again while something is not right: ranks and rollups follow their streams. */
async function verifyAll(loads: readonly Load[], reader: Reader): Promise<Checked[]> {
  const until = Date.now() + RIGHT_WITHIN_MS;
  return Promise.all(
    loads.map(async (load): Promise<Checked> => {
      const { name } = load.capability;
      for (;;) {
        const { verified, violations } = await load.verify(reader);
        if (violations.length > 0 && Date.now() < until) {
          await sleep(2_000);
          continue;
        }
        say(`${name}: ${verified} verified, ${violations.length} violations`);
        const { tally } = load;
        const answers = tally.wrong.map((answer): Violation => ({
          operation: 'an answer',
          acknowledged: 'a fault is answered with 503',
          found: answer,
        }));
        return { name, tally, verified, violations: [...violations, ...load.violations, ...answers] };
      }
    }),
  );
}

/** Nothing is broken yet: what takes longer than this never comes. */
async function bounded(work: Promise<void>, otherwise: () => string): Promise<void> {
  const late = Symbol('late');
  if ((await Promise.race([work, sleep(PREPARED_WITHIN_MS, late, { ref: false })])) === late)
    throw new Error(otherwise());
}

async function untilReady(reader: Reader): Promise<boolean> {
  for (const until = Date.now() + READY_WITHIN_MS; Date.now() < until; await sleep(250)) {
    const answer = await reader.ask<{ status?: string }>('/readyz').catch(() => undefined); // It does not listen yet.
    if (answer?.body.status === 'ready') return true;
  }
  return false;
}

function shown(fault: Fault): string {
  const forMs = 'forMs' in fault ? ` for ${fault.forMs} ms` : '';
  const how =
    fault.kind === 'kill'
      ? `, down ${fault.downMs} ms`
      : fault.kind === 'delay'
        ? ` by ${fault.byMs} ms`
        : fault.kind === 'model'
          ? ` ${JSON.stringify(fault.how)}`
          : '';
  return `${faultName(fault)}${how}${forMs}`;
}

const told = (loads: readonly Load[]): string =>
  `(${loads.reduce((sum, { tally }) => sum + tally.acknowledged, 0)} acknowledged)`;

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(2);
});
