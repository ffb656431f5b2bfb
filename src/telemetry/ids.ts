import { AsyncLocalStorage } from 'node:async_hooks';
import { defined } from '../domain/defined';

/** Ids that the log lines of some work share: `requestId`, `workflowId`, `transactionId`, … */
export type Ids = Readonly<Record<string, string | number>>;

const current = new AsyncLocalStorage<Record<string, string | number>>();

/** Runs work whose log lines contain these ids in addition to the current ones. */
export function withIds<T>(ids: Ids, work: () => T): T {
  return current.run({ ...current.getStore(), ...ids }, work);
}

/** Runs work under another request id, or under none. */
export function withRequest<T>(requestId: string | undefined, work: () => T): T {
  const { requestId: _another, ...ids } = current.getStore() ?? {};
  return current.run({ ...ids, ...defined({ requestId }) }, work);
}

/** Adds ids that became known during the work. They also appear in later log lines of the code that began it. */
export function noteIds(ids: Ids): void {
  const store = current.getStore();
  if (store) Object.assign(store, ids);
}

/** Returns the ids of the current work. */
export function currentIds(): Ids {
  return current.getStore() ?? {};
}
