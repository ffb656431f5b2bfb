import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

/** Of what jest writes with `--json`, what is told here. */
export interface JestResults {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numRuntimeErrorTestSuites: number;
  testResults: {
    name: string;
    startTime: number;
    endTime: number;
    message: string;
    assertionResults: { status: string; fullName: string }[];
  }[];
}

const nameOf = (path: string): string => relative(process.cwd(), path);

/** Counts, and the name of each test that failed. */
export function oneLine(results: JestResults | undefined): string {
  if (!results) return 'without results';
  const failed = results.testResults.flatMap(({ name, message, assertionResults }) => {
    const tests = assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName }) => `${nameOf(name)}: ${fullName}`);
    // A file that could not be run has a message and no failed test.
    return tests.length === 0 && message !== '' ? [`${nameOf(name)}: did not run`] : tests;
  });
  const skipped = results.numPendingTests > 0 ? `, ${results.numPendingTests} skipped` : '';
  return [
    `${results.numPassedTests} passed, ${results.numFailedTests + results.numRuntimeErrorTestSuites} failed${skipped}`,
    ...failed.map((name) => `\n  ${name}`),
  ].join('');
}

/** The files that took longest, with their seconds; one a line. */
export function slowest(results: JestResults | undefined, count: number): string {
  const files = (results?.testResults ?? []).map(({ name, startTime, endTime }) => ({
    name: nameOf(name),
    seconds: (endTime - startTime) / 1_000,
  }));
  const lines = files
    .toSorted((a, b) => b.seconds - a.seconds)
    .slice(0, count)
    .map(({ name, seconds }) => `${seconds.toFixed(1).padStart(7)} s  ${name}`);
  return [`The slowest of ${files.length} files:`, ...lines].join('\n');
}

/** Reads the results of a run; undefined if it ended without them. */
export function readResults(file: string): JestResults | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as JestResults;
  } catch {
    return undefined;
  }
}
