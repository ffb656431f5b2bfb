import { randomUUID } from 'node:crypto';
import request from 'supertest';
import { bearer } from './graph';

type Api = Parameters<typeof request>[0];

/** A product that no other test knows. The API is an app of this process or a URL. */
export async function product(
  api: Api,
  over: Record<string, unknown> = {},
  authorization = bearer('service'),
): Promise<string> {
  const productId = `product-${randomUUID()}`;
  await request(api)
    .put(`/v1/products/${productId}`)
    .set(...authorization)
    .send({ title: 'A book', price: 1_999, currency: 'EUR', stockOnHand: 10, ...over })
    .expect(200);
  return productId;
}

/** A user whom no other test knows, with a cart of these quantities. */
export async function cartOf(
  api: Api,
  quantities: Readonly<Record<string, number>>,
  userId = `user-${randomUUID()}`,
): Promise<string> {
  for (const [productId, quantity] of Object.entries(quantities))
    await request(api)
      .put(`/v1/carts/${userId}/items/${productId}`)
      .set(...bearer('service'))
      .send({ quantity })
      .expect(200);
  return userId;
}
