import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
/** The command of a script, without the variables that it sets. */
const commandOf = (name: string): string => (scripts[name] ?? '').replace(/^([A-Z_]+=\S+ )+/, '');
/** The others run a tool, which has its own `--help`. */
const ours = Object.keys(scripts).filter((name) => commandOf(name).startsWith('node '));

/** Processes at once. */
const LANES = 3;
/** On a quiet machine all end within three seconds. A script that does its work instead takes longer, or never ends. */
const WITHIN_MS = 120_000;

/** A mistyped option or value of each script, and the right one. */
const mistyped: Record<string, [args: string, right: string]> = {
  start: ['--hlep', '--help'],
  api: ['--hepl', '--help'],
  worker: ['--helpp', '--help'],
  demo: ['fedes', 'feeds'],
  costs: ['--utilization 0.5', '--utilisation'],
  scale: ['--wrte', '--write'],
  'test:busy': ['--round 3', '--rounds'],
  'test:nodes': ['--oldst', '--oldest'],
  'test:faults': ['--sed 3', '--seed'],
  fraud: ['simulate --merchant 3', '--merchants'],
  devices: ['simulate --device 3', '--devices'],
  'model:train': ['--ot x.json', '--out'],
  bench: ['fraud --sample 3', '--samples'],
  'session-suite': ['--hlp', '--help'],
  'docs:metrics': ['--hlp', '--help'],
  'docs:features': ['--hlp', '--help'],
  'docs:routes': ['--hlp', '--help'],
  audit: ['--hlp', '--help'],
  licences: ['--hlp', '--help'],
  'api-key': ['--nam pay --role service', '--name'],
  build: ['--hlp', '--help'],
  'replay:release': ['--releas 1.0.0', '--release'],
  'deploy:synth': ['--setings x.json', '--settings'],
  'deploy:grants': ['--hlp', '--help'],
  reconcile: ['--ful', '--full'],
  tables: ['chek', 'check'],
  check: ['--hlp', '--help'],
};

const NOWHERE = { LONGWATCH_DATA_DIR: '/nowhere' };
/** A stack that has ended, whose addresses are still known. */
const ENDED = {
  DYNAMODB_ENDPOINT: 'http://127.0.0.1:9',
  S3_ENDPOINT: 'http://127.0.0.1:9',
  KINESIS_ENDPOINT: 'http://127.0.0.1:9',
};
const withoutStack: readonly [name: string, args: string, env: Record<string, string>, says: RegExp][] = [
  ['demo', '', NOWHERE, /npm start/],
  ['reconcile', '', NOWHERE, /npm start/],
  ['reconcile', '--url http://127.0.0.1:49151 --key a-key', NOWHERE, /49151 does not answer/],
  ['tables', 'check', NOWHERE, /npm start/],
  ['tables', 'check', ENDED, /DynamoDB cannot be reached .*npm start/],
  ['devices', 'query SELECT', NOWHERE, /npm start/],
  ['devices', 'query SELECT', ENDED, /DynamoDB cannot be reached .*npm start/],
  ['devices', 'simulate', NOWHERE, /npm start/],
  ['fraud', 'labels export --out labels.csv', ENDED, /DynamoDB cannot be reached .*npm start/],
  ['fraud', 'simulate --stream --days 1', NOWHERE, /npm start/],
];

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** `npm run NAME -- …args` without npm, which would be one more process each. */
function run(name: string, args: string, env: Record<string, string> = {}): Promise<Ended> {
  const [, ...command] = commandOf(name).split(' ');
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [...command, ...args.split(' ').filter(Boolean)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: WITHIN_MS,
    killSignal: 'SIGKILL',
    env: { PATH, HOME, TMPDIR: folder, ...env },
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (part: Buffer) => (said.out += part.toString()));
  child.stderr.on('data', (part: Buffer) => (said.err += part.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...said })));
}

const folder = mkdtempSync(join(tmpdir(), 'longwatch-help-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const waiting: (() => Promise<void>)[] = [];
/** Runs the script when a lane is free. */
const inTurn = (...args: Parameters<typeof run>): (() => Promise<Ended>) => {
  const ended = new Promise<Ended>((resolve) => waiting.push(async () => resolve(await run(...args))));
  return () => ended;
};
beforeAll(() => {
  for (let lane = 0; lane < LANES; lane++)
    void (async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await next();
    })();
});

/** One line, whatever blank ones are around it. */
const oneLine = (text: string): string => {
  expect(text.trim().split('\n')).toHaveLength(1);
  return text.trim();
};

it('every script of ours is tried here', () => {
  expect(Object.keys(mistyped).sort()).toEqual([...ours].sort());
});

describe.each(ours)('npm run %s', (name) => {
  const help = inTurn(name, '--help');
  it('answers --help with its usage and an example, and does nothing', async () => {
    const { code, out, err } = await help();
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^Usage: npm (run )?/m);
    expect(out).toMatch(/^Examples?:/m);
    expect(out).toMatch(name === 'start' ? /npm start/ : new RegExp(`npm run ${name}\\b`));
  });

  const [args, right] = mistyped[name] ?? ['', ''];
  const wrong = inTurn(name, args);
  it(`says ${right} to ${args}`, async () => {
    const { code, out, err } = await wrong();
    expect([code, out]).toEqual([1, '']);
    expect(oneLine(err)).toMatch(new RegExp(`did you mean "?${right}"?\\?$`));
  });
});

describe('without a stack', () => {
  it.each(withoutStack.map((one) => [one[0], one[1], one[3], inTurn(one[0], one[1], one[2])] as const))(
    'npm run %s -- %s says what is missing in one sentence',
    async (_name, _args, says, ended) => {
      const { code, out, err } = await ended();
      expect(err).not.toMatch(/^ +at /m);
      expect(oneLine(err)).toMatch(says);
      expect([code, out]).toEqual([1, '']);
    },
  );
});

it('a key’s name is one that the list of keys can hold', async () => {
  const { code, err } = await run('api-key', '--name a:b --role service');
  expect([code, oneLine(err)]).toEqual([1, expect.stringContaining('found "a:b"')]);
});
