import type { Load, Ref, TreeKind } from './tree';

/** Where a key stands: how many entries come before it, and the entry that has it. */
export interface Position<E> {
  before: number;
  entry?: E;
}

/** Reads one path. */
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

/** The entries from one position to before another; reads the nodes that hold them and the paths there. */
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

/** A tree that contradicts itself: counts or order are wrong. */
export class BrokenTreeError extends Error {
  override readonly name = 'BrokenTreeError';
}

/** Every entry in order, checking all counts and the order on the way. @throws BrokenTreeError */
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
    // A whole family at once, so that a loader that batches has something to batch, and its cache what comes next.
    await Promise.all(node.children.map(({ id }) => load(id)));
    for (const child of node.children) {
      yield* walk(kind, child, load, visit);
      count += child.count;
    }
  }
  if (count !== root.count) throw new BrokenTreeError(`Node ${root.id} counts ${root.count} entries and has ${count}`);
}
