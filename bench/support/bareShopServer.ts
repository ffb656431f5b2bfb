import express from 'express';
import { bareAdd, bareClient, bareRead } from './bareShop';

/** Serves the bare calls through HTTP in its own process, to measure the cost of any API in front of them. */
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
