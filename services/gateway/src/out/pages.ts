/**
 * The log as the way out reads it. Chat messages are most of what there is, and in an installation where nobody is told of them by mail none of them
 * matters: there they are not read at all. The first event that may change that is met in its place, and the log is read again from before it.
 */
import type { EventType } from '@tidings/contracts/events/index';
import type { LogPage, Position } from '@tidings/contracts/ports/event-log';
import { logPages, type PagesOf } from '@tidings/infra/process-manager/follow-log';
import type { Turn } from '@tidings/infra/process-manager/process-manager';

export interface OutPagesOf extends PagesOf {
  /** Whether anybody is told by mail of what is said, as of this position or later. */
  readonly isAnybodyTold: (asOf: Position) => Promise<boolean>;
  /** How often it is looked again while somebody was; default a minute. */
  readonly lookMs?: number;
}

const SAID: EventType = 'MessageSent';
/** Only behind one of these is anybody told who was not. */
const WAKING: readonly EventType[] = ['MailPolicySet', 'ReplyAddressIssued'];
const waking: ReadonlySet<string> = new Set(WAKING);
const LOOK_MS = 60_000;

/** As `logPages`, and messages are among the pages wherever somebody is told of them. `turn.position` is where the caller has come to. */
export async function* outPages(
  { isAnybodyTold, lookMs = LOOK_MS, ...pagesOf }: OutPagesOf,
  turn: Pick<Turn, 'shard' | 'position'>,
  signal: AbortSignal,
): AsyncGenerator<{ readonly page: LogPage; readonly due: boolean }, void, void> {
  const quietly = [...pagesOf.types.filter((type) => type !== SAID), ...WAKING.filter((type) => !pagesOf.types.includes(type))];
  let known = turn.position;
  while (!signal.aborted) {
    const quiet = !(await isAnybodyTold(known));
    const lookAt = performance.now() + lookMs;
    for await (const { page, due } of logPages({ ...pagesOf, ...(quiet && { types: quietly }) }, turn, signal)) {
      if (quiet && page.next > known && page.events.some(({ type }) => waking.has(type))) {
        known = page.next;
        break;
      }
      yield { page, due };
      if (!quiet && due && page.atHead && performance.now() >= lookAt) {
        known = page.next;
        break;
      }
    }
  }
}
