import type request from 'supertest';
import { cartWorkflowId, checkoutWorkflowId } from '../../src/domain/carts/workflows';
import { investigationId } from '../../src/domain/fraud/workflows';
import { seasonId } from '../../src/domain/leaderboards/workflows';
import type { Who } from './graph';
import { payment } from './payment';

/** A lifecycle with a row: how it is opened, and what its row says in the end. */
export interface Rowed {
  by: 'row';
  /** @param name A word that is another one for each. With `*` at the end where only the beginning is known. */
  idOf(name: string): string;
  open(name: string): Promise<unknown>;
  /** What a person does, again and again until the row is ended. Nothing, where time alone ends it. */
  act?(name: string): Promise<unknown>;
  /** What the API shows of the row; `isOpen` while a workflow is needed. */
  read(name: string): Promise<{ isOpen: boolean; row: object }>;
  /** Of every row in the end, wherever its workflow was terminated. */
  end: object;
  /** It never waits for time or people. */
  isBusy?: true;
}

export type Ask = (who: Who, method: 'get' | 'post' | 'put' | 'delete', path: string, body?: object) => request.Test;

/** Lifecycles of every type with rows, by the API and its quick settings. */
export function rowedLifecycles(ask: Ask) {
  const others = { season: season(ask), turn: turn(ask), eraseDevice: erasure(ask) };
  return { investigation: investigation(ask), ...shopping(ask), ...others };
}

interface ReadCase {
  status?: string;
  timeline?: { kind: string }[];
}

function investigation(ask: Ask): Rowed {
  const path = (name: string) => `/v1/investigations/tx-${name}`;
  const read = async (name: string) => (await ask('ana', 'get', path(name))).body as ReadCase;
  return {
    by: 'row',
    idOf: (name) => investigationId(`tx-${name}`),
    async open(name) {
      const made = payment({ transactionId: `tx-${name}`, merchantId: 'review' });
      await ask('service', 'post', '/v1/transactions', made).expect(200);
    },
    async act(name) {
      // Refused with 409 as long as the workflow is gone. A decision that is the same is no new one for a minute.
      const decision = { decision: 'fraud', note: String(Date.now()) };
      if ((await read(name)).status === 'waiting') await ask('ana', 'post', `${path(name)}/decide`, decision);
    },
    async read(name) {
      const { status, timeline = [] } = await read(name);
      const { label, hold } = (await ask('service', 'get', `/v1/transactions/tx-${name}`)).body;
      const closings = timeline.filter(({ kind }) => kind === 'closed').length;
      return { isOpen: status !== 'closed-fraud', row: { status, label, hold, closings } };
    },
    end: { status: 'closed-fraud', label: 'fraud', hold: 'final', closings: 1 },
  };
}

function shopping(ask: Ask): { cart: Rowed; checkout: Rowed } {
  const put = (user: string) => ask('service', 'put', `/v1/carts/${user}/items/book`, { quantity: 1 });
  return {
    cart: {
      by: 'row',
      idOf: (name) => cartWorkflowId(name, 1),
      open: async (name) => put(name),
      async read(name) {
        const { status } = (await ask('service', 'get', `/v1/carts/${name}`)).body;
        const { items } = (await ask('admin', 'get', `/v1/notifications?recipient=${name}`)).body;
        // One whose workflow was gone at the time of its reminder gets none.
        return { isOpen: status === 'open', row: { status, isRemindedTwice: items.length > 1 } };
      },
      end: { status: 'abandoned', isRemindedTwice: false },
    },
    checkout: {
      by: 'row',
      idOf: checkoutWorkflowId,
      async open(name) {
        await put(`of-${name}`);
        await ask('service', 'post', `/v1/carts/of-${name}/checkout`, { checkoutId: name }).expect(201);
      },
      async read(name) {
        const { status, endedAt } = (await ask('service', 'get', `/v1/checkouts/${name}`)).body;
        // It is shown as expired from the end of its hold on, and has ended when its stock is back.
        return { isOpen: endedAt === undefined, row: { status } };
      },
      end: { status: 'expired' },
    },
  };
}

function season(ask: Ask): Rowed {
  return {
    by: 'row',
    idOf: (name) => seasonId(name, 1),
    async open(name) {
      const seasons = { endsAt: new Date(Date.now() + 4_000).toISOString(), graceSeconds: 0 };
      await ask('admin', 'put', `/v1/boards/${name}`, { operator: 'best', seasons }).expect(201);
    },
    async read(name) {
      const { items } = (await ask('service', 'get', `/v1/boards/${name}/seasons`)).body;
      const first = (items as { number: number; status: string }[]).find(({ number }) => number === 1);
      // A final season has its archive to write: it needs its workflow to the end.
      return { isOpen: true, row: { status: first?.status } };
    },
    end: { status: 'final' },
  };
}

function turn(ask: Ask): Rowed {
  return {
    by: 'row',
    idOf: (name) => `turn/${name}/1`,
    async open(name) {
      const readers = [`${name}-a`, `${name}-b`];
      for (const user of [name, ...readers]) await ask('service', 'put', `/v1/users/${user}`, { name: user });
      for (const reader of readers) await ask('service', 'put', `/v1/users/${reader}/following/${name}`);
    },
    async read(name) {
      const { spread } = (await ask('service', 'get', `/v1/users/${name}`)).body;
      return { isOpen: spread === 'rising', row: { spread } };
    },
    end: { spread: 'pull' },
    isBusy: true,
  };
}

function erasure(ask: Ask): Rowed {
  return {
    by: 'row',
    idOf: (name) => `erase/${name}/*`,
    open: (name) => ask('admin', 'delete', `/v1/devices/${name}`).expect(202),
    async read(name) {
      const { erasingSince, erasedAt } = (await ask('admin', 'get', `/v1/devices/${name}`)).body;
      return { isOpen: erasingSince !== undefined, row: { erasingSince, erasedAt } };
    },
    end: { erasingSince: undefined, erasedAt: expect.any(String) },
  };
}
