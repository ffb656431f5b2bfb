import { AsyncLocalStorage } from 'node:async_hooks';
import { defined } from '../domain/defined';

/** What the log lines of some work have in common: `requestId`, `workflowId`, `transactionId`, … */
export type Ids = Readonly<Record<string, string | number>>;

const current = new AsyncLocalStorage<Record<string, string | number>>();

/** Runs work of which every log line has these ids, beside those that are in force. */
export function withIds<T>(ids: Ids, work: () => T): T {
  return current.run({ ...current.getStore(), ...ids }, work);
}

/** Runs work that is of another request, or of none. */
export function withRequest<T>(requestId: string | undefined, work: () => T): T {
  const { requestId: _another, ...ids } = current.getStore() ?? {};
  return current.run({ ...ids, ...defined({ requestId }) }, work);
}

/** Ids that became known on the way: for the lines from here on, those of whoever began the work included. */
export function noteIds(ids: Ids): void {
  const store = current.getStore();
  if (store) Object.assign(store, ids);
}

export function currentIds(): Ids {
  return current.getStore() ?? {};
}
