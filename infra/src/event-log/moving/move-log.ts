/**
 * Moves the log from one place to another while it is in use (docs/decisions/058): pages are copied, read back and compared, until the copy keeps up; then
 * appends are held, the rest follows, the source is sealed, and the target opened. It may be killed anywhere and run again: the source is in use until it is
 * sealed, nothing is in use until the target is opened, and every step finds out whether it was done.
 */
import type { LoggedEvent, Position } from '@tidings/contracts/ports/event-log';
import type pg from 'pg';
import { compare, currentMove, finishMove, forgetMove, type Move, noted, startedOver } from './checksums.ts';
import { HOLD_MS, type LogSide, MoveRefused } from './side.ts';

export interface MoveParts {
  /** Keeps what was moved; of this installation. */
  readonly pool: pg.Pool;
  readonly source: LogSide;
  readonly target: LogSide;
  readonly report: MoveReport;
  /** Ends before the switch, with everything as it was; a later run goes on. */
  readonly signal: AbortSignal;
  /** Stop where the copy has caught up: another run brings the rest and switches. */
  readonly copyOnly?: boolean;
  /** Events that are copied and compared at once; default 500. */
  readonly page?: number;
}

export interface MoveReport {
  /** After each page. @param head where the source ended when it was last looked at */
  readonly copied: (cursor: Position, head: Position, events: number) => void;
  /** Appends are held from now on. */
  readonly held: () => void;
}

export interface Moved {
  readonly outcome: 'switched' | 'already' | 'copied' | 'stopped';
  readonly streams: number;
  readonly events: number;
  /** How long nothing was taken, where it was switched. */
  readonly heldMs: number;
}

const PAGE = 500;
/** A round of copying that is no hold to speak of, and how much shorter than the last one it has to be for another. */
const SHORT_MS = 1_000;
const WORTH_IT = 0.8;
const LOOK_AT_HEAD_MS = 1_000;
/** Well before the hold ends by itself. */
const PROLONG_MS = HOLD_MS / 3;

/** @throws MoveRefused when it cannot be done, or both logs are not the same; LogUnavailable */
export const moveLog = (parts: MoveParts): Promise<Moved> => alone(parts.pool, () => run(parts));

const run = async (parts: MoveParts): Promise<Moved> => {
  const { pool, source, target, signal } = parts;
  const [from, to] = [await source.state(), await target.state()];
  if (from === 'receiving')
    throw new MoveRefused(`the log in ${source.name} is not in use: it is the target of a move that was not finished`);
  if (from === 'moved' && to === 'open') {
    if ((await target.log.head(0)) < (await source.log.head(0)))
      throw new MoveRefused(`the log in ${source.name} was moved away, but not to this ${target.name}: it holds less`);
    return { ...(await compare(pool)), outcome: 'already', heldMs: 0 };
  }
  await target.receive();
  let move = await begin(parts);
  const copying = copier(parts);
  // While rounds get shorter, the next one leaves less for the hold. A source that grows faster than it is copied would keep us for ever.
  for (let last = Number.POSITIVE_INFINITY, took = 0; !signal.aborted; last = took) {
    const began = performance.now();
    const until = await source.log.head(0);
    move = await copying.copy(move, ({ cursor }) => signal.aborted || cursor >= until);
    took = performance.now() - began;
    if (took < SHORT_MS || took > last * WORTH_IT) break;
  }
  if (signal.aborted || parts.copyOnly === true) {
    const { streams, events } = await assertSame(pool);
    return { outcome: signal.aborted ? 'stopped' : 'copied', streams, events, heldMs: 0 };
  }

  const heldAt = performance.now();
  const holding = from === 'open' ? await hold(parts) : null;
  try {
    move = await copying.copy(move);
    await assertSame(pool);
    await source.seal(target.name);
  } catch (error) {
    await holding?.stop();
    await source.release();
    throw error;
  }
  await holding?.stop();
  // What came between the last look and the seal; nothing comes any more.
  move = await copying.copy(move);
  const same = await assertSame(pool);
  await target.open();
  await finishMove(pool, move);
  return { ...same, outcome: 'switched', heldMs: Math.round(performance.now() - heldAt) };
};

