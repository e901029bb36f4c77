/**
 * Files one page of the log. Every step can be repeated: decisions are recorded in streams that are written once, filing is idempotent by
 * mailbox and email, and index and checkpoint move in one transaction. So a crash anywhere repeats work and changes nothing.
 */
import type { EmailReceived } from '@tidings/contracts/events/email';
import type { Recorded } from '@tidings/contracts/events/index';
import type { EmailFiled, EmailsDestroyed } from '@tidings/contracts/events/thread';
import { derivedId, subjectId, type BlobId, type CommandId, type EmailId, type MailboxId, type ThreadId } from '@tidings/contracts/ids';
import type { SubjectKeys } from '@tidings/contracts/ports/subject-keys';
import type { Timestamp } from '@tidings/contracts/time';
import { reveal } from '@tidings/contracts/sealed';
import { filing, filingKey, type FilingOutcome } from '@tidings/domain/filing/index';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { outbound, outboundKey, type OutboundReport } from '@tidings/domain/outbound/index';
import { thread, threadKey, threadStartedBy } from '@tidings/domain/thread/index';
import type { Commands } from '@tidings/infra/commands/commands';
import * as E from 'fp-ts/lib/Either.js';
import type { Platform } from '../../platform/src/platform.ts';
import { choose, type Choice } from './choose.ts';
import { envelopeBeside } from './envelope.ts';
import { HeldIndex, heldFrom } from './held-index.ts';
import type { Hold } from './checks.ts';
import { applyActions, type Filed } from './hook-actions.ts';
import { isPassing } from './passing.ts';
import type { Understood, Verdict } from './understand.ts';
import { wavesOf } from './waves.ts';

/** A mail of the page with what was read from it, or why it could not be. */
export interface Incoming {
  readonly event: Recorded<EmailReceived>;
  readonly understood: Understood | { readonly error: unknown };
}
/** What is filed by others, or goes away: replies must find it, or no longer. */
export interface Foreign {
  readonly event: Recorded<EmailFiled | EmailsDestroyed>;
}
export type PageItem = Incoming | Foreign;

export interface SetAside {
  readonly mailboxId: MailboxId;
  readonly emailId: EmailId;
  readonly error: string;
}

/** A mail that waits for a checker. */
export interface Pending {
  readonly mailboxId: MailboxId;
  readonly emailId: EmailId;
  readonly receivedAt: Timestamp;
  readonly hold: Hold;
}

export interface PageResult {
  readonly index: HeldIndex;
  readonly pending: readonly Pending[];
  readonly setAside: readonly SetAside[];
  readonly filed: number;
  readonly duplicates: number;
  /** Dropped by a webhook. */
  readonly unwanted: number;
  /** What came back about mails that went out. */
  readonly reports: readonly OutboundReport[];
  /** The bytes of mails that are for nobody any more. */
  readonly orphans: readonly BlobId[];
}

/** What filing a page writes to. */
export type Files = Pick<Platform, 'commands' | 'keys' | 'pool'>;

/** One mail for one mailbox. */
interface Item {
  readonly event: Recorded<EmailReceived>;
  readonly recipient: EmailReceived['data']['recipients'][number];
  readonly understood: Understood;
  readonly verdict: Verdict;
  readonly choice: Choice;
}

/** A mail and the thread it goes into. */
interface Placed {
  readonly item: Item;
  readonly threadId: ThreadId;
}

/** @throws only for outages, which pass: the page is tried again as a whole */
export const filePage = async (page: readonly PageItem[], { commands, keys, pool }: Files): Promise<PageResult> => {
  const { items: standing, orphans } = await withoutClosed(page, { commands, keys });
  const index = await HeldIndex.load(pool, standing.flatMap(asked));
  const setAside: SetAside[] = [];
  const pending: Pending[] = [];
  const items: Item[] = [];
  for (const item of standing) {
    if (!('understood' in item)) recordForeign(index, item.event);
    else if ('error' in item.understood) setAside.push(...everyRecipient(item.event, item.understood.error));
    else {
      pending.push(...waiting(item.event, item.understood));
      items.push(...decideAll(index, item.event, item.understood));
    }
  }

  // First what it reports, whose event keeps its bytes on.
  const decided = await Promise.all(
    items.map((item) =>
      orSetAside(item, setAside, async () => {
        await recordReport(commands, item);
        return recordDecision(commands, item);
      }),
    ),
  );
  const placed: Placed[] = [];
  for (const [at, item] of items.entries()) {
    const outcome = decided[at];
    if (outcome?.type === 'thread') placed.push({ item, threadId: outcome.threadId as ThreadId }); // a ThreadId went in
    else index.settle(item.recipient.mailboxId, item.event.data.emailId, null);
  }
  let filed = 0;
  for (const wave of wavesOf(placed)) {
    await prepare(wave, commands, keys);
    await Promise.all(
      wave.map(async (placed) => {
        const { item } = placed;
        const done = await orSetAside(item, setAside, () => fileInto(commands, placed));
        if (done !== null) await orSetAside(item, setAside, () => applyActions(commands, filedAs(item, done), item.verdict.actions));
        index.settle(item.recipient.mailboxId, item.event.data.emailId, done);
        if (done !== null) filed += 1;
      }),
    );
  }
  const reports = items.flatMap(({ verdict: { reported } }, at) =>
    decided[at]?.type === 'report' ? (reported?.command.reports ?? []) : [],
  );
  const became = (type: FilingOutcome['type']): number => decided.filter((outcome) => outcome?.type === type).length;
  return { index, pending, setAside, filed, duplicates: became('duplicate'), unwanted: became('dropped'), reports, orphans };
};

