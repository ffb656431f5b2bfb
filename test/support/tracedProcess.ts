import { recordPastSpan } from '../../src/telemetry/runs';
import { entrySpan } from '../../src/telemetry/spans';
import { startTracing } from '../../src/telemetry/tracing';

/** A process that traces: some work, some that breaks, and a run of which the span is the one of the first argument. */
async function main(): Promise<void> {
  const tracing = startTracing({ serviceName: 'shop', serviceVersion: '1.2.3', protocol: 'http/protobuf' });
  await entrySpan('work', {}, async () => undefined);
  await entrySpan('broken work', {}, async () => Promise.reject(new Error('of ada'))).catch(() => undefined);
  recordPastSpan(JSON.parse(process.argv[2]!) as Parameters<typeof recordPastSpan>[0]);
  await tracing.stop();
  // Nobody takes it now, and nobody is hurt.
  recordPastSpan(JSON.parse(process.argv[2]!) as Parameters<typeof recordPastSpan>[0]);
}

void main();
