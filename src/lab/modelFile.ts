import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { featureNames } from '../domain/fraud/features';
import { type BoostedTrees, ModelFormatError, parseModel } from '../domain/fraud/xgboost';
import { LabError } from './errors';

export interface ModelFile {
  /** By content: another artefact never goes by the same name. */
  version: string;
  trees: BoostedTrees;
}

/** @throws LabError for a file that is no model, or one that was trained on other features than this code's. */
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
