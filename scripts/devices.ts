import { ConfigError } from '../src/config';
import { runCommand } from './commandLine';
import { query } from './devices/query';
import { simulateDevices } from './devices/simulate';

runCommand(
  {
    name: 'devices',
    about: 'Readings of devices: SQL queries over the archive, and simulated readings.',
    examples: [
      ['simulate --devices 5 --days 2', 'sends readings of five devices to the Longwatch on this machine'],
      ["query 'SELECT count(*) FROM readings' --from 2026-01-01", 'counts the archived readings of 2026 and later'],
    ],
    expected: [ConfigError],
  },
  [query, simulateDevices],
);
