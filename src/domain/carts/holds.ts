/** Held quantities by the end of their hold (epoch ms as text). */
export type Holds = Readonly<Record<string, number>>;

/**
 * The ends of holds are rounded up to a twentieth of the hold's duration. So a product has few different ends, and its
 * item stays small.
 */
const STEPS_A_HOLD = 20;

/** Returns the end (epoch ms) of a hold that begins now. */
export function holdEnd(now: number, holdMs: number): number {
  const step = Math.max(1, Math.ceil(holdMs / STEPS_A_HOLD));
  return Math.ceil((now + holdMs) / step) * step;
}

/** Returns the holds that have expired by an instant, whatever the status of their checkouts. */
export function expiredHolds({ holds }: { holds: Holds }, now: number): { end: string; quantity: number }[] {
  return Object.entries(holds)
    .filter(([end]) => Number(end) <= now)
    .map(([end, quantity]) => ({ end, quantity }));
}
