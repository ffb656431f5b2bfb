import Table from 'cli-table3';
import { readAddresses } from '../src/local/addresses';
import { waitingCasesLink } from '../src/local/screen';
import { keptApiKey } from '../src/local/secrets';
import { join } from 'node:path';
import { capabilities } from '../src/graph/capabilities';
import { runScript } from './commandLine';
import { type Demo, type DemoArguments, DemoError, Scene } from './demo/scene';

const names = capabilities.map(({ name }) => name);

interface Arguments extends DemoArguments {
  capabilities: string[] | undefined;
  url: string | undefined;
  key: string | undefined;
  ui: string | undefined;
  dataDir: string;
}

/** Loads the demo of a capability from `demo/<capability>.ts`. */
const demoOf = (name: string, args: DemoArguments): Demo =>
  (require(join(__dirname, 'demo', name)) as { demo(args: DemoArguments): Demo }).demo(args);

/**
 * Returns the demos of the requested capabilities, or of all capabilities that the running Longwatch has.
 * @throws DemoError if Longwatch does not answer or lacks a requested capability.
 */
async function chosen(scene: Scene, url: string, args: Arguments): Promise<Demo[]> {
  const asked = args.capabilities ?? [];
  const { body } = await scene.call('GET', '/v1/overview').catch((error: unknown) => {
    // fetch throws this error if it gets no response: connection refused or reset, or a port that fetch blocks.
    if (error instanceof TypeError && error.message === 'fetch failed')
      throw new DemoError(`Longwatch does not answer at ${url}. Start it first: npm start`);
    throw error;
  });
  const running = (body.capabilities as { name: string }[]).map(({ name }) => name);
  const missing = asked.filter((name) => !running.includes(name));
  if (missing.length > 0)
    throw new DemoError(
      `The Longwatch at ${url} has no ${missing.join(', ')}; it has ${running.join(', ')} (LONGWATCH_CAPABILITIES)`,
    );
  return names
    .filter((name) => (asked.length === 0 ? running : asked).includes(name))
    .map((name) => demoOf(name, args));
}

async function show(args: Arguments): Promise<void> {
  const found = readAddresses(args.dataDir);
  const url = args.url ?? found?.api ?? 'http://127.0.0.1:3000';
  const ui = args.ui ?? found?.ui ?? 'http://127.0.0.1:8233';
  const namespace = found?.namespace ?? 'default';
  const key = args.key ?? process.env['LONGWATCH_API_KEY'] ?? keptApiKey(args.dataDir);
  if (key === undefined)
    throw new DemoError(
      `There is no development key in ${args.dataDir}. Start Longwatch first (npm start), or set --key`,
    );
  const scene = new Scene({ url, key, ui, namespace });
  const seen = new Table({ head: ['', 'result', 'seconds'], style: { head: [], border: [] } });
  for (const demo of await chosen(scene, url, args)) {
    const started = Date.now();
    console.log(`\n── ${demo.name}: ${demo.says} (about ${demo.seconds} s) ${'─'.repeat(20)}`);
    const line = await demo.run(scene);
    seen.push([demo.name, line, ((Date.now() - started) / 1_000).toFixed(1)]);
  }
  console.log(`\n${seen.toString()}\n`);
  console.log(`Overview page:      ${url}/#key=${key}`);
  console.log(`Cases that wait:    ${waitingCasesLink(ui, namespace)}`);
}

runScript(
  {
    name: 'demo',
    positionals: '[capabilities..]',
    about:
      'Shows capabilities on a running Longwatch (npm start): real calls, their answers, and links to the ' +
      'Web UI. Each run creates its own users, products, boards and devices, so you can repeat it.',
    examples: [
      ['', 'all capabilities, in about a minute'],
      ['carts feeds', 'only these two'],
    ],
    expected: [DemoError],
  },
  (cli) =>
    cli
      .positional('capabilities', {
        array: true,
        choices: names,
        defaultDescription: 'all that Longwatch runs',
        describe: 'Capabilities to show',
      })
      .option('url', { type: 'string', describe: 'Address of the API; default that of the stack of the data folder' })
      .option('key', {
        type: 'string',
        describe: 'API key of role admin; default LONGWATCH_API_KEY, else the development key of the data folder',
      })
      .option('data-dir', {
        type: 'string',
        default: process.env['LONGWATCH_DATA_DIR'] ?? '.longwatch',
        defaultDescription: 'LONGWATCH_DATA_DIR, else .longwatch',
        describe: 'Data folder of the running stack',
      })
      .option('ui', { type: 'string', describe: 'Address of the Web UI, for links; default that of the stack' })
      .option('customers', { type: 'number', default: 100, describe: 'fraud: number of customers' })
      .option('days', { type: 'number', default: 6, describe: 'fraud: days of payments' }),
  (args) => show(args),
);
