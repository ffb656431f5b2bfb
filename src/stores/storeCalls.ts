import { childSpan, SpanKind } from '../telemetry/spans';
import type { DocumentSender } from './documentClient';
import { type Command, itemOperation } from './itemOperations';
import { isUnavailable, isConditionFailure, storeFailureOf, typedStoreFailure } from './failures';
import { logicalName } from './tableSpec';

/** One call to DynamoDB, for metrics and for the tests that assert what an operation costs. */
export interface StoreCall {
  /** `TransactWriteItems`, `BatchGetItem`, … */
  operation: string;
  /** Table names without their prefix. */
  tables: readonly string[];
  seconds: number;
  /** Consumed read units of all tables of the call. Transactional calls count double, as AWS bills them. */
  readUnits: number;
  /** Consumed write units, counted in the same way. */
  writeUnits: number;
  /** Consumed units by table. */
  unitsByTable: Readonly<Record<string, number>>;
  failed: boolean;
  /** Whether DynamoDB will never accept this request. */
  refused?: boolean;
}

/**
 * Measures and traces every call of a client, and classifies every failure (`StoreFailure`) in one place for all
 * stores. `away` and `refused` become typed errors. A race passes unchanged, because only the store that set the
 * condition knows which race it lost.
 * @param onCall receives each call. Absent: the calls do not request the consumed units.
 */
export function watchedSender(
  sender: DocumentSender,
  tablePrefix: string,
  onCall?: (call: StoreCall) => void,
): DocumentSender {
  const send = (command: Command, options?: object): Promise<object> => {
    const operation = itemOperation(command);
    if (operation && onCall) (command.input as { ReturnConsumedCapacity?: string }).ReturnConsumedCapacity = 'TOTAL';
    const call = new CallInProgress(operation ?? command.constructor.name.replace(/Command$/, ''), command.input, {
      tablePrefix,
      onCall,
    });
    return call.run(() => sender.send(command as never, options as never));
  };
  return { send: send as DocumentSender['send'] };
}

/** One call. It is reported once, as answered or as failed. */
class CallInProgress {
  private readonly tables: readonly string[];
  private readonly started = performance.now();

  constructor(
    private readonly operation: string,
    input: object,
    private readonly to: { tablePrefix: string; onCall: ((call: StoreCall) => void) | undefined },
  ) {
    this.tables = tablesOf(input).map((name) => logicalName(to.tablePrefix, name));
  }

  /** Sends the call and reports it. @throws the typed failure; a race as DynamoDB reported it. */
  async run<R extends object>(send: () => Promise<R>): Promise<R> {
    const attributes = {
      'db.system.name': 'aws.dynamodb',
      'db.operation.name': this.operation,
      'aws.dynamodb.table_names': [...this.tables],
    };
    try {
      const result = await childSpan(
        `DynamoDB ${this.operation}`,
        { kind: SpanKind.CLIENT, attributes, isFault: (error) => !isConditionFailure(error) },
        send,
      );
      this.report(consumed(result, this.to.tablePrefix), { failed: false });
      return result;
    } catch (error) {
      throw this.failed(error);
    }
  }

  /** Reports a failure. @returns the error to throw. */
  private failed(error: unknown): unknown {
    // A missing or existing table is a valid answer to a call about tables, and its caller handles it.
    if (isAboutTables(this.operation) && !isUnavailable(error)) {
      this.report({}, { failed: true });
      return error;
    }
    const failure = storeFailureOf(error);
    this.report({}, { failed: failure !== 'race', ...(failure === 'refused' && { refused: true }) });
    return typedStoreFailure(error);
  }

  private report(unitsByTable: Readonly<Record<string, number>>, outcome: Pick<StoreCall, 'failed' | 'refused'>): void {
    const units = Object.values(unitsByTable).reduce((sum, one) => sum + one, 0);
    const isRead = /^(Get|BatchGet|Query|Scan|TransactGet)/.test(this.operation);
    this.to.onCall?.({
      operation: this.operation,
      tables: this.tables,
      seconds: (performance.now() - this.started) / 1000,
      readUnits: isRead ? units : 0,
      writeUnits: isRead ? 0 : units,
      unitsByTable,
      ...outcome,
    });
  }
}

/**
 * Whether the call is about tables (`DescribeTable`, `UpdateTimeToLive`, …). The callers handle the errors of these
 * calls.
 */
const isAboutTables = (operation: string): boolean => /Table|TimeToLive/.test(operation);

interface Consumed {
  TableName?: string;
  CapacityUnits?: number;
}

/** Returns the consumed units by table. The response to a call of several tables has a list. */
function consumed(output: unknown, tablePrefix: string): Record<string, number> {
  const given = (output as { ConsumedCapacity?: Consumed | Consumed[] }).ConsumedCapacity ?? [];
  const units: Record<string, number> = {};
  for (const { TableName = '', CapacityUnits = 0 } of Array.isArray(given) ? given : [given]) {
    const name = logicalName(tablePrefix, TableName);
    units[name] = (units[name] ?? 0) + CapacityUnits;
  }
  return units;
}

/** Returns the distinct tables of a call. */
function tablesOf(input: object): string[] {
  const {
    TableName,
    RequestItems = {},
    TransactItems = [],
  } = input as {
    TableName?: string;
    RequestItems?: Record<string, unknown>;
    TransactItems?: Record<string, { TableName?: string }>[];
  };
  const names = [
    TableName,
    ...Object.keys(RequestItems),
    ...TransactItems.flatMap((item) => Object.values(item).map((part) => part.TableName)),
  ];
  return [...new Set(names.filter((name) => name !== undefined))];
}