/**
 * Mail that was accepted before its mailbox was closed goes nowhere. Without its key a mailbox is as good as closed: nothing that is filed there
 * could ever be read.
 */
const withoutClosed = async (
  page: readonly PageItem[],
  { commands, keys }: Pick<Files, 'commands' | 'keys'>,
): Promise<{ readonly items: readonly PageItem[]; readonly orphans: readonly BlobId[] }> => {
  const named = new Set(page.flatMap((item) => ('understood' in item ? item.event.data.recipients.map(({ mailboxId }) => mailboxId) : [])));
  if (named.size === 0) return { items: page, orphans: [] };
  const found = await keys.obtain([...named].map(subjectId));
  const closed = new Set<MailboxId>();
  await Promise.all(
    [...named].map(async (mailboxId) => {
      const isKeyless = found.get(subjectId(mailboxId)) === null;
      if (isKeyless || (await commands.load(mailbox, mailboxKey(mailboxId))).state.kind === 'closed') closed.add(mailboxId);
    }),
  );
  if (closed.size === 0) return { items: page, orphans: [] };
  const orphans: BlobId[] = [];
  const items = page.flatMap((item): readonly PageItem[] => {
    if (!('understood' in item)) return [item];
    const { data } = item.event;
    const recipients = data.recipients.filter(({ mailboxId }) => !closed.has(mailboxId));
    if (recipients.length > 0) return [{ ...item, event: { ...item.event, data: { ...data, recipients } } }];
    orphans.push(data.blobId, ...('error' in item.understood ? [] : bodiesOf(item.understood)));
    return [];
  });
  return { items, orphans };
};

const bodiesOf = ({ verdicts }: Understood): readonly BlobId[] => [...verdicts.values()].flatMap(({ bodyBlobId }) => bodyBlobId ?? []);

const asked = (item: PageItem): readonly { mailboxId: MailboxId; mail: Understood['content'] }[] => {
  if (!('understood' in item) || 'error' in item.understood) return [];
  const mail = item.understood.content;
  return item.event.data.recipients.map(({ mailboxId }) => ({ mailboxId, mail }));
};

/** In the order of the log, each on what those before it left in the index. */
const decideAll = (index: HeldIndex, event: Recorded<EmailReceived>, understood: Understood): readonly Item[] => {
  const { content, contentHash } = understood;
  return event.data.recipients.flatMap((recipient): readonly Item[] => {
    const { mailboxId } = recipient;
    const { emailId } = event.data;
    const verdict = understood.verdicts.get(mailboxId);
    if (verdict === undefined || verdict.hold !== null) return [];
    const { droppedBy, reported } = verdict;
    const nowhere = reported !== null ? ({ type: 'report', of: reported.emailId } as const) : null;
    const outcome = nowhere ?? (droppedBy === null ? null : ({ type: 'dropped', by: droppedBy } as const));
    const choice: Choice =
      outcome === null
        ? chosen(choose(index, mailboxId, emailId, content, contentHash), event.data.threadId)
        : { outcome, messageIdReused: false, relative: null };
    if (choice.outcome.type === 'thread')
      index.add(heldFrom(mailboxId, emailId, choice.outcome.threadId as ThreadId, content, contentHash));
    return [{ event, recipient, understood, verdict, choice }];
  });
};

/** A duplicate stays one; all else goes where the gateway knows that it belongs. */
const chosen = (choice: Choice, told: ThreadId | undefined): Choice =>
  told === undefined || choice.outcome.type !== 'thread'
    ? choice
    : { ...choice, outcome: { type: 'thread', threadId: told, by: 'gateway' }, relative: null };

const waiting = ({ data, recordedAt }: Recorded<EmailReceived>, { verdicts }: Understood): readonly Pending[] =>
  data.recipients.flatMap(({ mailboxId }) => {
    const hold = verdicts.get(mailboxId)?.hold ?? null;
    return hold === null ? [] : [{ mailboxId, emailId: data.emailId, receivedAt: recordedAt, hold }];
  });

/** Filed by somebody else (a sent mail, an import): replies to it must find it. Our own are in the index already, with more. */
const recordForeign = (index: HeldIndex, event: Foreign['event']): void => {
  if (event.type === 'EmailsDestroyed') {
    const { threadId, mailboxId, emailIds } = event.data;
    for (const emailId of emailIds) index.destroy({ mailboxId, emailId, threadId });
    return;
  }
  const { data, meta } = event;
  if (meta.commandId === commandIdOf('file', data.mailboxId, data.emailId)) return;
  const { mailboxId, emailId, threadId, movedFrom } = data;
  if (movedFrom !== undefined) {
    index.move({ mailboxId, emailId, from: movedFrom.threadId, to: threadId });
    return;
  }
  const content = reveal(data.content, null);
  if (content !== null) index.addUnlessHeld(heldFrom(data.mailboxId, data.emailId, data.threadId, content, null));
};

