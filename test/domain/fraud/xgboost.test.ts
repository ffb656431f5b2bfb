import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  approximateContributions,
  type Contributions,
  exactContributions,
} from '../../../src/domain/fraud/treeContributions';
import { featureNames } from '../../../src/domain/fraud/features';
import { ModelFormatError, parseModel, score } from '../../../src/domain/fraud/xgboost';

interface Golden {
  madeBy: string;
  model?: unknown;
  rows: (number | null)[][];
  scores: number[];
  /** Contributions by feature, the bias last. */
  exact: number[][];
  approximate: number[][];
}

const read = (path: string): unknown => JSON.parse(readFileSync(join(__dirname, path), 'utf8'));
const shipped = () => read('../../../model/fraud.json');

const largestDifference = (found: readonly number[], wanted: readonly number[]): number =>
  Math.max(...wanted.map((value, i) => Math.abs((found[i] ?? Number.NaN) - value)));
const withBias = ({ byFeature, bias }: Contributions): number[] => [...byFeature, bias];

describe.each([
  ['the shipped model', 'goldens/fraud.json'],
  ['a deep model with missing values and values on thresholds', 'goldens/missing.json'],
])('%s, against the official library', (_name, path) => {
  const golden = read(path) as Golden;
  const model = parseModel(golden.model ?? shipped());
  const rows = golden.rows.map((row) => row.map((value) => value ?? Number.NaN));

  it('scores every row within a ten-millionth', () => {
    expect(golden.madeBy).toMatch(/^xgboost /);
    expect(rows.length).toBeGreaterThan(20);
    expect(
      largestDifference(
        rows.map((row) => score(model, row)),
        golden.scores,
      ),
    ).toBeLessThan(1e-7);
  });

  it('explains every row by exact Shapley values within 1e-5', () => {
    for (const [i, row] of rows.entries())
      expect(largestDifference(withBias(exactContributions(model, row)), golden.exact[i]!)).toBeLessThan(1e-5);
  });

  it('explains every row along its decision paths within 1e-5', () => {
    for (const [i, row] of rows.entries())
      expect(largestDifference(withBias(approximateContributions(model, row)), golden.approximate[i]!)).toBeLessThan(
        1e-5,
      );
  });

  it.each([approximateContributions, exactContributions])('%p adds up to the score', (explain) => {
    for (const row of rows) {
      const logOdds = withBias(explain(model, row)).reduce((a, b) => a + b, 0);
      expect(1 / (1 + Math.exp(-logOdds))).toBeCloseTo(score(model, row), 5);
    }
  });
});

describe('a model file', () => {
  interface Learner {
    learner_model_param: { base_score: string };
    objective: { name: string };
    gradient_booster: { name: string; model: { trees: { categories_nodes: number[] }[] } };
  }
  const golden = read('goldens/missing.json') as Golden & { model: { learner: Learner } };
  const changed = (change: (learner: Learner) => void): unknown => {
    const copy = structuredClone(golden.model);
    change(copy.learner);
    return copy;
  };

  it('of an older XGBoost, with the base score as a plain number, is read as well', () => {
    const model = parseModel(changed((learner) => (learner.learner_model_param.base_score = '2E-1')));
    expect(
      score(
        model,
        golden.rows[0]!.map((value) => value ?? Number.NaN),
      ),
    ).toBeCloseTo(golden.scores[0]!, 6);
  });

  it('that was trained on other features is refused, naming the first that differs', () => {
    const model = shipped() as { learner: { feature_names: string[] } };
    const names = [...model.learner.feature_names];
    [names[3], names[4]] = [names[4]!, names[3]!];
    model.learner.feature_names = names;
    expect(() => parseModel(model, featureNames)).toThrow(
      `column 3 is ${featureNames[4]}, this code has ${featureNames[3]} there`,
    );
    model.learner.feature_names = names.slice(0, 3);
    expect(() => parseModel(model, featureNames)).toThrow('column 3 is missing');
  });

  it.each([
    ['is not a model at all', () => ({ hello: 1 }), 'not an XGBoost JSON model'],
    ['is empty', () => null, 'not an XGBoost JSON model'],
    [
      'was trained for something else',
      () => changed((learner) => (learner.objective.name = 'reg:squarederror')),
      'objective is reg:squarederror',
    ],
    [
      'drops trees while it scores',
      () => changed((learner) => (learner.gradient_booster.name = 'dart')),
      'booster is dart',
    ],
    [
      'splits on categories',
      () => changed((learner) => (learner.gradient_booster.model.trees[0]!.categories_nodes = [0])),
      'splits on categories',
    ],
    [
      'has a base score that is no probability',
      () => changed((learner) => (learner.learner_model_param.base_score = '7')),
      'base_score 7',
    ],
  ])('that %s is refused with a sentence', (_what, model, message) => {
    expect(() => parseModel(model())).toThrow(ModelFormatError);
    expect(() => parseModel(model())).toThrow(message);
  });
});
