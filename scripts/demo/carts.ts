import type { Demo } from './scene';

const demonstration: Demo = {
  name: 'carts',
  says: 'Carts, stock that is never oversold, and orders that are created once',
  seconds: 2,
  async run(scene) {
    const productId = `demo-${scene.run}-lamp`;
    const [ada, ben, eva] = ['ada', 'ben', 'eva'].map((name) => `demo-${scene.run}-${name}`) as [
      string,
      string,
      string,
    ];
    scene.say('There are three lamps in stock. Ada and Ben each check out two at the same time.');
    await scene.show(
      'PUT',
      `/v1/products/${productId}`,
      { body: { title: 'Desk lamp', price: 4_999, currency: 'EUR', stockOnHand: 3 } },
      ({ body }) => `on hand ${body.stock?.onHand ?? 3}`,
    );
    for (const user of [ada, ben])
      await scene.call('PUT', `/v1/carts/${user}/items/${productId}`, { body: { quantity: 2 } });
    const tried = await Promise.all(
      [ada, ben].map((user) =>
        scene.show('POST', `/v1/carts/${user}/checkout`, { body: {}, expect: [201, 409] }, ({ status, body }) =>
          status === 201 ? `holds two until ${body.holdUntil.slice(11, 19)}` : body.errors[0].message,
        ),
      ),
    );
    const held = tried.find(({ status }) => status === 201)?.body;
    await scene.show('GET', `/v1/products/${productId}`, {}, ({ body }) => JSON.stringify(body.stock));

    scene.say('The payment succeeds, and the shop sends its confirmation twice.');
    for (let i = 0; i < 2; i++)
      await scene.show(
        'POST',
        `/v1/checkouts/${held.checkoutId}/confirm`,
        { body: { paymentReference: `pay-${scene.run}` } },
        ({ body }) => `${body.status}, order ${body.orderId}`,
      );
    await scene.show(
      'POST',
      `/v1/checkouts/${held.checkoutId}/confirm`,
      { body: { paymentReference: `pay-${scene.run}-again` }, expect: [409] },
      () => 'a second payment: listed as a refund due',
    );

    scene.say('Eva fills a cart and leaves.');
    await scene.show(
      'PUT',
      `/v1/carts/${eva}/items/${productId}`,
      { body: { quantity: 1 } },
      ({ body }) => `${body.title ?? 'Desk lamp'}, ${body.quantity ?? 1}`,
    );
    scene.look(
      'The workflow of her cart sends reminders after 1 h, 24 h and 72 h, not at night, and closes it after 30 days:',
      `cart/${eva}/1`,
    );
    scene.look('The workflow of the checkout, which waits for the end of the hold:', `checkout/${held.checkoutId}`);
    const { body: stats } = await scene.call('GET', '/v1/stats/carts');
    console.log(`    GET /v1/stats/carts: ${JSON.stringify(stats)}`);
    return '4 lamps requested, 3 in stock: one buyer got two, the other a 409; one order for two confirmations';
  },
};

export const demo = (): Demo => demonstration;