/** Where it was left, unless the target is not the one that it was begun with. */
const begin = async ({ pool, source, target }: MoveParts): Promise<Move> => {
  const move = await currentMove(pool, source.name, target.name);
  return (await target.log.head(0)) < move.cursor ? startedOver(pool, move, source.name, target.name) : move;
};

interface Copier {
  /** To the end of the source, or until it is enough. */
  readonly copy: (move: Move, isEnough?: (move: Move) => boolean) => Promise<Move>;
}

const copier = ({ pool, source, target, report, page: size = PAGE }: MoveParts): Copier => {
  let head: Position | null = null;
  let lookedAt = 0;
  const headNow = async (): Promise<Position> => {
    if (head !== null && performance.now() - lookedAt < LOOK_AT_HEAD_MS) return head;
    lookedAt = performance.now();
    head = await source.log.head(0);
    return head;
  };
  return {
    copy: async (begun, isEnough = () => false) => {
      let move = begun;
      while (!isEnough(move)) {
        const page = await source.log.readAll(0, move.cursor, size);
        if (page.events.length > 0) {
          await target.copy(page.events);
          const back = await readBack(target, move.cursor, page.events);
          const cursor = page.events.at(-1)?.position ?? move.cursor;
          move = await noted(pool, move, { source: page.events, target: back, cursor });
          report.copied(move.cursor, await headNow(), move.events);
        }
        if (page.atHead) break;
      }
      return move;
    },
  };
};

/** As many as were copied, whatever pages the target makes of them. */
const readBack = async (target: LogSide, after: Position, events: readonly LoggedEvent[]): Promise<readonly LoggedEvent[]> => {
  const back: LoggedEvent[] = [];
  let from = after;
  while (back.length < events.length) {
    const page = await target.readBack(from, events.length - back.length);
    back.push(...page.events);
    if (page.next === from || (page.atHead && page.events.length === 0)) break;
    from = page.next;
  }
  const wrong = events.findIndex(({ position }, at) => back[at]?.position !== position);
  if (wrong !== -1)
    throw new MoveRefused(
      `what was copied is not read back from ${target.name}: at position ${events[wrong]?.position} stands ${back[wrong]?.position ?? 'nothing'}. Move into an empty log`,
    );
  return back;
};

/** Until it is stopped. */
const hold = async ({ source, report }: MoveParts): Promise<{ readonly stop: () => Promise<void> }> => {
  await source.hold();
  report.held();
  let last: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    // A hold that ends early costs time, not events: the seal is what counts.
    last = source.hold().catch(() => undefined);
  }, PROLONG_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await last;
    },
  };
};

/** @throws MoveRefused */
const assertSame = async (pool: pg.Pool): Promise<{ readonly streams: number; readonly events: number }> => {
  const { streams, events, different } = await compare(pool);
  if (different.length > 0)
    throw new MoveRefused(
      `the checksums of these streams are not the same in both logs: ${different.join(', ')}. Begin again with an empty target; "--cancel" lets the source be used as before`,
    );
  return { streams, events };
};

/** Gives a move up: the source is in use again, if it had been sealed. @throws MoveRefused when the target is in use already */
export const cancelMove = ({ pool, source, target }: Pick<MoveParts, 'pool' | 'source' | 'target'>): Promise<void> =>
  alone(pool, async () => {
    if ((await source.state()) === 'moved' && (await target.state()) === 'open')
      throw new MoveRefused(`the log is in ${target.name} already: move it back instead`);
    await source.open();
    await source.release();
    await forgetMove(pool);
  });

/** One mover at a time; the lock goes with its connection, should we be killed. @throws MoveRefused */
const alone = async <A>(pool: pg.Pool, work: () => Promise<A>): Promise<A> => {
  const client = await pool.connect();
  try {
    const { rows } = await client.query<{ mine: boolean }>(`select pg_try_advisory_lock(hashtext('tidings log move')) mine`);
    if (rows[0]?.mine !== true) throw new MoveRefused('the log is being moved already, by somebody else');
    try {
      return await work();
    } finally {
      // Whoever moves next need not wait until the server has noticed that we went; where it went itself, the lock did too.
      await client.query(`select pg_advisory_unlock(hashtext('tidings log move'))`).catch(() => undefined);
    }
  } finally {
    client.release(true);
  }
};
