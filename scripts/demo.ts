import Table from 'cli-table3';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { readAddresses } from '../src/local/addresses';
import { waitingCasesLink } from '../src/local/screen';
import { keptApiKey } from '../src/local/secrets';
import { join } from 'node:path';
import { capabilities } from '../src/graph/capabilities';
import { type Demo, type DemoArguments, DemoError, Scene } from './demo/scene';

/** Drives a running Longwatch, capability by capability, and shows what comes of it. */
const names = capabilities.map(({ name }) => name);

const args = yargs(hideBin(process.argv))
  .scriptName('npm run demo --')
  .usage(
    '$0 [capability…]\n\nShows the capabilities named, or all that it has, on a running Longwatch (npm start): ' +
      'real calls, what they answer, and where to look in the Web UI.',
  )
  .example('$0', 'all six, in a minute or so')
  .example('$0 carts feeds', 'these two')
  .option('url', { type: 'string', describe: 'The API; default where the stack of the data folder listens' })
  .option('key', {
    type: 'string',
    describe: 'An API key of role admin; default LONGWATCH_API_KEY, else the development key of the data folder',
  })
  .option('data-dir', {
    type: 'string',
    default: process.env['LONGWATCH_DATA_DIR'] ?? '.longwatch',
    describe: 'The data folder of the running stack',
  })
  .option('ui', { type: 'string', describe: 'The Web UI, for links; default that of the stack' })
  .option('customers', { type: 'number', default: 100, describe: 'fraud: how many customers' })
  .option('days', { type: 'number', default: 6, describe: 'fraud: how many days of payments' })
  .epilogue(
    `Capabilities: ${names.join(', ')}. Each run makes its own users, products, boards and devices, so it can be ` +
      'run again and again.',
  )
  .strictOptions()
  .help()
  .parseSync();

const found = readAddresses(args.dataDir);
const url = args.url ?? found?.api ?? 'http://127.0.0.1:3000';
const ui = args.ui ?? found?.ui ?? 'http://127.0.0.1:8233';
const namespace = found?.namespace ?? 'default';

/** The demo of a capability is the file of its name in demo/. */
const demoOf = (name: string): Demo =>
  (require(join(__dirname, 'demo', name)) as { demo(args: DemoArguments): Demo }).demo(args);

/** The demos that were asked for; otherwise those of all capabilities that the running Longwatch has. */
async function chosen(scene: Scene): Promise<Demo[]> {
  const asked = args._.map(String);
  const unknown = asked.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new DemoError(`There is no demo of ${unknown.join(', ')}; there are ${names.join(', ')}`);
  const { body } = await scene.call('GET', '/v1/overview');
  const running = (body.capabilities as { name: string }[]).map(({ name }) => name);
  const missing = asked.filter((name) => !running.includes(name));
  if (missing.length > 0)
    throw new DemoError(
      `The Longwatch at ${url} has no ${missing.join(', ')}; it has ${running.join(', ')} (LONGWATCH_CAPABILITIES)`,
    );
  return names.filter((name) => (asked.length === 0 ? running : asked).includes(name)).map(demoOf);
}

async function main(): Promise<void> {
  const key = args.key ?? process.env['LONGWATCH_API_KEY'] ?? keptApiKey(args.dataDir);
  if (key === undefined)
    throw new DemoError(
      `There is no development key in ${args.dataDir}. Start Longwatch first (npm start), or give --key`,
    );
  const scene = new Scene({ url, key, ui, namespace });
  const seen = new Table({ head: ['', 'seen', 'seconds'], style: { head: [], border: [] } });
  for (const demo of await chosen(scene)) {
    const started = Date.now();
    console.log(`\n── ${demo.name}: ${demo.says} (about ${demo.seconds} s) ${'─'.repeat(20)}`);
    const line = await demo.run(scene);
    seen.push([demo.name, line, ((Date.now() - started) / 1_000).toFixed(1)]);
  }
  console.log(`\n${seen.toString()}\n`);
  console.log(`The page for people:      ${url}/#key=${key}`);
  console.log(`Cases that wait for you:  ${waitingCasesLink(ui, namespace)}`);
}

main().catch((error: unknown) => {
  // What fetch throws where it gets no answer at all: refused, reset, a port that it does not ask.
  const unanswered = error instanceof TypeError && error.message === 'fetch failed';
  console.error(
    `\n${unanswered ? `Nothing answers at ${url}. Start Longwatch first: npm start` : error instanceof DemoError ? error.message : String((error as Error).stack)}`,
  );
  process.exit(1);
});
