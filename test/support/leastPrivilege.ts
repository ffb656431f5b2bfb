import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { grantsOf } from '../../deploy/access';
import { everything } from '../../src/graph/capabilities';
import { DocumentClient } from '../../src/stores/documentClient';

/**
 * In tests DynamoDB lets everybody do everything; on AWS a role lets each process do what its capabilities' grants
 * list. Here a
 * call that comes from a route or from an activity (as its stack says, which goes through every await) is refused when
 * the role of that process would refuse it. `LONGWATCH_RECORD_GRANTS=<file>` also writes down what was used.
 */
export function enforceGrants(): void {
  // Not where something else than a test uses this and measures time.
  if (enforced || process.env['JEST_WORKER_ID'] === undefined) return;
  enforced = true;
  const { send } = DocumentClient.prototype;
  DocumentClient.prototype.send = function (this: DocumentClient, ...args: Parameters<typeof send>) {
    const from = callers();
    for (const call of callsOf(args[0].constructor.name, args[0].input as Input))
      for (const process of from) {
        if (process.recorded) record(process.role, call);
        if (!grants[process.role].get(call.where)?.includes(call.action)) {
          refused.add(`${process.role}: ${call.action} on ${call.where}`);
          // As AWS says it, so that nobody takes it for something that passes.
          const refusal = Object.assign(
            new Error(
              `The role of ${process.role} may not ${call.action} on ${call.where}: see the grants of its capability`,
            ),
            { name: 'AccessDeniedException', $fault: 'client' },
          );
          return Promise.reject(refusal);
        }
      }
    return send.apply(this, args);
  };
}

let enforced = false;
const refused = new Set<string>();

/** What was refused since the last time: also where somebody swallowed it, as metrics do. @throws Error naming each. */
export function expectNothingRefused(): void {
  const all = [...refused];
  refused.clear();
  if (all.length > 0) throw new Error(`The capabilities' grants lack what was called:\n  ${all.join('\n  ')}`);
}
const grants = { api: grantsOf('api', everything), worker: grantsOf('worker', everything) };
type Role = keyof typeof grants;

type Input = {
  TableName?: string;
  IndexName?: string;
  RequestItems?: Record<string, unknown>;
  TransactItems?: Record<string, { TableName: string }>[];
};
interface Call {
  /** Table, or Table/Index. */
  where: string;
  action: string;
}

/** From `GetCommand` and the like, and from the low-level `GetItemCommand`. */
const actionOf = (command: string): string => {
  const name = command.replace(/Command$/, '');
  if (/^(Get|Put|Update|Delete)$/.test(name)) return `${name}Item`;
  return /^Batch(Get|Write)$/.test(name) ? `${name}Item` : name;
};
const ofTransact = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
  Get: 'GetItem',
} as const;

const names = Object.keys(everything.tables);
/** Without its prefix; undefined: none of ours. */
const logical = (physical: string): string | undefined => names.find((name) => physical.endsWith(`-${name}`));

export function callsOf(command: string, { TableName, IndexName, RequestItems, TransactItems }: Input): Call[] {
  const call = (table: string, action: string, index?: string): Call[] => {
    const name = logical(table);
    return name === undefined ? [] : [{ where: index === undefined ? name : `${name}/${index}`, action }];
  };
  if (TransactItems)
    return TransactItems.flatMap((item) =>
      Object.entries(item).flatMap(([kind, { TableName: table }]) =>
        call(table, ofTransact[kind as keyof typeof ofTransact]),
      ),
    );
  if (RequestItems) return Object.keys(RequestItems).flatMap((table) => call(table, actionOf(command)));
  return TableName === undefined ? [] : call(TableName, actionOf(command), IndexName);
}

/** Folders of ours: packages have a `src/api` as well. */
const [API, ACTIVITIES] = ['api', 'activities'].map((floor) => `${join(__dirname, '..', '..', 'src', floor)}/`) as [
  string,
  string,
];

const GROUPED = join('operations', 'fraud', 'groupedDecisionStore.ts');

/** Whose call this is; nobody's where a test makes it. */
function callers(): { role: Role; recorded: boolean }[] {
  const files = filesOfStack();
  const recorded = process.env['LONGWATCH_RECORD_GRANTS'] !== undefined;
  // The calls of groups are made after the turn of the requests; requests and the stream share that code.
  if (files.some((file) => file.endsWith(GROUPED)))
    return [
      { role: 'api', recorded },
      { role: 'worker', recorded },
    ];
  // A dead letter that is re-driven by request goes through an activity's code, in the API.
  if (files.some((file) => file.startsWith(API))) return [{ role: 'api', recorded }];
  return files.some((file) => file.startsWith(ACTIVITIES)) ? [{ role: 'worker', recorded }] : [];
}

/** The files of the calls that led here. The text of a stack, with source maps, costs more than a DynamoDB call. */
function filesOfStack(): string[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.stackTraceLimit = 200;
  Error.prepareStackTrace = (_, sites) => sites.map((site) => site.getFileName() ?? '');
  const files = new Error('where').stack as unknown as string[];
  Error.prepareStackTrace = prepareStackTrace;
  Error.stackTraceLimit = stackTraceLimit;
  return files;
}

const written = new Set<string>();
function record(role: Role, { where, action }: Call): void {
  const line = `${role} ${where} ${action}`;
  if (written.has(line)) return;
  written.add(line);
  appendFileSync(process.env['LONGWATCH_RECORD_GRANTS'] as string, `${line}\n`);
}
