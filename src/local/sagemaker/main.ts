import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { startEndpointServer } from './server';

/** Runs the model's endpoint as a process, as the embedded stack and a SageMaker container do. */
async function main(): Promise<void> {
  const args = await yargs(hideBin(process.argv))
    .usage('Serves an XGBoost JSON model as a SageMaker endpoint and as a bring-your-own container')
    .option('host', { type: 'string', default: '127.0.0.1' })
    .option('port', { type: 'number', default: 8080 })
    .option('or-another', { type: 'boolean', default: false, describe: 'Use any free port if the port is taken' })
    .option('model', { type: 'string', default: 'model/fraud.json', describe: 'The model artefact' })
    .option('endpoint', { type: 'string', default: 'longwatch-fraud', describe: 'Name of the endpoint' })
    .option('also', {
      type: 'string',
      array: true,
      default: [] as string[],
      describe: 'Further models, as endpoint=path',
    })
    .strict()
    .help()
    .parseAsync();
  const server = await startEndpointServer({
    modelPath: args.model,
    host: args.host,
    port: args.port,
    orAnother: args.orAnother,
    endpointName: args.endpoint,
    more: Object.fromEntries(args.also.map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)])),
  });
  console.log(`listening on ${server.url}`);
  const stop = () => void server.close().then(() => process.exit(0));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
