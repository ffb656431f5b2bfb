import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { featureNames } from '../domain/fraud/features';
import { type BoostedTrees, ModelFormatError, parseModel } from '../domain/fraud/xgboost';
import { LabError } from './errors';

/** A model that was read from a file. */
export interface ModelFile {
  /** Version derived from the file's content, so that two different files never have the same version. */
  version: string;
  trees: BoostedTrees;
}

/**
 * Reads a model.
 * @throws LabError if the file is not a model, or the model was trained on features other than those of this code
 */
export function readModel(path: string): ModelFile {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new LabError(`${path} cannot be read (${(error as Error).message})`);
  }
  try {
    const trees = parseModel(JSON.parse(bytes.toString('utf8')), featureNames);
    return { version: `fraud-${createHash('sha256').update(bytes).digest('hex').slice(0, 10)}`, trees };
  } catch (error) {
    if (error instanceof ModelFormatError) throw new LabError(`${path}: ${error.message}`);
    if (error instanceof SyntaxError) throw new LabError(`${path} is not valid JSON`);
    throw error;
  }
}
