import type { Load, Ref, TreeKind } from './tree';

/** The position of a key: the number of entries before it, and its entry if there is one. */
export interface Position<E> {
  before: number;
  entry?: E;
}

/** Finds a key. Loads the nodes of one path. */
export async function positionOf<E>(
  kind: TreeKind<E>,
  root: Ref<E> | undefined,
  key: E,
  load: Load<E>,
): Promise<Position<E>> {
  let before = 0;
  for (let ref = root; ref;) {
    const node = await load(ref.id);
    if ('entries' in node) {
      const index = node.entries.findIndex((entry) => kind.compare(entry, key) >= 0);
      const entry = node.entries[index];
      if (entry === undefined) return { before: before + node.entries.length };
      return { before: before + index, ...(kind.compare(entry, key) === 0 && { entry }) };
    }
    let next: Ref<E> | undefined;
    for (const child of node.children) {
      if (next && kind.compare(child.first, key) > 0) break;
      if (next) before += next.count;
      next = child;
    }
    ref = next;
  }
  return { before };
}

/** Returns the entries of positions `from` (inclusive) to `to` (exclusive). Loads their nodes and the paths to them. */
export async function slice<E>(root: Ref<E> | undefined, from: number, to: number, load: Load<E>): Promise<E[]> {
  if (!root || to <= 0 || from >= root.count || from >= to) return [];
  const node = await load(root.id);
  if ('entries' in node) return node.entries.slice(Math.max(0, from), to);
  let at = 0;
  const parts = node.children.map((child) => {
    const start = at;
    at += child.count;
    return slice(child, from - start, Math.min(to - start, child.count), load);
  });
  return (await Promise.all(parts)).flat();
}

/** The error for a tree with wrong counts or a wrong order. */
export class BrokenTreeError extends Error {
  override readonly name = 'BrokenTreeError';
}

/**
 * Generates all entries in order, and checks counts and order. @param visit is called with the id of every node.
 * @throws BrokenTreeError for a wrong count or order.
 */
export async function* walk<E>(
  kind: TreeKind<E>,
  root: Ref<E> | undefined,
  load: Load<E>,
  visit: (id: string) => void,
): AsyncGenerator<readonly E[]> {
  if (!root) return;
  visit(root.id);
  const node = await load(root.id);
  let count = 0;
  if ('entries' in node) {
    for (const [i, entry] of node.entries.entries()) {
      const before = i === 0 ? root.first : node.entries[i - 1];
      const order = before === undefined ? 1 : kind.compare(entry, before);
      if (order < 0 || (order === 0 && i > 0)) throw new BrokenTreeError(`Node ${root.id} is out of order`);
    }
    count = node.entries.length;
    yield node.entries;
  } else {
    // Loads all children together, so that the loader can batch the reads and cache the nodes for the loop.
    await Promise.all(node.children.map(({ id }) => load(id)));
    for (const child of node.children) {
      yield* walk(kind, child, load, visit);
      count += child.count;
    }
  }
  if (count !== root.count) throw new BrokenTreeError(`Node ${root.id} counts ${root.count} entries and has ${count}`);
}
