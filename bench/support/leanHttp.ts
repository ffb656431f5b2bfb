import { connect, type Socket } from 'node:net';

/** The parts of an answer that the load generator needs. */
export interface LeanAnswer {
  /** 0: the connection was lost. */
  status: number;
  /** Seconds; undefined if the answer has none. */
  retryAfter: number | undefined;
  /** Shed by admission control; other 503s mean that a dependency or a deadline failed. */
  isOverloaded: boolean;
  /**
   * Shed after waiting in the admission queue. Such an answer has a request id; the answer to a request that is shed on
   * arrival has none.
   */
  hasWaited: boolean;
}

interface Connection {
  socket: Socket;
  received: string;
  onAnswer: ((answer: LeanAnswer) => void) | undefined;
}

const HEAD_END = '\r\n\r\n';

/**
 * A minimal HTTP/1.1 client that sends a request and reads the status of its answer. It needs a tenth of the CPU of
 * `node:http`, so that a generator can offer many times the capacity of a server. Answers must have a Content-Length.
 */
export class LeanHttp {
  private readonly free: Connection[] = [];
  private readonly waiting: ((connection: Connection) => void)[] = [];
  private open = 0;

  constructor(
    private readonly host: string,
    private readonly port: number,
    private readonly maxConnections: number,
  ) {}

  /** Sends a request when a connection is free, and calls `onAnswer` with its answer. */
  send(request: string, onAnswer: (answer: LeanAnswer) => void): void {
    const start = (connection: Connection) => {
      connection.onAnswer = onAnswer;
      connection.socket.write(request);
    };
    const free = this.free.pop();
    if (free) start(free);
    else if (this.open < this.maxConnections) start(this.connect());
    else this.waiting.push(start);
  }

  /** Opens all connections, each with a first request, so that the server has accepted all of them. */
  async connectAll(request: string): Promise<void> {
    const opened: Promise<void>[] = [];
    while (this.open < this.maxConnections) {
      const connection = this.connect();
      opened.push(new Promise((resolve) => (connection.onAnswer = () => resolve())));
      connection.socket.write(request);
    }
    await Promise.all(opened);
  }

  private connect(): Connection {
    this.open++;
    const socket = connect({ host: this.host, port: this.port, noDelay: true });
    const connection: Connection = { socket, received: '', onAnswer: undefined };
    socket.setEncoding('latin1');
    socket.on('data', (part: string) => this.take(connection, part));
    socket.on('error', () => undefined); // The close event, which follows, handles it.
    socket.once('close', () => {
      this.open--;
      const at = this.free.indexOf(connection);
      if (at >= 0) this.free.splice(at, 1);
      connection.onAnswer?.({ status: 0, retryAfter: undefined, isOverloaded: false, hasWaited: false });
      this.next();
    });
    return connection;
  }

  private take(connection: Connection, part: string): void {
    connection.received += part;
    const headEnd = connection.received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = connection.received.slice(0, headEnd);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (connection.received.length < headEnd + HEAD_END.length + length) return;
    const isOverloaded = connection.received.includes('problem:overloaded', headEnd);
    const hasWaited = isOverloaded && connection.received.includes('"instance"', headEnd);
    const retryAfter = /\r\nretry-after: (\d+)/i.exec(head)?.[1];
    connection.received = '';
    const { onAnswer } = connection;
    connection.onAnswer = undefined;
    this.free.push(connection);
    onAnswer?.({
      status: Number(head.slice(9, 12)),
      retryAfter: retryAfter === undefined ? undefined : Number(retryAfter),
      isOverloaded,
      hasWaited,
    });
    this.next();
  }

  private next(): void {
    const start = this.waiting[0];
    if (!start) return;
    const connection = this.free.pop() ?? (this.open < this.maxConnections ? this.connect() : undefined);
    if (!connection) return;
    this.waiting.shift();
    start(connection);
  }
}
