import request from 'supertest';
import { bearer, type TestGraph } from './graph';

/** The merchant alone says what is decided, so that every ladder can be asked for. */
const rules = {
  bands: [],
  rules: (['alert', 'review', 'block'] as const).map((outcome) => ({
    id: outcome,
    when: { field: 'transaction.merchantId', is: '==', value: outcome },
    outcome,
    reason: `MERCHANT_${outcome.toUpperCase()}`,
    text: `the merchant is there to be ${outcome}`,
  })),
};

/** From now on a payment is decided by its merchant's name. */
export async function merchantDecides({ app }: TestGraph): Promise<void> {
  const { headers } = await request(app).get('/v1/rules').set(...bearer('admin')).expect(200);
  await request(app).put('/v1/rules').set(...bearer('admin')).set('if-match', headers['etag']!).send(rules).expect(200);
}
