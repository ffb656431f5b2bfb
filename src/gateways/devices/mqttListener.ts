import mqtt, { type IPublishPacket, type MqttClient } from 'mqtt';
import { defined } from '../../domain/defined';
import { isPermanent } from '../../domain/errors';
import { type CallWatch, watched } from '../../telemetry/calls';
import { entrySpan, SpanKind } from '../../telemetry/spans';
import { type Clock, systemClock } from '../../timing/clock';

/** Address and credentials of the broker. */
export interface MqttSettings {
  /** Address: mqtt(s):// or ws(s)://, with user and password if the broker requires them. */
  url: string;
  /** MQTT client id, unique per process. The broker queues messages for it while the process is down. */
  clientId: string;
  /** CA, client certificate and key, in PEM. */
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
}

/** An MQTT message. */
export interface Message {
  topic: string;
  payload: Buffer;
}

/** What to subscribe to, and the functions that process the messages. */
export interface MqttSubscription {
  /** Topic filter; may contain wildcards. */
  topics: string;
  /**
   * Processes messages. They are acknowledged once the promise resolves. After an error that may pass, the whole batch
   * is retried after PAUSE_MS. After a permanent error the batch is bisected, so that one bad message does not block
   * the others.
   * @returns the messages to publish in reply
   */
  take(messages: readonly Message[]): Promise<Message[]>;
  /**
   * Stores a message that fails permanently on its own. It is acknowledged once the promise resolves.
   * @returns the messages to publish in reply
   */
  setAside(message: Message, error: unknown): Promise<Message[]>;
  /** Called with errors of the connection and of `take`. The listener continues. */
  onFault(error: unknown): void;
  /** Called when the connection is established (true) or lost (false). */
  onConnected?(connected: boolean): void;
  watch?: CallWatch;
}

interface ReceivedMessage extends Message {
  messageId: number | undefined;
  /**
   * Number of the connection that delivered the message. On another connection the same packet id may belong to another
   * message.
   */
  connection: number;
  /** Acknowledged. From then on the broker may reuse its packet id for another message. */
  isAcknowledged?: boolean;
}

/** Maximum number of messages in one `take`. */
const BATCH = 500;
/** With this many waiting messages the client stops reading, so TCP backpressure slows the broker down. */
const MAX_WAITING = 5_000;
/** Pause after a failed batch, in milliseconds. */
const PAUSE_MS = 500;

/**
 * Subscribes with QoS 1 in a persistent session, and acknowledges messages in batches after they are processed. The
 * broker redelivers messages that were not acknowledged when the process ended.
 */
export class MqttListener {
  private client: MqttClient | undefined;
  private connection = 0;
  private waiting: ReceivedMessage[] = [];
  private working: Promise<void> | undefined;
  private readOn: (() => void) | undefined;
  private readonly stopping = new AbortController();

  constructor(
    private readonly settings: MqttSettings,
    private readonly subscription: MqttSubscription,
    private readonly clock: Clock = systemClock,
  ) {}

  /**
   * Connects, and reconnects for as long as it runs. Later calls do nothing: a second client with the same client id
   * would disconnect the first.
   */
  start(): void {
    if (this.client) return;
    const { url, clientId, ca, cert, key } = this.settings;
    const client = mqtt.connect(url, {
      clientId,
      clean: false,
      protocolVersion: 4,
      reconnectPeriod: 1_000,
      ...defined({ ca, cert, key }),
    });
    this.client = client;
    this.subscription.onConnected?.(false);
    client.on('close', () => this.subscription.onConnected?.(false));
    client.on('connect', () => {
      this.subscription.onConnected?.(true);
      this.connection++;
      // The broker redelivers on the new connection all messages that were not acknowledged on the old one.
      this.waiting = [];
      this.readOn = undefined;
      // Race: `stop` closes the connection before the broker has acknowledged the subscription. That is no error.
      client.subscribe(
        this.subscription.topics,
        { qos: 1 },
        (error) => error && !this.stopping.signal.aborted && this.subscription.onFault(error),
      );
    });
    client.on('error', (error) => this.subscription.onFault(error));
    // Calling `done` without an error makes the library acknowledge the message at once. With an error the library
    // reads on without acknowledging, and this class acknowledges later, in batches.
    client.handleMessage = ({ topic, payload, messageId, qos }: IPublishPacket, done) => {
      this.waiting.push({
        topic,
        payload: Buffer.from(payload),
        messageId: qos === 0 ? undefined : messageId,
        connection: this.connection,
      });
      const next = () => done(qos === 0 ? undefined : new Error('acknowledged later'));
      if (this.waiting.length < MAX_WAITING) next();
      else this.readOn = next;
      this.working ??= this.work().finally(() => (this.working = undefined));
    };
  }

  /**
   * Stops reading, finishes the current batch, and disconnects. The broker keeps the remaining messages for the next
   * start.
   */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.working;
    await this.client?.endAsync(true).catch(this.subscription.onFault);
  }

  private async work(): Promise<void> {
    while (this.waiting.length > 0 && !this.stopping.signal.aborted) {
      const batch = this.waiting.splice(0, BATCH);
      this.readOn?.();
      this.readOn = undefined;
      try {
        await entrySpan(
          'mqtt receive',
          {
            kind: SpanKind.CONSUMER,
            attributes: { 'messaging.system': 'mqtt', 'messaging.batch.message_count': batch.length },
          },
          () => this.take(batch),
        );
      } catch (error) {
        this.subscription.onFault(error);
        this.waiting.unshift(
          ...batch.filter(({ connection, isAcknowledged }) => connection === this.connection && !isAcknowledged),
        );
        // `stop` aborts the pause; then the loop ends.
        await this.clock.sleep(PAUSE_MS, this.stopping.signal).catch(() => undefined);
      }
    }
  }

  /** Processes a batch and acknowledges it. After a permanent error, processes it half by half. */
  private async take(batch: readonly ReceivedMessage[]): Promise<void> {
    const { subscription } = this;
    let answers: Message[];
    try {
      answers = await watched(subscription.watch, { gateway: 'mqtt', operation: 'take' }, () =>
        subscription.take(batch),
      );
    } catch (error) {
      const [first] = batch;
      if (first === undefined || !isPermanent(error)) throw error;
      if (batch.length > 1) {
        const middle = Math.ceil(batch.length / 2);
        await this.take(batch.slice(0, middle));
        return this.take(batch.slice(middle));
      }
      answers = await subscription.setAside(first, error);
    }
    for (const received of batch) {
      const { messageId, connection } = received;
      if (messageId !== undefined && connection === this.connection)
        this.client?.['_sendPacket']({ cmd: 'puback', messageId });
      received.isAcknowledged = true;
    }
    for (const { topic, payload } of answers) this.client?.publish(topic, payload, { qos: 0 });
  }
}
