/**
 * A search tree whose nodes are never changed: an edit makes new nodes along its paths and a new root, so that whoever
 * holds a root sees one state for as long as its nodes are kept. Every reference counts the entries below it, which is
 * what makes ranks cheap: a rank is a sum along one path.
 */
export type Node<E> = { entries: readonly E[] } | { children: readonly Ref<E>[] };

export interface Ref<E> {
  id: string;
  /** Entries below. */
  count: number;
  /** Entries or children of the node itself. */
  size: number;
  /** No entry below comes before this one; its key only. */
  first: E;
}

/** What kind of tree it is. */
export interface TreeKind<E> {
  compare(a: E, b: E): number;
  /** The part of an entry that it is ordered by. */
  key(entry: E): E;
  /** Entries, or children, of a node at most. */
  max: number;
}

/**
 * Puts an entry, in the place of one with the same key, or removes that. Removing what is not there changes nothing.
 */
export interface Edit<E> {
  key: E;
  put?: E;
}

export type Load<E> = (id: string) => Promise<Node<E>>;

/** Where an edit puts its new nodes, and what it leaves behind. */
export class Draft<E> {
  readonly created = new Map<string, Node<E>>();
  readonly dropped: string[] = [];

  constructor(private readonly newId: () => string) {}

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

  /** The node is no part of the tree any more. */
  drop(id: string): void {
    if (!this.created.delete(id)) this.dropped.push(id);
  }
}

/**
 * The tree after some edits; of several with one key the last counts. Loads the nodes on the edits' paths only.
 * @returns the new root, undefined when nothing is left.
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
  // A root with one child is that child.
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

  /** @returns what takes the node's place, all of its level. */
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

  /** As many as are needed, evenly filled and with room to grow. */
  pieces<T>(list: readonly T[]): T[][] {
    const { max } = this.kind;
    if (list.length === 0) return [];
    const count = list.length <= max ? 1 : Math.ceil(list.length / (max * 0.75));
    return Array.from({ length: count }, (_, i) =>
      list.slice(Math.round((i * list.length) / count), Math.round(((i + 1) * list.length) / count)),
    );
  }

  /**
   * Neighbours that together fill at most half a node become one: splits make two of more than half, so they stay
   * apart.
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
  // Sorting is stable, so the last given is the last of its key.
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

/** The edits by the child whose range they fall into; the first child's range begins before everything. */
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
