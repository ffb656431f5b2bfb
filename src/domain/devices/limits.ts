import { exactly, orOf, reservedNames } from '../edge/names';

/** The reserved names that start with a letter, as a metric's name must. */
const reservedFromALetter = reservedNames.filter((name) => /^[A-Za-z]/.test(name));

/** The form of a metric's name: it starts with a letter and is not the name of a JavaScript object's property. */
export const METRIC_NAME = new RegExp(`^(?!${exactly(reservedFromALetter)})[A-Za-z][A-Za-z0-9_.:-]{0,63}$`);
/** The rule of {@link METRIC_NAME} as a part of a sentence. */
export const METRIC_NAME_RULE =
  'must be 1 to 64 characters out of letters, digits, "_", ".", ":" and "-", the first a letter, and not ' +
  orOf(reservedFromALetter);

/** The limits of a device's readings. Each limits the size of an item. */
export const limits = {
  /** Readings in one HTTP request. */
  batch: 500,
  /** Metrics of one reading. */
  metrics: 50,
  /** Different metric names of one device on one day, because rollups contain all of them. */
  namesPerDay: 200,
  /** Characters of a text metric. */
  text: 256,
  status: 64,
  /** Characters of the metrics as JSON. */
  content: 8_192,
  /** Magnitude of a number; sums of any number of them stay finite. */
  magnitude: 1e100,
  /** Milliseconds by which a device's clock may be ahead of the server's. */
  aheadMs: 5 * 60_000,
} as const;
