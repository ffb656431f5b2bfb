import { Gauge, Histogram, type Registry } from 'prom-client';
import type { Call } from '../telemetry/calls';

/** Metrics of calls to services other than DynamoDB. */
export class GatewayMetrics {
  private readonly calls: Histogram<'gateway' | 'operation' | 'result'>;
  private readonly connected: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    this.calls = new Histogram({
      name: 'longwatch_gateway_call_seconds',
      help:
        'Calls to services other than DynamoDB, by gateway, operation and result: ok, refused (a regular ' +
        'negative answer), throttled, late (timeout), failed',
      labelNames: ['gateway', 'operation', 'result'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
      registers,
    });
    this.connected = new Gauge({
      name: 'longwatch_mqtt_connected',
      help:
        '1 while this process is connected to the MQTT broker, otherwise 0; absent in processes that do not ' +
        'connect',
      registers,
    });
    this.connected.remove();
  }

  readonly call = ({ gateway, operation, seconds, result }: Call): void => {
    this.calls.observe({ gateway, operation, result }, seconds);
  };

  /** Sets whether this process is connected to the MQTT broker. */
  mqttConnected(connected: boolean): void {
    this.connected.set(connected ? 1 : 0);
  }
}
