/** Where the words of messages are kept: with them in Postgres, or in an index beside it. */
import type { RoomId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import type { Changes } from './changes.ts';

export interface KeptWords extends Pick<Projection, 'removeRetired' | 'whatIsMissing'> {
  /** Of the projection that keeps them so. */
  readonly version: number;
  /** Of the table of messages, as it is written in between others; may be empty. */
  readonly column: string;
  readonly tables: (schema: string) => string;
  readonly indexes: (schema: string) => string;
  /** @param closed rooms that are no more, at the end of the page @param position of the page's last event */
  readonly save: (changes: Changes, closed: readonly RoomId[], tx: ProjectionTx, position: Position) => Promise<void>;
}
