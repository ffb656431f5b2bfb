import type { FieldFault } from '../errors';
import { faultOfName, shownName } from './names';
import { faultOfNumber, faultOfText } from './text';

/**
 * Maximum levels of objects and lists in a JSON document. DynamoDB nests an attribute up to 32 levels, and recursive
 * code (validation, serialization, comparison) cannot overflow the stack at this depth.
 */
export const MAX_DEPTH = 32;
/** Maximum levels of free JSON inside a document, such as a session's `data`: the levels around it also count. */
export const FREE_JSON_DEPTH = 28;

interface Visit {
  value: unknown;
  depth: number;
  key: string | number;
  parent: Visit | undefined;
}

/**
 * Returns the first fault in a JSON value: ill-formed text, a control character that no use allows, a number out of
 * range, a reserved or empty name, or too many levels. Undefined for a value that DynamoDB can store. The function does
 * not recurse, so a deeply nested value cannot overflow the stack.
 */
export const faultOfJson = (value: unknown, depth = MAX_DEPTH): FieldFault | undefined =>
  firstFault(value, depth, faultOfScalar, faultOfName);

/** Returns the first place that is nested too deep, without checking texts, numbers and names. */
export const faultOfDepth = (value: unknown, depth = MAX_DEPTH): FieldFault | undefined =>
  firstFault(value, depth, none, none);

const none = (): undefined => undefined;

function faultOfScalar(value: unknown): string | undefined {
  if (typeof value === 'string') return faultOfText(value);
  // NaN cannot come from JSON. File readers use it for unreadable cells, and the schema reports the field's rule.
  return typeof value === 'number' && !Number.isNaN(value) ? faultOfNumber(value) : undefined;
}

function firstFault(
  root: unknown,
  maxDepth: number,
  ofScalar: (value: unknown) => string | undefined,
  ofName: (name: string) => string | undefined,
): FieldFault | undefined {
  const left: Visit[] = [{ value: root, depth: 1, key: '', parent: undefined }];
  for (let visit = left.pop(); visit; visit = left.pop()) {
    const { value, depth } = visit;
    if (typeof value !== 'object' || value === null) {
      const message = ofScalar(value);
      if (message !== undefined) return { field: pathOf(visit), message };
      continue;
    }
    if (depth > maxDepth)
      return {
        field: pathOf(visit, 3),
        message: `is nested too deep: at most ${maxDepth} levels of objects and lists are allowed`,
      };
    const children: Visit[] = [];
    const isList = Array.isArray(value);
    for (const [key, inner] of Object.entries(value)) {
      const child: Visit = { value: inner, depth: depth + 1, key: isList ? Number(key) : key, parent: visit };
      const message = isList ? undefined : ofName(key);
      if (message !== undefined) return { field: pathOf(child), message };
      children.push(child);
    }
    // Depth first in the order of the document, so that the reported fault is the first one in the text.
    while (children.length > 0) left.push(children.pop() as Visit);
  }
  return undefined;
}

/** Returns the path of a value. @param levels the maximum levels from the root, for values nested too deep. */
function pathOf(visit: Visit, levels = Number.POSITIVE_INFINITY): string {
  const keys: (string | number)[] = [];
  for (let at: Visit | undefined = visit; at?.parent; at = at.parent) keys.push(at.key);
  return fieldPath(keys.toReversed().slice(0, levels));
}

/** Formats a path for messages: `scores[0].name`. */
export function fieldPath(keys: readonly PropertyKey[]): string {
  return keys
    .reduce<string>(
      (path, key) => (typeof key === 'number' ? `${path}[${key}]` : `${path}${path && '.'}${shownName(String(key))}`),
      '',
    )
    .slice(0, 300);
}
