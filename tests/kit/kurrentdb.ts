/**
 * A real KurrentDB for tests: the one at `KURRENTDB_URL`, which nobody else uses, or one by Testcontainers where Docker runs. Where there is neither,
 * suites run on `kurrentdb-protocol.ts` alone.
 */
import { randomUUID } from 'node:crypto';
import type { StreamId } from '@tidings/contracts/ids';
import { type EventLog, type LoggedEvent, type LogPage, type Position, START } from '@tidings/contracts/ports/event-log';
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';

const IMAGE = 'docker.kurrent.io/kurrent-latest/kurrentdb:25.1';
const PORT = 2113;

export interface KurrentServer {
  readonly url: string;
  readonly name: string;
  readonly stop: () => Promise<void>;
}

/** Why no real server can run here; null when one can. */
export const kurrentLacks = async (): Promise<string | null> => {
  if (process.env['KURRENTDB_URL'] !== undefined) return null;
  return getContainerRuntimeClient().then(
    () => null,
    () => 'there is no KURRENTDB_URL, and no Docker to run one with',
  );
};

export const startKurrent = async (): Promise<KurrentServer> => {
  const given = process.env['KURRENTDB_URL'];
  if (given !== undefined) return { url: given, name: 'KurrentDB at KURRENTDB_URL', stop: () => Promise.resolve() };
  const container = await new GenericContainer(IMAGE)
    .withEnvironment({ KURRENTDB_INSECURE: 'true', KURRENTDB_MEM_DB: 'true', KURRENTDB_RUN_PROJECTIONS: 'None' })
    .withExposedPorts(PORT)
    .withWaitStrategy(Wait.forHttp('/health/live', PORT).forStatusCode(204))
    .start();
  return {
    url: `esdb://${container.getHost()}:${container.getMappedPort(PORT)}?tls=false`,
    name: `KurrentDB (${IMAGE})`,
    stop: async () => void (await container.stop()),
  };
};

/** The log as if it began here and now, with streams of its own. */
export const asIfEmpty = async (log: EventLog): Promise<EventLog> => {
  const begin = await log.head(0);
  const ending = `.${randomUUID()}`;
  const inner = (stream: StreamId): StreamId => (stream.startsWith('test-') ? (`${stream}${ending}` as StreamId) : stream);
  const outer = (event: LoggedEvent): LoggedEvent => ({ ...event, stream: event.stream.replace(ending, '') as StreamId });
  const within = (position: Position): Position => (position === START ? begin : position);
  const without = (position: Position): Position => (position === begin ? START : position);
  const page = ({ events, next, atHead }: LogPage): LogPage => ({ events: events.map(outer), next: without(next), atHead });
  return {
    ...log,
    append: (stream, expected, events) => log.append(inner(stream), expected, events),
    readStream: async (stream, from, limit) => (await log.readStream(inner(stream), from, limit)).map(outer),
    readAll: async (shard, after, limit, filter) => page(await log.readAll(shard, within(after), limit, filter)),
    readAt: async (shard, positions) => (await log.readAt(shard, positions)).map(outer),
    head: async (shard) => without(await log.head(shard)),
    tail: async function* (shard, after, options) {
      for await (const one of log.tail(shard, within(after), options)) yield page(one);
    },
  };
};
