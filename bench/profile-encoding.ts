import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { median, ms, ratio } from './support/measure';

/** Compares the time to marshal one read and one write of a profile: native maps and lists, and one string. */
const buckets = (n: number) => Array.from({ length: n }, (_, i) => [29_000_000 + i, i % 7, 1234.5 * i, 98_765.25 * i]);
const profile = {
  minutes: buckets(6),
  hours: buckets(10),
  days: buckets(30),
  recent: buckets(40),
  devices: Array.from({ length: 4 }, (_, i) => [`device-${i}`, 29_000_000]),
  merchants: Array.from({ length: 30 }, (_, i) => [`merchant-${i}`, 29_000_000]),
};

function timed(operation: () => void): number {
  const runs: number[] = [];
  for (let run = 0; run < 9; run++) {
    const started = performance.now();
    for (let i = 0; i < 500; i++) operation();
    runs.push((performance.now() - started) / 500);
  }
  return median(runs);
}

const native = timed(() => unmarshall(marshall(profile)));
const text = timed(() => JSON.parse(unmarshall(marshall({ State: JSON.stringify(profile) }))['State'] as string));
console.log(`native maps and lists: ${ms(native)} per round trip`);
console.log(`one JSON string:       ${ms(text)} per round trip, ${ratio(native / text)} cheaper`);
