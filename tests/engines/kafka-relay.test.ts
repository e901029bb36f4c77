/** The log on a real Kafka: every event in order, read models that follow it from there, and nothing lost or doubled by brokers and nodes that die. */
import { Kafka, logLevel, type Consumer } from 'kafkajs';
import { relayedIn, type Relayed } from '@tidings/infra/kafka/relayed';
import { createTransport } from 'nodemailer';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { kafkaLacks, startKafka, type KafkaBroker } from '../kit/kafka.ts';
import { startProgram, type Program } from '../kit/program.ts';

const TOPIC = 'tidings.log';
const lack = await kafkaLacks();

describe.skipIf(lack !== null)(`the log on Kafka${lack === null ? '' : ` (${lack})`}`, () => {
  let broker: KafkaBroker;
  let program: Program;
  let consumer: Consumer;
  /** By partition, as they came. */
  const heard = new Map<number, Relayed[]>();
  const env = (): Readonly<Record<string, string>> => ({
    KAFKA_BROKERS: broker.address,
    KAFKA_LOG_TOPIC: TOPIC,
    PROJECT_FROM: 'kafka',
    LOG_LEVEL: 'fatal',
  });

  beforeAll(async () => {
    broker = await startKafka();
    const kafka = new Kafka({ clientId: 'someone', brokers: [broker.address], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 4 }], waitForLeaders: true });
    await admin.disconnect();
    consumer = kafka.consumer({ groupId: 'someone', maxWaitTimeInMs: 200, sessionTimeout: 10_000, heartbeatInterval: 1_000 });
    await consumer.connect();
    await consumer.subscribe({ topics: [TOPIC], fromBeginning: true });
    await consumer.run({
      eachMessage: ({ partition, message }) => {
        const relayed = relayedIn(message.value);
        if (relayed !== null) heard.set(partition, [...(heard.get(partition) ?? []), relayed]);
        return Promise.resolve();
      },
    });
    program = await startProgram({ ownPostgres: true, env: env() });
  }, 240_000);
  afterAll(async () => {
    await consumer.disconnect();
    await program.stop();
    await rm(program.dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    await broker.stop();
  });

  const send = async (subject: string): Promise<string> => {
    const transport = createTransport({ host: '127.0.0.1', port: program.smtpPort, tls: { rejectUnauthorized: false } });
    const { response } = await transport.sendMail({ from: 'ann@elsewhere.test', to: 'alice@tidings.test', subject, text: 'Dear Alice' });
    transport.close();
    return /queued as ([0-9a-f-]{36})/.exec(response)?.[1] ?? '';
  };
  const shown = async (id: string): Promise<void> => {
    const headers = { authorization: `Bearer ${await program.token('alice')}` };
    await vi.waitFor(async () => expect((await fetch(`${program.httpUrl}/api/emails/${id}`, { headers })).status).toBe(200), {
      timeout: 60_000,
      interval: 50,
    });
  };
  const figure = async (name: string): Promise<number> => {
    const page = await (await fetch(`${program.httpUrl}/metrics`)).text();
    const line = page.split('\n').find((one) => one.startsWith(name));
    return Number(line?.split(' ').at(-1) ?? 0);
  };
  const inOrder = (): readonly Relayed[] => [...heard.values()].flat().toSorted((a, b) => (a.event.position < b.event.position ? -1 : 1));
  /** Every event of the log is there, from the first to the one of this mail, each behind the one before it. */
  const completeUpTo = async (mail: string): Promise<void> => {
    await vi.waitFor(
      () => {
        const events = [...new Map(inOrder().map((relayed) => [relayed.event.position, relayed])).values()];
        expect(events.some(({ event }) => event.stream.includes(mail) || JSON.stringify(event.data).includes(mail))).toBe(true);
        expect(events.map(({ previous }) => previous)).toEqual([
          '0000000000000000',
          ...events.slice(0, -1).map(({ event }) => event.position),
        ]);
      },
      { timeout: 60_000, interval: 200 },
    );
    for (const relayed of heard.values()) {
      const first = relayed.filter(({ event }, at) => relayed.findIndex((other) => other.event.id === event.id) === at);
      const positions = first.map(({ event }) => event.position);
      expect(positions).toEqual(positions.toSorted());
    }
  };

  it('has every event, and read models follow it there', async ({ annotate }) => {
    await annotate(`engines: Apache Kafka ${broker.version}, the log relayed over 4 partitions`);
    for (let n = 0; n < 10; n += 1) await shown(await send(`mail ${n}`));
    await completeUpTo(await send('the last of these'));
    expect(heard.size).toBeGreaterThan(1);
    await vi.waitFor(async () => expect(await figure('tidings_tail_events_total{source="kafka"')).toBeGreaterThan(0), {
      timeout: 30_000,
      interval: 200,
    });
    expect(await figure('tidings_relay_events_total')).toBeGreaterThan(0);
    expect(await figure('tidings_kafka_rebalances_total')).toBeGreaterThan(0);
  });

  it('may be away, and the program may die: nothing is missing', async () => {
    await broker.kill();
    await shown(await send('while Kafka was away'));
    const { dataDir } = program;
    await program.kill9();
    program = await startProgram({ env: env(), dataDir });
    await shown(await send('after a kill'));
    await broker.start();
    const last = await send('Kafka is back');
    await shown(last);
    await completeUpTo(last);
    await vi.waitFor(async () => expect(await figure('tidings_relay_lag_events')).toBe(0), { timeout: 30_000, interval: 200 });
    expect(await figure('tidings_relay_events_total')).toBeGreaterThan(0);
  });
});
