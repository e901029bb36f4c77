/** Notifications by a real Kafka broker, both ways: pushes are handed to it, custom notifications come from it, and its outage loses neither. */
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel, type Consumer, type KafkaMessage, type Producer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Listening } from '../../services/sse/src/testing/listening.ts';
import { ask, askJson, foundTown, type Person, type Town } from '../acceptance/town.ts';
import { kafkaLacks, startKafka, type KafkaBroker } from '../kit/kafka.ts';
import { startProgram, type Program } from '../kit/program.ts';
import type { KafkaSettings } from '@tidings/infra/config/kafka';
import { openKafkaProducer } from '@tidings/infra/kafka/producer';
import { pino } from 'pino';

const PUSHES = 'push-notifications.requested.v1';
const NOTIFICATIONS = 'user-notification-events';

const lack = await kafkaLacks();

describe.skipIf(lack !== null)(`Kafka${lack === null ? '' : ` (${lack})`}`, () => {
  let broker: KafkaBroker;
  let town: Town;
  let program: Program;
  let producer: Producer;
  let consumer: Consumer;
  let room: string;
  const pushes: KafkaMessage[] = [];

  beforeAll(async () => {
    [broker, town] = await Promise.all([startKafka(), foundTown('Hawker', 3)]);
    const kafka = new Kafka({ clientId: 'a back end', brokers: [broker.address], logLevel: logLevel.NOTHING });
    producer = kafka.producer();
    consumer = kafka.consumer({ groupId: 'a back end', maxWaitTimeInMs: 200, sessionTimeout: 10_000, heartbeatInterval: 1_000 });
    const admin = kafka.admin();
    await Promise.all([producer.connect(), consumer.connect(), admin.connect()]);
    await admin.createTopics({ topics: [{ topic: PUSHES }, { topic: NOTIFICATIONS }], waitForLeaders: true });
    await admin.disconnect();
    await consumer.subscribe({ topics: [PUSHES], fromBeginning: true });
    await consumer.run({ eachMessage: ({ message }) => Promise.resolve(void pushes.push(message)) });
    program = await startProgram({
      env: {
        OIDC_ISSUER: town.issuer.url,
        KAFKA_BROKERS: broker.saslAddress,
        KAFKA_TLS: 'on',
        KAFKA_TLS_CA_FILE: broker.caFile,
        KAFKA_SASL_USERNAME: broker.login.username,
        KAFKA_SASL_PASSWORD: broker.login.password,
        LOG_LEVEL: 'fatal',
      },
    });
    for (const person of town.people) await askJson(program, person, '/api/me');
    const invitedUsers = town.people.map(({ id }) => id);
    room = (await askJson<{ id: string }>(program, town.admin, '/api/rooms/create-room', { body: { roomType: 'Group', invitedUsers } })).id;
  }, 240_000);
  afterAll(async () => {
    await consumer.disconnect();
    await producer.disconnect();
    await program.stop();
    await broker.stop();
    await town.issuer.close();
  });

  const say = (person: Person, text: string): Promise<Response> =>
    ask(program, person, '/api/send-msg', { body: { chatRoomId: room, msgBody: { text } } });
  const handedOff = (text: string): KafkaMessage | undefined =>
    pushes.find(({ value }) => value?.toString().includes(JSON.stringify({ text })));

  const arrived = (address: string): boolean => pushes.some(({ value }) => value?.toString() === JSON.stringify([address]));

  it('is handed who should be reached by a push, as ISM did', async ({ annotate }) => {
    await annotate(`engines: Apache Kafka ${broker.version} (KRaft, one broker; TLS, SASL/PLAIN)`);
    await say(town.admin, 'to the two who are away');
    const record = await vi.waitUntil(() => handedOff('to the two who are away'), { timeout: 30_000, interval: 50 });
    const value = JSON.parse(record.value?.toString() ?? '') as { to_user: string[]; notification: { type: string } };
    expect(Object.keys(value)).toEqual(['to_user', 'notification']);
    expect(value.to_user.toSorted()).toEqual(
      town.people
        .slice(1)
        .map(({ id }) => id)
        .toSorted(),
    );
    expect(value.notification.type).toBe('ChatMessage');
    const headers = Object.entries(record.headers ?? {}).map(([name, content]) => [name, String(content)]);
    expect(Object.fromEntries(headers)).toEqual({
      __TypeId__: 'com.meventure.api.notifications.model.UndeliveredMessage',
      contentType: 'application/json',
    });
  });

  it('brings custom notifications, each once, whatever else is on the topic', async () => {
    const [, person] = town.people;
    const listening = await Listening.open(program.httpUrl, person?.token ?? '');
    const said = (message: unknown, more: object = {}): string =>
      JSON.stringify({ type: 'SystemMessage', toUser: person?.id, message, createdAt: '2026-01-01T00:00:00Z', ...more });
    const values = [said(1, { id: 'x' }), 'nonsense', said(0, { toUser: randomUUID() }), said(1, { id: 'x' }), said({ two: 2 }), said(3)];
    await producer.send({ topic: NOTIFICATIONS, messages: values.map((value) => ({ value })) });
    await listening.until(({ heard }) => heard.filter(({ event }) => event.type === 'SystemMessage').length === 3, 30_000);
    expect(listening.heard.map(({ event }) => event['message'])).toEqual([1, { two: 2 }, 3]);
    listening.close();
  });

  it('is reached in the clear, by TLS, and with a login; and not with a wrong one or a certificate that nobody vouches for', async () => {
    const sendBy = async (settings: Partial<KafkaSettings>): Promise<void> => {
      const sender = openKafkaProducer({ brokers: [], tls: null, sasl: null, ...settings, logger: pino({ level: 'silent' }) });
      try {
        await sender.send(PUSHES, [{ key: 'k', value: JSON.stringify(settings.brokers), headers: {} }]);
      } finally {
        await sender.close();
      }
    };
    const tls = { caFile: broker.caFile, client: null };
    const sasl = { mechanism: 'plain', ...broker.login } as const;
    await sendBy({ brokers: [broker.address] });
    await sendBy({ brokers: [broker.tlsAddress], tls });
    await sendBy({ brokers: [broker.saslAddress], tls, sasl });
    await vi.waitUntil(() => [broker.address, broker.tlsAddress, broker.saslAddress].every(arrived), { timeout: 30_000, interval: 50 });
    await expect(sendBy({ brokers: [broker.saslAddress], tls, sasl: { ...sasl, password: 'a guess' } })).rejects.toThrow(
      /[Aa]uthentication/,
    );
    await expect(sendBy({ brokers: [broker.tlsAddress], tls: { ...tls, caFile: null } })).rejects.toThrow(/self.signed/);
    await expect(sendBy({ tls: { ...tls, caFile: 'nowhere.pem' } })).rejects.toThrow(/nowhere\.pem/);
  });

  it('may be away for a while: nothing is lost either way', async () => {
    await broker.kill();
    await say(town.admin, 'while Kafka was away');
    await broker.start();
    const [, , person] = town.people;
    const listening = await Listening.open(program.httpUrl, person?.token ?? '');
    await producer.send({
      topic: NOTIFICATIONS,
      messages: [{ value: JSON.stringify({ type: 'SystemMessage', toUser: person?.id, message: 'after the outage' }) }],
    });
    await listening.until(({ heard }) => heard.some(({ event }) => event['message'] === 'after the outage'), 60_000);
    await vi.waitFor(() => expect(handedOff('while Kafka was away')).toBeDefined(), { timeout: 60_000, interval: 100 });
    listening.close();
  });
});
