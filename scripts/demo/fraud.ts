import Table from 'cli-table3';
import { type Decision, outcomes } from '../../src/domain/fraud/decision';
import { type SimulatedTransaction, simulate } from '../../src/domain/fraud/simulation';
import type { Demo, DemoArguments } from './scene';

const DAY_MS = 86_400_000;
/** No colours, so that the output also suits files. */
const style = { head: [], border: [] };

const bodyOf = ({ transaction }: SimulatedTransaction) => ({
  ...transaction,
  timestamp: new Date(transaction.timestamp).toISOString(),
});

/** Returns the demo of fraud: simulated payments, some of them fraud, and the investigations that they open. */
export const demo = ({ customers, days }: DemoArguments): Demo => ({
  name: 'fraud',
  says: 'Payments decided in milliseconds, and cases for investigators',
  seconds: 45,
  async run(scene) {
    const start = Math.floor(Date.now() / DAY_MS) * DAY_MS - days * DAY_MS;
    const payments = [
      ...simulate({
        seed: Date.now() % 100_000,
        customers,
        merchants: 60,
        days,
        start,
        fraudRate: 0.006,
        prefix: `demo-${scene.run}-`,
      }),
    ]
      // The simulated payments of a day can continue after its end, and the API refuses payments in the future.
      .filter(({ transaction }) => transaction.timestamp <= Date.now());
    scene.say(`The payments of ${customers} customers over ${days} days, including several kinds of fraud.`);
    const counts = new Map<string, { genuine: number; fraud: number }>(
      outcomes.map((outcome) => [outcome, { genuine: 0, fraud: 0 }]),
    );
    const kinds = new Map<string, { stopped: number; all: number }>();
    const open: { payment: SimulatedTransaction; decision: Decision }[] = [];
    await scene.each('deciding', payments, async (payment) => {
      const { body } = await scene.call('POST', '/v1/transactions', { body: bodyOf(payment) });
      const decision = body as Decision;
      const count = counts.get(decision.outcome);
      if (count) count[payment.fraud ? 'fraud' : 'genuine'] += 1;
      if (payment.scenario) {
        const { stopped, all } = kinds.get(payment.scenario) ?? { stopped: 0, all: 0 };
        kinds.set(payment.scenario, { stopped: stopped + Number(decision.outcome !== 'approve'), all: all + 1 });
      }
      if (decision.investigationId) open.push({ payment, decision });
    });
    const table = new Table({ head: ['outcome', 'genuine payments', 'frauds'], style });
    for (const [outcome, { genuine, fraud: frauds }] of counts) table.push([outcome, genuine, frauds]);
    console.log(table.toString());
    const byKind = new Table({ head: ['kind of fraud', 'payments', 'not approved'], style });
    for (const [kind, { stopped, all }] of [...kinds].sort()) byKind.push([kind, all, stopped]);
    console.log(byKind.toString());

    const [sent] = payments;
    if (sent) {
      scene.say('The same payment again, and a different one with the same id.');
      await scene.show(
        'POST',
        '/v1/transactions',
        { body: bodyOf(sent) },
        ({ headers }) => `replayed: ${headers.get('idempotent-replayed')}`,
      );
      await scene.show(
        'POST',
        '/v1/transactions',
        { body: { ...bodyOf(sent), amount: sent.transaction.amount + 1 }, expect: [409] },
        ({ body }) => body.title,
      );
    }

    scene.say(`${open.length} investigations are open.`);
    const cases = new Table({ head: ['outcome', 'score', 'simulated as', 'case'], style });
    for (const { payment, decision } of open.slice(0, 8))
      cases.push([
        decision.outcome,
        decision.score?.toFixed(2) ?? '–',
        payment.scenario ?? 'genuine',
        scene.link(`investigation/${decision.transactionId}`),
      ]);
    if (open.length > 0) console.log(cases.toString());
    const review = open.find(({ decision }) => decision.outcome !== 'alert');
    if (review) {
      const id = review.decision.transactionId;
      scene.say('The demo decides one of them through the API.');
      await scene.until(
        'the case waits for an investigator',
        () => scene.call('GET', `/v1/investigations/${id}`),
        ({ body }) => body.status !== 'scoring',
        { aboutSeconds: 2 },
      );
      const decision = review.payment.fraud ? 'fraud' : 'genuine';
      await scene.show(
        'POST',
        `/v1/investigations/${id}/decide`,
        { body: { decision, note: 'decided by the demo' } },
        ({ body }) => `${body.status}: ${body.message}`,
      );
    }
    return (
      `${payments.length} payments decided, ${open.length} cases opened, ` +
      `${[...kinds.values()].reduce((sum, { stopped }) => sum + stopped, 0)} of ` +
      `${[...kinds.values()].reduce((sum, { all }) => sum + all, 0)} fraudulent payments not approved`
    );
  },
});
