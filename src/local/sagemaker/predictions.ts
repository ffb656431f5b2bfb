import { approximateContributions, exactContributions } from '../../domain/fraud/treeContributions';
import { type BoostedTrees, score } from '../../domain/fraud/xgboost';

/** The request body is not valid for the model. A container answers with its own status, SageMaker with ModelError. */
export class ContainerError extends Error {
  override readonly name = 'ContainerError';

  constructor(
    readonly status: 400 | 415,
    message: string,
  ) {
    super(message);
  }
}

/** Prediction for one row. */
export interface Prediction {
  /** Probability of fraud, 0 to 1. */
  score: number;
  /**
   * Log-odds of the average row (`bias`), and the contribution of each feature to this row, in the model's feature
   * order.
   */
  bias?: number;
  contributions?: number[];
}

/**
 * Parses the rows of a request body, with `NaN` for a missing value. Accepts CSV without header (missing: empty cell)
 * and JSON `{"instances":[{"features":[…]}]}` (missing: null).
 * @throws ContainerError 415 for another content type, 400 for a body that is not valid
 */
export function parseRows(body: string, contentType: string, width: number): number[][] {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase();
  let rows: number[][];
  if (type === 'text/csv') rows = body.trim() === '' ? [] : body.trimEnd().split(/\r?\n/).map(csvRow);
  else if (type === 'application/json') rows = jsonRows(body);
  else throw new ContainerError(415, `Content type ${contentType} is not one of text/csv and application/json`);
  if (rows.length === 0) throw new ContainerError(400, 'The body holds no row');
  for (const [i, row] of rows.entries())
    if (row.length !== width)
      throw new ContainerError(400, `Row ${i} has ${row.length} values; the model has ${width} features`);
  return rows;
}

const csvRow = (line: string, row: number): number[] =>
  line.split(',').map((cell, column) => {
    const text = cell.trim();
    const value = text === '' ? Number.NaN : Number(text);
    if (Number.isNaN(value) && text !== '' && text.toLowerCase() !== 'nan')
      throw new ContainerError(400, `Row ${row}, column ${column} is no number`);
    return value;
  });

function jsonRows(body: string): number[][] {
  let instances: unknown;
  try {
    instances = (JSON.parse(body) as { instances?: unknown } | null)?.instances;
  } catch {
    throw new ContainerError(400, 'The body is not JSON');
  }
  if (!Array.isArray(instances)) throw new ContainerError(400, 'The body is not {"instances":[{"features":[…]}]}');
  return instances.map((instance: { features?: unknown } | null, row) => {
    const features = instance?.features;
    if (!Array.isArray(features)) throw new ContainerError(400, `Instance ${row} has no list of features`);
    return features.map((value: unknown, column) => {
      if (value === null) return Number.NaN;
      if (typeof value !== 'number') throw new ContainerError(400, `Instance ${row}, feature ${column} is no number`);
      return value;
    });
  });
}

/** Scores a row, with the contributions of the features if requested. */
export function predict(model: BoostedTrees, row: number[], explain?: 'approximate' | 'exact'): Prediction {
  if (!explain) return { score: score(model, row) };
  const { bias, byFeature } =
    explain === 'exact' ? exactContributions(model, row) : approximateContributions(model, row);
  return { score: score(model, row), bias, contributions: byFeature.map((value) => Math.round(value * 1e6) / 1e6) };
}
