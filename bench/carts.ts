import { fork } from 'node:child_process';
import { join } from 'node:path';
import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import Table from 'cli-table3';
import { readAddresses } from '../src/local/addresses';
import { LOCAL_CREDENTIALS } from '../src/config/endpoints';
import { dynamoDBClient, openDb, type StoreCall } from '../src/stores/dynamodb';
import { buildShop } from '../test/support/checkouts';
import { removeDataDir, startLongwatch } from '../test/support/stack';
import { unitsOfCarts } from './cartCosts';
import { bar as startBar } from './support/bar';
import { BARE_ITEMS, BARE_TABLE, bareAdd, bareCheckout, bareClient, bareRead, TITLE } from './support/bareShop';
import { call, closeConnections } from './support/http';
import { latenciesInTurn, median, ms, percentile, ratio } from './support/measure';
import type { Reached } from './support/targets';
import { everything } from '../src/graph/capabilities';

export interface CartBenchSettings {
  rounds: number;
  samples: number;
  checkouts: number;
}

const USERS = 300;
const PRODUCTS = Array.from({ length: 200 }, (_, i) => `product-${i}`);
const LINES = 3;
const AT_ONCE = 8;
const HOUR_MS = 3_600_000;

/**
 * Measures the requests of customers in four ways: the operation in this process, the same through the HTTP API, the
 * bare calls to the same DynamoDB (the baseline), and the bare calls behind a bare HTTP server. The four take turns, so
 * that noise of the machine affects all alike.
 */
export async function benchCarts({ rounds, samples, checkouts }: CartBenchSettings): Promise<Reached[]> {
  const stack = await startLongwatch({ TEMPORAL_UI_PORT: '0', LONGWATCH_PRODUCT_CACHE_MS: String(HOUR_MS) });
  const { parts } = readAddresses(stack.dataDir)!;
  const bare = bareClient(parts.DynamoDB);
  const server = fork(join(__dirname, 'support', 'bareShopServer.ts'), [parts.DynamoDB], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const client = dynamoDBClient({ region: 'us-east-1', endpoint: parts.DynamoDB, credentials: LOCAL_CREDENTIALS });
  try {
    const bareUrl = `http://127.0.0.1:${await new Promise((resolve) => server.once('message', resolve))}`;
    const calls: StoreCall[] = [];
    const db = openDb(client, 'longwatch-', everything.tables, (one) => void (counting && calls.push(one)));
    const shop = buildShop(db, Date.now, { holdMs: HOUR_MS, productCacheMs: HOUR_MS });
    for (const productId of PRODUCTS)
      await shop.products.put({ productId, title: TITLE, price: 1_999, currency: 'EUR', stockOnHand: 1_000_000 });
    await createBareTables(bare);

    const userOf = (i: number) => `user-${i % USERS}`;
    const productOf = (i: number) => PRODUCTS[Math.floor(i / USERS) % LINES]!;
    const through = async (method: 'GET' | 'PUT', path: string, body?: string) => {
      const { status, text } = await call(method, new URL(path, stack.url), stack.key, body);
      if (status !== 200) throw new Error(`${status}: ${text}`);
    };
    const adding = {
      operation: async (i: number) =>
        void (await shop.carts.change(userOf(i), { kind: 'add', productId: productOf(i), quantity: 1 })),
      bare: (i: number) => bareAdd(bare, userOf(i), productOf(i)),
      http: (i: number) => through('PUT', `/v1/carts/${userOf(i)}/items/${productOf(i)}`, '{"add":1}'),
      bareHttp: async (i: number) =>
        void (await call('PUT', new URL(`/${userOf(i)}/${productOf(i)}`, bareUrl), stack.key, '{"add":1}')),
    };
    const reading = {
      operation: async (i: number) => void (await shop.store.read(userOf(i))),
      bare: async (i: number) => void (await bareRead(bare, userOf(i))),
      http: (i: number) => through('GET', `/v1/carts/${userOf(i)}`),
      bareHttp: async (i: number) => void (await call('GET', new URL(`/${userOf(i)}`, bareUrl), stack.key)),
    };
    // Fill all carts before the measurement.
    for (let i = 0; i < USERS * LINES; i++) await Promise.all([adding.operation(i), adding.bare(i)]);
    const measured = { adding: series(), reading: series() };
    const checkedOut: { product: number[]; bare: number[] } = { product: [], bare: [] };
    const bar = startBar('rounds', rounds);
    for (let round = -1; round < rounds; round++) {
      for (const [into, kind] of [
        [measured.adding, adding],
        [measured.reading, reading],
      ] as const) {
        const taken = await latenciesInTurn(samples, kind);
        // The first round is not counted: it compiles code and opens connections.
        if (round >= 0) for (const name of Object.keys(into) as (keyof Series)[]) into[name].push(taken[name]);
      }
      const buyers = await newBuyers(shop, checkouts);
      const [product, floor] = await ratesInTurn(
        buyers,
        async (user) => {
          const { checkout } = await shop.checkouts.begin(user, {});
          await shop.checkouts.confirm(checkout.checkoutId, 'pay');
        },
        (user, i) => bareCheckout(bare, `co-${user}`, user, productsOf(i)),
      );
      if (round < 0) continue;
      checkedOut.product.push(product);
      checkedOut.bare.push(floor);
      bar.increment();
    }
    bar.stop();
    report(measured, checkedOut);
    counting = true;
    await unitsOfCarts(shop, calls);
    return Object.entries(measured).map(([what, of]) => ({
      what: `carts: ${what} through HTTP, p50 over the bare call behind a bare HTTP server`,
      atMost: 1.15,
      reached: perRound(of.http.map(median), of.bareHttp.map(median)),
    }));
  } finally {
    server.kill();
    client.destroy();
    bare.destroy();
    closeConnections();
    await stack.stop();
    removeDataDir(stack.dataDir);
  }
}

type Series = Record<'operation' | 'bare' | 'http' | 'bareHttp', number[][]>;
const series = (): Series => ({ operation: [], bare: [], http: [], bareHttp: [] });

const productsOf = (i: number): string[] =>
  Array.from({ length: LINES }, (_, line) => PRODUCTS[(i * LINES + line) % PRODUCTS.length]!);

let counting = false;
let buyersSoFar = 0;

async function newBuyers(shop: ReturnType<typeof buildShop>, count: number): Promise<string[]> {
  const buyers = Array.from({ length: count }, () => `buyer-${buyersSoFar++}`);
  for (const [i, user] of buyers.entries())
    for (const productId of productsOf(i)) await shop.carts.change(user, { kind: 'set', productId, quantity: 1 });
  return buyers;
}

type OfBuyer = (user: string, i: number) => Promise<void>;

/**
 * Measures checkouts per second of two implementations, with concurrent buyers. The two take turns after every few
 * buyers.
 */
async function ratesInTurn(users: readonly string[], ...kinds: [OfBuyer, OfBuyer]): Promise<[number, number]> {
  const seconds: [number, number] = [0, 0];
  for (let from = 0; from < users.length; from += 3 * AT_ONCE)
    for (const [kind, checkout] of kinds.entries()) {
      const started = performance.now();
      const indices = users.slice(from, from + 3 * AT_ONCE).map((_, i) => from + i);
      const lane = async () => {
        for (let i = indices.shift(); i !== undefined; i = indices.shift()) await checkout(users[i]!, i);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, lane));
      seconds[kind as 0 | 1] += (performance.now() - started) / 1000;
    }
  return [users.length / seconds[0], users.length / seconds[1]];
}

