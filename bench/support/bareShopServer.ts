import express from 'express';
import { bareAdd, bareClient, bareRead } from './bareShop';

/** The bare calls behind HTTP, in a process of their own as the product is: what any API in front of them costs. */
const client = bareClient(process.argv[2]!);
const app = express();
app.put('/:user/:product', express.json(), (request, response, next) => {
  bareAdd(client, request.params.user, request.params.product).then(() => response.json({}), next);
});
app.get('/:user', (request, response, next) => {
  bareRead(client, request.params.user).then((items) => response.json(items), next);
});
const server = app.listen(0, '127.0.0.1', () => process.send?.((server.address() as { port: number }).port));
process.once('disconnect', () => process.exit(0));
