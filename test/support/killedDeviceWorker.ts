import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEVICES_QUEUE } from '../../src/domain/devices/workflows';
import { runMortalWorker } from './mortalWorker';

/**
 * A worker that is killed (SIGKILL, by itself) when an activity of these has had its effect for the first time, before
 * Temporal has heard of it. The folder of the first argument keeps what happened over the deaths.
 */
const FATAL = new Set(['writeLane', 'commitArchive', 'deletePart', 'rewriteDay']);
const journal = join(process.argv[2]!, 'deaths.log');
const deaths = () => (existsSync(journal) ? readFileSync(journal, 'utf8').trim().split('\n') : []);

void runMortalWorker([DEVICES_QUEUE], (activity) => {
  if (!FATAL.has(activity) || deaths().includes(activity)) return;
  appendFileSync(journal, `${activity}\n`);
  process.kill(process.pid, 'SIGKILL');
});
