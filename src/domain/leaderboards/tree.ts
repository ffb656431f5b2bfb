/**
 * A node of a persistent search tree: nodes are immutable. An edit creates new nodes along its paths and a new root, so
 * a reader with a root sees one consistent state as long as its nodes are stored. Every reference has the number of
 * entries below it, so a rank is a sum along one path.
 */
export type Node<E> = { entries: readonly E[] } | { children: readonly Ref<E>[] };

/** A reference to a node, stored in its parent. */
export interface Ref<E> {
  id: string;
  /** Number of entries below the node. */
  count: number;
  /** Number of entries or children in the node itself. */
  size: number;
  /** A key that is not after any key below the node. */
  first: E;
}

/** The order and the size of a tree's nodes. */
export interface TreeKind<E> {
  compare(a: E, b: E): number;
  /** Returns the part of an entry that determines its order. */
  key(entry: E): E;
  /** Maximum number of entries or children in a node. */
  max: number;
}

/**
 * An edit: adds or replaces the entry with this key, or removes it if `put` is absent. Removing a missing entry has no
 * effect.
 */
export interface Edit<E> {
  key: E;
  put?: E;
}

/** Loads a node by id. */
export type Load<E> = (id: string) => Promise<Node<E>>;

/** Collects the nodes that edits create, and the ids of those that they replace. */
export class Draft<E> {
  readonly created = new Map<string, Node<E>>();
  readonly dropped: string[] = [];

  constructor(private readonly newId: () => string) {}

  /** Creates a node and returns its reference. @throws RangeError for an empty node. */
  create(kind: TreeKind<E>, node: Node<E>): Ref<E> {
    const id = this.newId();
    this.created.set(id, node);
    const [head] = 'entries' in node ? node.entries : node.children;
    if (!head) throw new RangeError('A node holds at least one entry');
    if ('entries' in node)
      return { id, count: node.entries.length, size: node.entries.length, first: kind.key(head as E) };
    return {
      id,
      count: node.children.reduce((sum, { count }) => sum + count, 0),
      size: node.children.length,
      first: (head as Ref<E>).first,
    };
  }

  /** Removes a node from the tree. */
  drop(id: string): void {
    if (!this.created.delete(id)) this.dropped.push(id);
  }
}

/**
 * Returns the tree after some edits; of several edits with the same key the last one counts. Loads only the nodes on
 * the edits' paths.
 * @returns the new root, or undefined when the tree is empty.
 */
export async function edited<E>(
  kind: TreeKind<E>,
  root: Ref<E> | undefined,
  edits: readonly Edit<E>[],
  load: Load<E>,
  draft: Draft<E>,
): Promise<Ref<E> | undefined> {
  if (edits.length === 0) return root;
  const sorted = lastOfEach(kind, edits);
  const editing = new Editing(kind, draft, (id) => {
    const own = draft.created.get(id);
    return own ? Promise.resolve(own) : load(id);
  });
  let level = root ? await editing.edit(root, sorted) : editing.leaves(merged(kind, [], sorted).entries);
  while (level.length > 1) level = editing.pieces(level).map((children) => draft.create(kind, { children }));
  let [top] = level;
  // A root with a single child is replaced by that child.
  for (
    let node = top && draft.created.get(top.id);
    top && node && 'children' in node && node.children.length === 1;
    node = top && draft.created.get(top.id)
  ) {
    draft.drop(top.id);
    [top] = node.children;
  }
  return top;
}

class Editing<E> {
  constructor(
    private readonly kind: TreeKind<E>,
    private readonly draft: Draft<E>,
    private readonly load: Load<E>,
  ) {}

