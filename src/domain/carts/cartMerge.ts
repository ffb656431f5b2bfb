import { LongwatchError } from '../errors';
import { type Cart, MAX_LINES, MAX_QUANTITY, type MergePolicy, type MergeReport, visibleLines } from './cart';
import { type CartStep, type ChangeFacts, closed, withLines } from './cartChanges';

/**
 * Merges a guest's lines into a user's cart. If both have a line, the policy determines its quantity, and it keeps the
 * user's snapshot.
 * @throws LongwatchError `conflict` when there would be too many lines; then nothing is merged.
 */
export function mergeCarts(
  user: Cart | undefined,
  guest: Cart,
  policy: MergePolicy,
  facts: Pick<ChangeFacts, 'userId' | 'now'>,
): { step: CartStep; guest: Cart; report: MergeReport } {
  const lines = new Map(visibleLines(user).map((line) => [line.productId, line]));
  const report: MergeReport = { added: 0, combined: 0, clamped: [] };
  for (const line of visibleLines(guest)) {
    const own = lines.get(line.productId);
    const wanted = own ? combined(policy, own.quantity, line.quantity) : line.quantity;
    const kept = Math.min(wanted, MAX_QUANTITY);
    report[own ? 'combined' : 'added'] += 1;
    if (kept < wanted) report.clamped.push({ productId: line.productId, wanted, kept });
    lines.set(line.productId, { ...(own ?? line), quantity: kept });
  }
  if (lines.size > MAX_LINES)
    throw new LongwatchError(
      'conflict',
      `Together the carts have ${lines.size} lines, and a cart has at most ${MAX_LINES}; remove ` +
        `${lines.size - MAX_LINES} first`,
    );
  const { cart, counts } = closed(guest, 'merged');
  const step = withLines(user, [...lines.values()], facts);
  return {
    step: {
      ...step,
      counts: { ...step.counts, closed: (step.counts.closed ?? 0) + (counts.closed ?? 0), merged: counts.merged ?? 0 },
    },
    guest: { ...cart, merged: { into: facts.userId, report } },
    report,
  };
}

function combined(policy: MergePolicy, own: number, guests: number): number {
  switch (policy) {
    case 'sum':
      return own + guests;
    case 'max':
      return Math.max(own, guests);
    case 'keep':
      return own;
  }
}
