import { ScoringFailure } from '../../../src/gateways/fraud/scoringFailure';
import { GroupedScoring } from '../../../src/operations/fraud/groupedScoring';
import { stillAfter } from '../../support/eventually';

type Score = ConstructorParameters<typeof GroupedScoring>[0]['score'];

/** A model that answers with the first feature, or does what the rows ask for. */
function scoringWith(answerTo: (rows: readonly (readonly number[])[]) => Promise<void> | void) {
  const calls: number[][] = [];
  const score: Score = async (rows) => {
    calls.push(rows.map(([first]) => first!));
    await answerTo(rows);
    return { scores: rows.map(([first]) => ({ score: first! })), modelVersion: 'm-1' };
  };
  return { calls, scoring: new GroupedScoring({ score }) };
}
const PATIENT = 60_000;
const failure = (kind: ScoringFailure['kind'], httpStatusCode?: number) =>
  new ScoringFailure(kind, 'no score', { $metadata: { httpStatusCode } });

it('payments of one moment are scored by one call, each with its own score', async () => {
  const { calls, scoring } = scoringWith(() => undefined);
  const scored = await Promise.all([0.1, 0.2, 0.3].map((row) => scoring.score([row], PATIENT)));
  expect(calls).toEqual([[0.1, 0.2, 0.3]]);
  expect(scored).toEqual([0.1, 0.2, 0.3].map((score) => ({ score, modelVersion: 'm-1' })));
});

it.each([
  ['whose answer makes no sense', failure('model-nonsense')],
  ['that the model refuses', failure('model-error', 424)],
])('a row %s is the only one without a score', async (_what, error) => {
  const { calls, scoring } = scoringWith((rows) => {
    if (rows.some(([first]) => first === 0.2)) throw error;
  });
  const scored = await Promise.all([0.1, 0.2, 0.3].map((row) => scoring.score([row], PATIENT)));
  expect(scored.map(({ score }) => score)).toEqual([0.1, null, 0.3]);
  expect(scored[1]).toMatchObject({ degradedBecause: error.kind, modelVersion: null });
  expect(calls).toEqual([[0.1, 0.2, 0.3], [0.1], [0.2], [0.3]]);
});

it.each([
  ['is broken', failure('model-error', 500)],
  ['is overloaded', failure('model-error', 429)],
  ['cannot be reached', failure('model-unreachable')],
  ['is spared', failure('circuit-open')],
])('an endpoint that %s gets no further calls for the same rows', async (_what, error) => {
  const { calls, scoring } = scoringWith(() => {
    throw error;
  });
  const scored = await Promise.all([0.1, 0.2].map((row) => scoring.score([row], PATIENT)));
  expect(scored.map(({ degradedBecause }) => degradedBecause)).toEqual([error.kind, error.kind]);
  expect(calls).toHaveLength(1);
});

it('a row waits for its own time only, however long others of its call have', async () => {
  let answer: (() => void) | undefined;
  const { calls, scoring } = scoringWith(() => new Promise((resolve) => (answer = resolve)));
  const patient = scoring.score([0.1], PATIENT);
  expect(await scoring.score([0.2], 50)).toEqual({ score: null, modelVersion: null, degradedBecause: 'model-late' });
  expect(calls).toEqual([[0.1, 0.2]]);
  answer!();
  expect(await patient).toMatchObject({ score: 0.1 });
});

it('a row without time is not scored', async () => {
  const { calls, scoring } = scoringWith(() => undefined);
  expect(await scoring.score([0.1], 0.5)).toMatchObject({ score: null, degradedBecause: 'out-of-time' });
  expect(await stillAfter(20, () => calls)).toEqual([]);
});

it('a fault of our own is no missing score', async () => {
  const { scoring } = scoringWith(() => {
    throw new TypeError('a bug');
  });
  await expect(scoring.score([0.1], PATIENT)).rejects.toThrow('a bug');
});
