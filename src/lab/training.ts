import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultRules } from '../domain/fraud/defaultRules';
import { featureNames, featureVector, type Features } from '../domain/fraud/features';
import { LabError } from './errors';
import { NpyWriter } from './npy';
import { findPython, runPython } from './python';

/**
 * The parts of the data: trees are learned from `train`, their number is chosen on `tune`, and `test` measures the
 * model.
 */
export type Part = 'train' | 'tune' | 'test';

/** Parameters of train.py besides the matrices. */
export interface TrainingNotes {
  /** Maximum number of trees. Training stops earlier if the score on `tune` no longer improves. */
  rounds: number;
  /** Trains once more on `train` and `tune` together, with the number of trees that was found. */
  refit: boolean;
  /** Texts of the model card. `{train}` and `{test}` in `data` are replaced by the numbers of payments and frauds. */
  madeBy: string;
  data: string;
  measuredOn: string;
  limits: string;
  /** Names of the fraud scenarios, if the rows of `test` have one. */
  scenarios?: readonly string[];
  /** Also writes the expected scores for the tests of the evaluator. */
  goldens?: boolean;
}

/** Results of train.py, as in the model card. */
export interface TrainingFigures {
  version: string;
  trees: number;
  trainedOn: { rows: number; frauds: number };
  testedOn: { rows: number; frauds: number };
  rocAuc: number;
  averagePrecision: number;
}

/** Collects the matrices of a training on disk, then trains with the XGBoost library. */
export class Training {
  private readonly python = findPython();
  private readonly folder = mkdtempSync(join(tmpdir(), 'longwatch-training-'));
  private readonly matrices = new Map<Part, NpyWriter>();
  private readonly frauds: Record<Part, number> = { train: 0, tune: 0, test: 0 };
  private kinds: NpyWriter | undefined;

  /** Adds a row. @param kind number of the fraud scenario from 1, or 0 for genuine; only for `test` */
  add(part: Part, fraud: boolean, features: Features, kind?: number): void {
    this.matrix(part).write([Number(fraud), ...featureVector(features)]);
    this.frauds[part] += Number(fraud);
    if (kind === undefined || part !== 'test') return;
    this.kinds ??= new NpyWriter(join(this.folder, 'test-kinds.npy'), 1);
    this.kinds.write([kind]);
  }

  private matrix(part: Part): NpyWriter {
    const found = this.matrices.get(part) ?? new NpyWriter(join(this.folder, `${part}.npy`), featureNames.length + 1);
    this.matrices.set(part, found);
    return found;
  }

  /**
   * Trains the model. Writes the model file, and `….card.json` and `….card.md` beside it.
   * @throws LabError if there is no known fraud to learn from, or Python fails
   */
  async run(out: string, notes: TrainingNotes, onLine: (line: string) => void): Promise<TrainingFigures> {
    for (const part of ['train', 'tune'] as const)
      if (this.frauds[part] === 0)
        throw new LabError(
          'There is no known fraud ' +
            `${part === 'train' ? 'to learn from' : 'in the last part of the window, which sets the number of trees'}`,
        );
    for (const matrix of [...this.matrices.values(), ...(this.kinds ? [this.kinds] : [])]) matrix.close();
    const bands = Object.fromEntries(defaultRules.bands.map(({ outcome, from }) => [outcome, from]));
    writeFileSync(join(this.folder, 'meta.json'), JSON.stringify({ featureNames, bands, ...notes }));
    return JSON.parse(await runPython(this.python, 'train.py', [this.folder, out], onLine)) as TrainingFigures;
  }

  /** Deletes the matrices. */
  clear(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