type Step = 'decide' | 'report' | 'file';

/** The same for every try, so that the log knows a second one. */
const commandIdOf = (step: Step, mailboxId: MailboxId, emailId: EmailId): CommandId =>
  derivedId<CommandId>('filing', step, mailboxId, emailId);

const contextOf = (step: Step, { event, recipient }: Item): { commandId: CommandId; causationId: string; traceId?: string } => ({
  commandId: commandIdOf(step, recipient.mailboxId, event.data.emailId),
  causationId: event.id,
  ...(event.meta.traceId === undefined ? {} : { traceId: event.meta.traceId }),
});

/** What was recorded first counts, also when an earlier try came to something else. */
const recordDecision = async (commands: Commands, item: Item): Promise<FilingOutcome> => {
  const { mailboxId } = item.recipient;
  const { emailId } = item.event.data;
  const command = { type: 'DecideFiling', mailboxId, emailId, outcome: item.choice.outcome } as const;
  const recorded = await commands.transact(filing, filingKey(mailboxId, emailId), command, contextOf('decide', item));
  return E.isRight(recorded) && recorded.right.state.kind === 'decided' ? recorded.right.state.outcome : item.choice.outcome;
};

/** Once more says the same, and changes nothing. */
const recordReport = async (commands: Commands, item: Item): Promise<void> => {
  const { reported } = item.verdict;
  if (reported === null) return;
  const done = await commands.transact(outbound, outboundKey(reported.emailId), reported.command, contextOf('report', item));
  if (E.isLeft(done)) throw new Error(`a report was refused: ${done.left.type}`);
};

/** A thread that begins with this email has no past to read first. */
const newThread = { ...thread, writtenOnce: true as const };

const begins = ({ item, threadId }: Placed): boolean => threadId === threadStartedBy(item.recipient.mailboxId, item.event.data.emailId);

/** Has at hand what a wave's commands would wait for, so that they reach the log one right after the other. */
const prepare = async (wave: readonly Placed[], commands: Commands, keys: SubjectKeys): Promise<void> => {
  const mailboxes = new Set(wave.map(({ item }) => item.recipient.mailboxId));
  const joined = wave.filter((placed) => !begins(placed)).map(({ threadId }) => threadId);
  await Promise.all([
    keys.obtain([...mailboxes].map(subjectId)),
    // A thread that cannot be read is the trouble of its own mail, which will meet it.
    ...joined.map((threadId) => commands.load(thread, threadKey(threadId)).catch(() => undefined)),
  ]);
};

type EmailToFile = Omit<EmailFiled['data'], 'startsThread'>;

/** @returns the thread it went into: where the email for whose sake it joins went on, it follows. */
const fileInto = async (commands: Commands, placed: Placed): Promise<ThreadId> => {
  const { item, threadId } = placed;
  const { mailboxId, envelope } = item.recipient;
  const { emailId, blobId, size } = item.event.data;
  const { content } = item.understood;
  const { bodyBlobId, place } = item.verdict;
  if (bodyBlobId === null) throw new Error('a mail that waits was to be filed');
  const email: EmailToFile = {
    threadId,
    mailboxId,
    emailId,
    blobId,
    bodyBlobId,
    size,
    direction: 'in',
    place,
    messageIdReused: item.choice.messageIdReused,
    envelope: envelopeBeside(envelope, content),
    content,
  };
  const decider = begins(placed) ? newThread : thread;
  const after = item.choice.relative;
  const command = { type: 'FileEmail', email, ...(after === null ? {} : { after }) } as const;
  const filed = await commands.transact(decider, threadKey(threadId), command, contextOf('file', item));
  if (E.isLeft(filed) && filed.left.type === 'WentOn') return fileInto(commands, { item, threadId: filed.left.threadId });
  if (E.isLeft(filed)) throw new Error(`filing was refused: ${filed.left.type}`);
  return threadId;
};

const filedAs = (item: Item, threadId: ThreadId): Filed => ({
  mailboxId: item.recipient.mailboxId,
  emailId: item.event.data.emailId,
  threadId,
  context: contextOf('file', item),
});

/** One mail's own trouble must not hold up the others; an outage is everybody's and is thrown on. */
const orSetAside = async <A>(item: Item, setAside: SetAside[], work: () => Promise<A>): Promise<A | null> => {
  try {
    return await work();
  } catch (error) {
    if (isPassing(error)) throw error;
    setAside.push({ mailboxId: item.recipient.mailboxId, emailId: item.event.data.emailId, error: text(error) });
    return null;
  }
};

const everyRecipient = ({ data }: Recorded<EmailReceived>, error: unknown): readonly SetAside[] =>
  data.recipients.map(({ mailboxId }) => ({ mailboxId, emailId: data.emailId, error: text(error) }));

const text = (error: unknown): string => (error instanceof Error ? `${error.name}: ${error.message}` : String(error));
