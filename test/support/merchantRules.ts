import request from 'supertest';
import { bearer } from './graph';

/** The merchant alone says what is decided, so that every ladder can be asked for. */
export const merchantRules = {
  bands: [],
  rules: (['alert', 'review', 'block'] as const).map((outcome) => ({
    id: outcome,
    when: { field: 'transaction.merchantId', is: '==', value: outcome },
    outcome,
    reason: `MERCHANT_${outcome.toUpperCase()}`,
    text: `the merchant is there to be ${outcome}`,
  })),
};

/** From now on a payment is decided by its merchant's name. The API is an app of this process or a URL. */
export async function merchantDecides(
  api: Parameters<typeof request>[0],
  authorization = bearer('admin'),
): Promise<void> {
  const { headers } = await request(api)
    .get('/v1/rules')
    .set(...authorization)
    .expect(200);
  await request(api)
    .put('/v1/rules')
    .set(...authorization)
    .set('if-match', headers['etag']!)
    .send(merchantRules)
    .expect(200);
}
