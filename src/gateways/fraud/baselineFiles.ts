import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { parse, sentenceOf } from '../../domain/edge/parse';
import { lineOf } from '../../domain/edge/schemas';
import type { Baseline } from '../../domain/fraud/drift';

const distributionSchema = z
  .object({ edges: z.array(z.number()), shares: z.array(z.number().min(0).max(1)) })
  .refine(
    ({ edges, shares }) => shares.length === edges.length + 2,
    'must have a share for each bin between its edges, and one for missing values',
  );
/** Schema of a baseline file, as `npm run fraud -- train` writes it. */
export const baselineSchema = z.object({
  version: lineOf(1, 200),
  rows: z.int(),
  features: z.record(lineOf(1, 200), distributionSchema),
  score: distributionSchema,
});

/** A baseline file cannot be read or is not valid. */
export class BaselineError extends Error {
  override readonly name = 'BaselineError';
}

/**
 * Reads the baselines of the training data, by model version.
 * @param shipped path of the shipped model's baseline; ignored if the file does not exist
 * @param files paths of further files, separated by commas
 * @throws BaselineError naming the file and its fault
 */
export function readBaselines(shipped: string, files: string | undefined): Map<string, Baseline> {
  const paths = [
    ...(existsSync(shipped) ? [shipped] : []),
    ...(files ?? '')
      .split(',')
      .map((path) => path.trim())
      .filter((path) => path !== ''),
  ];
  return new Map(
    paths.map((path) => {
      const baseline = readBaseline(path);
      return [baseline.version, baseline];
    }),
  );
}

function readBaseline(path: string): Baseline {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new BaselineError(`LONGWATCH_DRIFT_BASELINES: ${path} cannot be read (${(error as Error).message})`);
  }
  const { value, faults } = parse(baselineSchema, json);
  if (faults)
    throw new BaselineError(
      `LONGWATCH_DRIFT_BASELINES: ${path} is not a baseline written by train: ${sentenceOf(faults, 'the file')}`,
    );
  return value;
}
