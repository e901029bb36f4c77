/**
 * Tells readers how far an instance is: at once within the process, coalesced to other processes by `Signals`. An announced position
 * is a fact (it is told after the commit), only its arrival is not certain.
 *
 * Payloads on topic `projection`: `<name>@<position>@<schema>` after a page that changed tables, `*@<position>@<schema>,<schema>…` for
 * instances that had nothing to do up to there, `rewritten` when an instance got what belongs before its position (a parked stream flows
 * again). On topic `registry`, which everybody hears: `registry` when instances were added or changed state, `leases` when a process left some
 * for others to take.
 */
import type { Position } from '@tidings/contracts/ports/event-log';
import type { Signals } from '@tidings/contracts/ports/signals';

export const REGISTRY_CHANGED = 'registry';
export const LEASES_FREED = 'leases';
export const REWRITTEN = 'rewritten';

/** Positions within this process, for `createFreshness` beside the projector. */
export interface PositionFeed {
  emit(schemaName: string, position: Position): void;
  subscribe(listener: (schemaName: string, position: Position) => void): () => void;
}

export const createPositionFeed = (): PositionFeed => {
  const listeners = new Set<(schemaName: string, position: Position) => void>();
  return {
    emit: (schemaName, position) => {
      for (const listener of listeners) listener(schemaName, position);
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};

export interface Announcer {
  /** After a commit that applied events of `name` in instance `schemaName`. */
  applied(name: string, schemaName: string, position: Position): void;
  /** Nothing up to `position` concerned the instance. */
  passed(schemaName: string, position: Position): void;
  /** An instance was changed behind its position. */
  rewritten(): void;
  close(): void;
}

/** The first announcement goes out at once, what comes within this time follows together. */
const COALESCE_MS = 2;
/** Payloads are limited to 4,000 bytes. */
const SCHEMAS_PER_PAYLOAD = 40;

export const createAnnouncer = (signals: Signals, feed: PositionFeed | undefined): Announcer => {
  let appliedAt = new Map<string, { readonly name: string; readonly position: Position }>();
  let passedAt = new Map<string, Position>();
  let timer: NodeJS.Timeout | null = null;

  const flush = (): void => {
    timer = null;
    if (appliedAt.size === 0 && passedAt.size === 0) return;
    const [moved, idle] = [appliedAt, passedAt];
    [appliedAt, passedAt] = [new Map(), new Map()];
    for (const [schema, { name, position }] of moved) signals.publish('projection', `${name}@${position}@${schema}`, schema);
    for (const [position, schemas] of byPosition(idle)) {
      for (let at = 0; at < schemas.length; at += SCHEMAS_PER_PAYLOAD) {
        signals.publish('projection', `*@${position}@${schemas.slice(at, at + SCHEMAS_PER_PAYLOAD).join(',')}`);
      }
    }
    timer = setTimeout(flush, COALESCE_MS);
  };

  return {
    applied: (name, schemaName, position) => {
      feed?.emit(schemaName, position);
      appliedAt.set(schemaName, { name, position });
      passedAt.delete(schemaName);
      if (timer === null) flush();
    },
    passed: (schemaName, position) => {
      feed?.emit(schemaName, position);
      passedAt.set(schemaName, position);
      timer ??= setTimeout(flush, COALESCE_MS);
    },
    rewritten: () => signals.publish('projection', REWRITTEN),
    close: () => {
      if (timer !== null) clearTimeout(timer);
      flush();
      if (timer !== null) clearTimeout(timer);
    },
  };
};

const byPosition = (positions: ReadonlyMap<string, Position>): ReadonlyMap<Position, string[]> => {
  const grouped = new Map<Position, string[]>();
  for (const [schema, position] of positions) grouped.set(position, [...(grouped.get(position) ?? []), schema]);
  return grouped;
};

/** The inverse, for listeners: which schemas are how far; empty for payloads of other kinds. */
export const parseAnnouncement = (payload: string): readonly { readonly schemaName: string; readonly position: Position }[] => {
  const [, position, schemas] = payload.split('@');
  if (position === undefined || schemas === undefined) return [];
  return schemas.split(',').map((schemaName) => ({ schemaName, position: position as Position })); // our own payload, see above
};