  /** Edits a subtree. @returns the nodes that replace it, all of the same level. */
  async edit(ref: Ref<E>, edits: readonly Edit<E>[]): Promise<Ref<E>[]> {
    const node = await this.load(ref.id);
    if ('entries' in node) {
      const { entries, isChanged } = merged(this.kind, node.entries, edits);
      if (!isChanged) return [ref];
      this.draft.drop(ref.id);
      return this.leaves(entries);
    }
    const shares = shared(this.kind, node.children, edits);
    const parts = await Promise.all(
      node.children.map((child, i) => (shares[i]?.length ? this.edit(child, shares[i]) : [child])),
    );
    const children = await this.joined(parts.flat());
    if (children.length === node.children.length && children.every((child, i) => child === node.children[i]))
      return [ref];
    this.draft.drop(ref.id);
    return this.pieces(children).map((piece) => this.draft.create(this.kind, { children: piece }));
  }

  leaves(entries: readonly E[]): Ref<E>[] {
    return this.pieces(entries).map((piece) => this.draft.create(this.kind, { entries: piece }));
  }

  /** Splits a list into as few nodes as needed, of about equal size and with space for growth. */
  pieces<T>(list: readonly T[]): T[][] {
    const { max } = this.kind;
    if (list.length === 0) return [];
    const count = list.length <= max ? 1 : Math.ceil(list.length / (max * 0.75));
    return Array.from({ length: count }, (_, i) =>
      list.slice(Math.round((i * list.length) / count), Math.round(((i + 1) * list.length) / count)),
    );
  }

  /**
   * Joins neighbours that together fill at most half a node. A split creates nodes that are more than half full, so it
   * is not undone at once.
   */
  private async joined(refs: readonly Ref<E>[]): Promise<Ref<E>[]> {
    const out: Ref<E>[] = [];
    for (const ref of refs) {
      const before = out.at(-1);
      if (before && before.size + ref.size <= this.kind.max / 2) out.splice(-1, 1, await this.join(before, ref));
      else out.push(ref);
    }
    return out;
  }

  private async join(left: Ref<E>, right: Ref<E>): Promise<Ref<E>> {
    const [a, b] = await Promise.all([this.load(left.id), this.load(right.id)]);
    this.draft.drop(left.id);
    this.draft.drop(right.id);
    if ('entries' in a && 'entries' in b)
      return this.draft.create(this.kind, { entries: [...a.entries, ...b.entries] });
    if ('children' in a && 'children' in b)
      return this.draft.create(this.kind, { children: await this.joined([...a.children, ...b.children]) });
    throw new RangeError('Neighbours of one level are of one kind');
  }
}

function lastOfEach<E>(kind: TreeKind<E>, edits: readonly Edit<E>[]): Edit<E>[] {
  // The sort is stable, so the last edit of equal keys is the last one given.
  const sorted = [...edits].sort((a, b) => kind.compare(a.key, b.key));
  return sorted.filter((edit, i) => {
    const next = sorted[i + 1];
    return !next || kind.compare(edit.key, next.key) !== 0;
  });
}

function merged<E>(
  kind: TreeKind<E>,
  entries: readonly E[],
  edits: readonly Edit<E>[],
): { entries: E[]; isChanged: boolean } {
  const out: E[] = [];
  let isChanged = false;
  let at = 0;
  for (const { key, put } of edits) {
    for (let entry = entries[at]; entry !== undefined && kind.compare(entry, key) < 0; entry = entries[++at])
      out.push(entry);
    const same = entries[at];
    const isThere = same !== undefined && kind.compare(same, key) === 0;
    if (isThere) at++;
    if (put !== undefined) out.push(put);
    isChanged ||= isThere || put !== undefined;
  }
  out.push(...entries.slice(at));
  return { entries: out, isChanged };
}

/** Distributes the edits to the children by key range. The first child also gets all smaller keys. */
function shared<E>(kind: TreeKind<E>, children: readonly Ref<E>[], edits: readonly Edit<E>[]): Edit<E>[][] {
  const shares: Edit<E>[][] = children.map(() => []);
  let child = 0;
  for (const edit of edits) {
    for (let next = children[child + 1]; next && kind.compare(next.first, edit.key) <= 0; next = children[child + 1])
      child++;
    shares[child]?.push(edit);
  }
  return shares;
}