async function createBareTables(client: DynamoDBDocumentClient): Promise<void> {
  const S = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' as const });
  await client.send(
    new CreateTableCommand({
      TableName: BARE_TABLE,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [S('UserID'), S('ProductID')],
      KeySchema: [
        { AttributeName: 'UserID', KeyType: 'HASH' },
        { AttributeName: 'ProductID', KeyType: 'RANGE' },
      ],
    }),
  );
  await client.send(
    new CreateTableCommand({
      TableName: BARE_ITEMS,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [S('ID')],
      KeySchema: [{ AttributeName: 'ID', KeyType: 'HASH' }],
    }),
  );
  for (const product of PRODUCTS)
    await client.send(
      new PutCommand({
        TableName: BARE_ITEMS,
        Item: { ID: `product#${product}`, OnHand: 1_000_000, Held: 0, Sold: 0 },
      }),
    );
}

/** Returns the median over the rounds of the ratio of two figures. */
const perRound = (a: readonly number[], b: readonly number[]): number => median(a.map((value, i) => value / b[i]!));

function report(
  measured: Record<'adding' | 'reading', Series>,
  checkedOut: { product: number[]; bare: number[] },
): void {
  const names = {
    operation: 'Longwatch, the operation',
    bare: 'baseline: the bare call',
    http: 'Longwatch through HTTP',
    bareHttp: 'the bare call through HTTP',
  };
  for (const [what, of] of Object.entries(measured)) {
    const table = new Table({ head: [what, 'p50', 'p95', 'p99'], style: { head: [], border: [] } });
    for (const [name, taken] of Object.entries(of) as [keyof typeof names, number[][]][]) {
      const all = taken.flat();
      table.push([names[name], ms(percentile(all, 50)), ms(percentile(all, 95)), ms(percentile(all, 99))]);
    }
    const p50 = (name: keyof Series) => of[name].map(median);
    console.log(`\n${table.toString()}`);
    console.log(
      `  p50 of the operation over the bare call           ${ratio(perRound(p50('operation'), p50('bare')))}  ` +
        '(target: at most 1.3)',
    );
    console.log(`  p50 through HTTP over the bare call through HTTP  ${ratio(perRound(p50('http'), p50('bareHttp')))}`);
    console.log(`  p50 through HTTP over the bare call               ${ratio(perRound(p50('http'), p50('bare')))}`);
  }
  console.log(
    `\nCheckouts of ${LINES} lines, held and confirmed, ${AT_ONCE} at a time: ` +
      `${median(checkedOut.product).toFixed(0)} per second, the bare transactions ` +
      `${median(checkedOut.bare).toFixed(0)}; ${ratio(perRound(checkedOut.product, checkedOut.bare))}`,
  );
}
