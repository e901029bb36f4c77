/** Connections that are kept for the next mail to the same place. */
import type { Session } from './smtp-session.ts';

export interface PoolOptions {
  readonly idleMs?: number;
  /** After so many mails a connection is ended: servers grow wary of longer ones. */
  readonly mostMails?: number;
  /** Kept in all. */
  readonly mostIdle?: number;
}

interface Idle {
  readonly key: string;
  readonly session: Session;
  readonly mails: number;
  readonly timer: NodeJS.Timeout;
}

export interface SessionPool {
  /**
   * Runs `use` on a connection that waits, or on one that `open` makes. A kept one that turns out to be dead before anything was sent is
   * replaced: `use` tells by `stale`.
   * @throws what `open` and `use` throw
   */
  with<A extends { readonly stale: boolean }>(key: string, open: () => Promise<Session>, use: (session: Session) => Promise<A>): Promise<A>;
  readonly size: () => number;
  /** Breaks off what is under way. */
  close(): void;
}

export const createPool = ({ idleMs = 10_000, mostMails = 100, mostIdle = 200 }: PoolOptions = {}): SessionPool => {
  const idle = new Map<string, Idle[]>();
  const busy = new Set<Session>();
  let kept = 0;
  let closed = false;

  const take = (key: string): Idle | null => {
    const waiting = idle.get(key);
    for (let one = waiting?.pop(); one !== undefined; one = waiting?.pop()) {
      clearTimeout(one.timer);
      kept -= 1;
      if (waiting?.length === 0) idle.delete(key);
      if (one.session.isUsable()) return one;
      one.session.close();
    }
    return null;
  };

  const drop = (one: Idle): void => {
    const waiting = idle.get(one.key) ?? [];
    const at = waiting.indexOf(one);
    if (at < 0) return;
    waiting.splice(at, 1);
    if (waiting.length === 0) idle.delete(one.key);
    kept -= 1;
    one.session.close();
  };

  const give = (key: string, session: Session, mails: number): void => {
    if (closed || !session.isUsable() || mails >= mostMails || kept >= mostIdle) {
      session.close();
      return;
    }
    const one: Idle = { key, session, mails, timer: setTimeout(() => drop(one), idleMs) };
    one.timer.unref();
    const waiting = idle.get(key);
    if (waiting === undefined) idle.set(key, [one]);
    else waiting.push(one);
    kept += 1;
  };

  return {
    with: async (key, open, use) => {
      const on = async (session: Session, mails: number) => {
        busy.add(session);
        try {
          return await use(session);
        } finally {
          busy.delete(session);
          give(key, session, mails + 1);
        }
      };
      const waiting = take(key);
      if (waiting !== null) {
        const used = await on(waiting.session, waiting.mails);
        if (!used.stale) return used;
      }
      return on(await open(), 0);
    },
    size: () => kept,
    close: () => {
      closed = true;
      for (const one of [...idle.values()].flat()) {
        clearTimeout(one.timer);
        one.session.close();
      }
      idle.clear();
      for (const session of busy) session.abort();
      kept = 0;
    },
  };
};
