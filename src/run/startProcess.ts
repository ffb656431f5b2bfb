import { ApiKeyError } from '../api/auth';
import { ListenError } from '../api/http/server';
import { ConfigError } from '../config';
import { MissingEndpointError } from '../config/endpoints';
import { TemporalConfigError } from '../gateways/temporal';
import { selectCapabilities } from '../graph/selectCapabilities';
import { combine } from '../graph/combinedCapabilities';
import { readConfig, unknownVariables } from '../graph/config';
import { StartError } from '../local/errors';
import { TableMismatchError } from '../stores/tableCheck';
import { UnknownQueueError } from '../workers/selectQueues';
import { type Mode, Run } from '.';
import { startFaults } from './faults';
import { printError } from './printError';

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

/** Whether the user can correct the error; its message then says how. */
const isExpected = (error: unknown): boolean => expected.some((type) => error instanceof type);

/**
 * Reads the environment and starts a process of this mode. It stops at SIGINT and SIGTERM. When it cannot start, it
 * prints why and exits with 1.
 */
export async function startProcess(mode: Mode): Promise<void> {
  let run: Run | undefined;
  try {
    for (const warning of [...unknownVariables(), ...nodeWarnings(process.versions.node)])
      process.stderr.write(`Warning: ${warning}\n`);
    const config = readConfig(process.env, (read) =>
      startFaults(mode, read, process.env, combine(selectCapabilities(read.LONGWATCH_CAPABILITIES))),
    );
    run = new Run(mode, config);
    watchSignals(run);
    await run.start();
  } catch (error) {
    // Before the stop, which may reach the end of its grace period: then the process exits at once.
    printError(error, isExpected(error));
    await run?.stop();
    process.exit(1);
  }
}

/** Warns about a version of Node.js that will not be supported for long. */
export function nodeWarnings(version: string): string[] {
  if (Number.parseInt(version, 10) >= 22) return [];
  return [
    `Node.js ${version} is past its end of life, and the AWS SDK requires 22 from January 2027. Use Node.js 22 or 24.`,
  ];
}

function watchSignals(run: Run): void {
  run.watchUnexpected();
  process.on('SIGINT', () => void run.stop('SIGINT'));
  process.on('SIGTERM', () => void run.stop('SIGTERM'));
}
