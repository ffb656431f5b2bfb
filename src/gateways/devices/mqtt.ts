import { setTimeout as sleep } from 'node:timers/promises';
import mqtt, { type IPublishPacket, type MqttClient } from 'mqtt';
import { defined } from '../../domain/defined';
import { isPermanent } from '../../domain/errors';
import { type CallWatch, watched } from '../../telemetry/calls';
import { entrySpan, SpanKind } from '../../telemetry/spans';

export interface MqttSettings {
  /** mqtt(s):// or ws(s)://, with user and password if the broker wants them. */
  url: string;
  /** Of the session that the broker keeps while we are away: nobody else's. */
  clientId: string;
  /** PEM. */
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
}

export interface Message {
  topic: string;
  payload: Buffer;
}

export interface MqttSubscription {
  /** With wildcards. */
  topics: string;
  /**
   * Takes messages; they are acknowledged once this resolves. When it throws, all come again after a while; but where
   * it
   * fails for good the batch is bisected, so that one message holds up no other.
   * @returns what is to be published in answer.
   */
  take(messages: readonly Message[]): Promise<Message[]>;
  /**
   * Keeps a message that alone makes `take` fail for good; it is acknowledged once this resolves. @returns answers, as
   * `take`.
   */
  setAside(message: Message, error: unknown): Promise<Message[]>;
  onFault(error: unknown): void;
  /** Told of connections made and lost. */
  onConnected?(connected: boolean): void;
  watch?: CallWatch;
}

interface Held extends Message {
  messageId: number | undefined;
  /** Of the connection that it came by: on another one its number may be another message's. */
  connection: number;
  /** Its number may be another message's from now on. */
  isAcknowledged?: boolean;
}

/** Messages of one `take`. */
const BATCH = 500;
/** With so many waiting no more are read: TCP holds up the broker. */
const MAX_WAITING = 5_000;
const PAUSE_MS = 500;

/**
 * Subscribes with QoS 1, in a session that the broker keeps, and acknowledges by the batch, after the fact. What was
 * not acknowledged when we died comes again.
 */
export class MqttListener {
  private client: MqttClient | undefined;
  private connection = 0;
  private waiting: Held[] = [];
  private working: Promise<void> | undefined;
  private readOn: (() => void) | undefined;
  private readonly stopping = new AbortController();

  constructor(
    private readonly settings: MqttSettings,
    private readonly subscription: MqttSubscription,
  ) {}

  /** Started once, it connects again by itself for ever: a second client of the same id would drive out the first. */
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
      // What came by the connection before comes again by this one.
      this.waiting = [];
      this.readOn = undefined;
      // Race: `stop` closes the connection while the broker has not yet acknowledged the subscription. That is no
      // fault.
      client.subscribe(
        this.subscription.topics,
        { qos: 1 },
        (error) => error && !this.stopping.signal.aborted && this.subscription.onFault(error),
      );
    });
    client.on('error', (error) => this.subscription.onFault(error));
    // The library acknowledges when `done` is called without an error, one message after the other, and reads the next
    // one in either case. Called with one it leaves the acknowledgement to us: many are written at once.
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

  /** Takes no more, finishes what is under way; the rest comes again next time. */
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
        // Woken: the loop ends.
        await sleep(PAUSE_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      }
    }
  }

  /** Takes a batch and acknowledges it; where it fails for good, half by half. */
  private async take(batch: readonly Held[]): Promise<void> {
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
    for (const held of batch) {
      const { messageId, connection } = held;
      if (messageId !== undefined && connection === this.connection)
        this.client?.['_sendPacket']({ cmd: 'puback', messageId });
      held.isAcknowledged = true;
    }
    for (const { topic, payload } of answers) this.client?.publish(topic, payload, { qos: 0 });
  }
}
