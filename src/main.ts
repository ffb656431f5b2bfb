// Set before the SDK loads: it hides the SDK's warning about Node.js versions, which does not help users.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

import { ApiKeyError } from './api/auth';
import { ListenError } from './api/http/server';
import { ConfigError } from './config';
import { MissingEndpointError } from './config/endpoints';
import { nearestName } from './domain/nearest';
import { combine } from './graph/combinedCapabilities';
import { configReference, readConfig, unknownVariables } from './graph/config';
import { selectCapabilities } from './graph/capabilities';
import { TemporalConfigError } from './gateways/temporal';
import { StartError } from './local/errors';
import { type Mode, Run } from './run';
import { startFaults } from './run/faults';
import { version } from './run/release';
import { TableMismatchError } from './stores/tableCheck';
import { UnknownQueueError } from './workers/selectQueues';

const usage = () => `Longwatch ${version}: durable lifecycles for DynamoDB data, on Temporal

Usage: npm start | npm run api | npm run worker

  npm start         everything on this machine; services without an endpoint setting are embedded
  npm run api       only the HTTP API
  npm run worker    only the workers

Example: PORT=8080 LONGWATCH_CAPABILITIES=carts,sessions npm start

Settings are environment variables:

${configReference()
  .map(
    ({ name, fallback, description }) => `  ${name}${fallback ? ` (default ${fallback})` : ''}\n      ${description}`,
  )
  .join('\n')}
`;

/** Errors that the user can correct. They are printed without a stack trace. */
const expected = [
  ConfigError,
  ApiKeyError,
  MissingEndpointError,
  StartError,
  ListenError,
  UnknownQueueError,
  TemporalConfigError,
  TableMismatchError,
];

const modes: readonly Mode[] = ['all', 'api', 'worker'];

/**
 * Returns the mode of the command line.
 * @throws ConfigError for anything but one mode, because options would have no effect
 */
function modeOf([given = 'all', ...more]: readonly string[]): Mode {
  const mode = modes.find((one) => one === given);
  const wrong = mode === undefined ? given : more[0];
  if (mode !== undefined && wrong === undefined) return mode;
  const nearest = nearestName(String(wrong), ['--help', ...modes]);
  throw new ConfigError(
    `There is no ${wrong?.startsWith('-') ? 'option' : 'mode'} "${wrong}"; ` +
      (nearest === undefined ? 'settings are environment variables, which --help lists' : `did you mean ${nearest}?`),
  );
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) return void process.stdout.write(usage());
  const mode = modeOf(args);
  for (const warning of unknownVariables()) process.stderr.write(`Warning: ${warning}\n`);
  const config = readConfig(process.env, (read) =>
    startFaults(mode, read, process.env, combine(selectCapabilities(read.LONGWATCH_CAPABILITIES))),
  );
  const run = new Run(mode, config);
  run.watchUnexpected();
  process.on('SIGINT', () => void run.stop('SIGINT'));
  process.on('SIGTERM', () => void run.stop('SIGTERM'));
  try {
    await run.start();
  } catch (error) {
    await run.stop();
    throw error;
  }
}

main().catch((error: unknown) => {
  const known = expected.some((type) => error instanceof type);
  process.stderr.write(
    `\n${known ? (error as Error).message : error instanceof Error ? error.stack : String(error)}\n`,
  );
  process.exit(1);
});
