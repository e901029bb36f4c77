/**
 * Takes a parked stream up again, run by the lane between two pages, so nothing else is applied meanwhile. The stream is re-read from
 * where it stopped up to the lane's position; what was appended behind that comes with the next pages.
 */
import type { EventType } from '@tidings/contracts/events/index';
import type { StreamId } from '@tidings/contracts/ids';
import type { EventLog, Position } from '@tidings/contracts/ports/event-log';
import type { EventStore } from '../event-store/event-store.ts';
import type { PageWriter } from './page-writer.ts';
import { endParking, errorText, moveParking } from './parking.ts';
import { classify } from './poison.ts';

const PAGE = 500;

/**
 * @param position the lane's checkpoint; it stays there
 * @returns null when the stream flows again, else why not
 * @throws Fenced and transient errors
 */
export const unpark = async (deps: {
  readonly log: EventLog;
  readonly events: EventStore;
  readonly writer: PageWriter;
  readonly name: string;
  readonly handles: ReadonlySet<EventType>;
  readonly stream: StreamId;
  readonly fromRevision: number;
  readonly position: Position;
}): Promise<string | null> => {
  const { log, events, writer, name, handles, stream, position } = deps;
  let from = deps.fromRevision;
  for (;;) {
    const logged = await log.readStream(stream, from, PAGE);
    const due = logged.filter((event) => event.position <= position);
    const last = due.length < PAGE;
    const opened = await events.open(due);
    const fault = opened.faults.find(({ event }) => handles.has(event.type as EventType)); // types unknown to us are handled by nobody
    if (fault !== undefined) return `revision ${fault.event.revision} cannot be read: ${fault.reason}`;
    const next = (due.at(-1)?.revision ?? from - 1) + 1;
    try {
      const page = opened.events.filter((event) => handles.has(event.type));
      await writer.commit(page, position, position, (client) =>
        last ? endParking(client, name, stream) : moveParking(client, name, stream, next),
      );
    } catch (error) {
      if (classify(error) !== 'poison') throw error;
      return errorText(error);
    }
    if (last) return null;
    from = next;
  }
};
