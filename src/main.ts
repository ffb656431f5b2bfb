// Set before the SDK loads: it warns about the Node.js version in eight lines. `startProcess` warns in one.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

import { ConfigError } from './config';
import { nearestName } from './domain/nearest';
import { configReference } from './graph/config';
import type { Mode } from './run';
import { printError } from './run/printError';
import { version } from './run/release';
import type * as starting from './run/startProcess';

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

function main(): void {
  const args = process.argv.slice(2);
  if (args.includes('--help') || args.includes('-h')) return void process.stdout.write(usage());
  const mode = modeOf(args);
  // Loaded only now: it takes a second, and neither help nor a wrong argument needs it.
  const { startProcess } = require('./run/startProcess') as typeof starting;
  void startProcess(mode);
}

try {
  main();
} catch (error) {
  printError(error, error instanceof ConfigError);
  process.exit(1);
}
