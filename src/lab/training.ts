import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultRules } from '../domain/fraud/defaultRules';
import { featureNames, featureVector, type Features } from '../domain/fraud/features';
import { LabError } from './errors';
import { NpyWriter } from './npy';
import { findPython, runPython } from './python';

export type Part = 'train' | 'tune' | 'test';

/** What train.py is told beside the matrices. */
export interface TrainingNotes {
  /** Most trees; fewer where the score on `tune` stops rising. */
  rounds: number;
  /** Train once more on `train` and `tune` together with the number of trees found. */
  refit: boolean;
  /** Sentences of the card. `{train}` and `{test}` in `data` become how many payments and frauds they hold. */
  madeBy: string;
  data: string;
  measuredOn: string;
  limits: string;
  /** Kinds of fraud, where rows of `test` say theirs. */
  scenarios?: readonly string[];
  /** Also write goldens for the evaluator's tests. */
  goldens?: boolean;
}

/** What train.py found, as its card says it. */
export interface TrainingFigures {
  version: string;
  trees: number;
  trainedOn: { rows: number; frauds: number };
  testedOn: { rows: number; frauds: number };
  rocAuc: number;
  averagePrecision: number;
}

/** Collects the matrices of one training on disk, then trains with the official library. */
export class Training {
  private readonly python = findPython();
  private readonly folder = mkdtempSync(join(tmpdir(), 'longwatch-training-'));
  private readonly matrices = new Map<Part, NpyWriter>();
  private readonly frauds: Record<Part, number> = { train: 0, tune: 0, test: 0 };
  private kinds: NpyWriter | undefined;

  /** @param kind number of the scenario from 1, 0 for genuine; of `test` alone. */
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
   * Trains; the artefact, `….card.json` and `….card.md` are then beside each other.
   * @throws LabError when there is nothing to learn from, or Python fails.
   */
  async run(out: string, notes: TrainingNotes, onLine: (line: string) => void): Promise<TrainingFigures> {
    for (const part of ['train', 'tune'] as const)
      if (this.frauds[part] === 0)
        throw new LabError(
          'There is no known fraud ' +
            `${part === 'train' ? 'to learn from' : 'in the last part of the window, on which training is stopped'}`,
        );
    for (const matrix of [...this.matrices.values(), ...(this.kinds ? [this.kinds] : [])]) matrix.close();
    const bands = Object.fromEntries(defaultRules.bands.map(({ outcome, from }) => [outcome, from]));
    writeFileSync(join(this.folder, 'meta.json'), JSON.stringify({ featureNames, bands, ...notes }));
    return JSON.parse(await runPython(this.python, 'train.py', [this.folder, out], onLine)) as TrainingFigures;
  }

  /** Removes the matrices. */
  clear(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
