/** The typed face of the log: seals and encodes on the way in, upcasts, opens and decodes on the way out. The one boundary all readers cross. */
import type { Recorded, TidingsEvent } from '@tidings/contracts/events/index';
import type { CommandId, StreamId } from '@tidings/contracts/ids';
import type { AppendResult, EventLog, Expected, LoggedEvent } from '@tidings/contracts/ports/event-log';

/** Where a command came from. `commandId` decides the event ids, so running the same command again writes nothing twice. */
export interface CommandContext {
  readonly commandId: CommandId;
  readonly traceId?: string;
  readonly causationId?: string;
  /** As of `AppendOptions`. */
  readonly patient?: boolean;
}

export interface EventStore {
  /** @throws what `EventLog.append` throws */
  append(stream: StreamId, expected: Expected, events: readonly TidingsEvent[], context: CommandContext): Promise<AppendResult>;
  /** As `EventLog.revisions`; absent where the log has none. */
  readonly revisions?: EventLog['revisions'];
  /** The events of a stream from revision `from`, all pages; unknown types are an error here (a decider must know its own). */
  readStream(stream: StreamId, from?: number): Promise<readonly Recorded[]>;
  /**
   * Told of events that this store has appended, each as readers will get it, before they can. Best effort: what is not sure to be read just
   * so, or came as one of several, is left out. Returns the function that ends it.
   */
  onAppended(listener: (event: Recorded) => void): () => void;
  /** Decodes a page. Unknown types are left out (a newer node may have written them); undecodable ones come back as faults. */
  open(events: readonly LoggedEvent[]): Promise<OpenedPage>;
}

export interface OpenedPage {
  readonly events: readonly Recorded[];
  readonly unknown: number;
  readonly faults: readonly { readonly event: LoggedEvent; readonly reason: string }[];
}
