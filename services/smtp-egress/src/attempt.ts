/**
 * One try at sending a mail to some of its recipients: what was decided is recorded before the bytes leave, what became of it after. Whatever
 * happens in between is found in the log by whoever comes next.
 */
import type { OutboundRecipient } from '@tidings/contracts/events/outbound';
import { type AttemptId, type CommandId, derivedId, type MailboxId } from '@tidings/contracts/ids';
import { BlobNotFound } from '@tidings/contracts/ports/blob-store';
import type { Position } from '@tidings/contracts/ports/event-log';
import { enhancedCodeOf, type MailTransport, type Transmission } from '@tidings/contracts/ports/mail-transport';
import { isShredded } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import { type Outcome, outbound, outboundKey, type QueuedOutbound, type RecipientState } from '@tidings/domain/outbound/index';
import type { Commands } from '@tidings/infra/commands/commands';
import { domainIn } from '@tidings/infra/mail-transport/routes';
import { backoff } from '@tidings/infra/projector/backoff';
import * as E from 'fp-ts/lib/Either.js';
import type { Logger } from 'pino';
import { v7 } from 'uuid';
import type { DeliverInternally } from './internal.ts';
import type { UsedUp } from './limits.ts';
import type { Measures } from './measures.ts';
import type { Messages } from './message.ts';
import type { Returning } from '../../platform/src/return-path.ts';
import type { Job } from './routes-in-turn.ts';

export interface AttemptParts {
  readonly commands: Commands;
  readonly messages: Messages;
  readonly transport: MailTransport;
  readonly deliverInternally: DeliverInternally;
  readonly isOurs: (domain: string) => boolean;
  /** Why mail to a domain is kept here, null when it is not. */
  readonly heldBack: (domain: string) => string | null;
  /** Counts recipients against limits; when one is used up, which. */
  readonly spend: (mailboxId: MailboxId, senderDomain: string, recipients: number) => Promise<UsedUp | null>;
  readonly returnPath: (envelopeFrom: string, to: Returning) => string;
  readonly scheduleMs: readonly number[];
  readonly unknownPolicy: 'hold' | 'retry';
  readonly now: () => number;
  readonly logger: Logger;
  readonly measures: Measures;
  readonly leaseToken: string;
  /** No more waiting for a log that is away. */
  readonly signal: AbortSignal;
}

/** How soon mail that is kept here is looked at again. */
const HELD_FOR_MS = 3_600_000;
const AFTER_FAULT_MS = 60_000;
/** How old the state of a mail may be that waited in hand. */
const KNOWN_FOR_MS = 60_000;
/** The route of what goes to mailboxes of ours. */
export const INTERNAL = 'internal';

interface To extends OutboundRecipient {
  readonly at: number;
  readonly state: RecipientState;
}

/** @returns the position of the last event that tells of it; null when nothing is recorded */
export const attempt = async (job: Job, parts: AttemptParts): Promise<Position | null> => {
  const { logger, signal } = parts;
  try {
    // What is older than it thinks is found out when the transmission is begun; mail to ourselves begins nothing.
    const maxAgeMs = job.route === INTERNAL ? undefined : KNOWN_FOR_MS;
    const { state, position } = await parts.commands.load(outbound, outboundKey(job.emailId), maxAgeMs);
    if (state.kind === 'none' || isShredded(state.addresses)) return position;
    const { addresses } = state;
    const to = job.recipients.flatMap((at): readonly To[] => {
      const [recipient, progress] = [addresses[at], state.recipients[at]];
      return recipient !== undefined && progress !== undefined && isDue(progress) ? [{ ...recipient, at, state: progress }] : [];
    });
    // The table is behind the log: somebody cancelled, or another node was faster.
    return to.length === 0 ? position : await tryThese(job, state, to, parts);
  } catch (error) {
    if (!signal.aborted) logger.warn({ err: error, emailId: job.emailId }, 'a mail could not be tried; it stays due');
    return null;
  }
};

const isDue = ({ status }: RecipientState): boolean => status === 'queued' || status === 'deferred' || status === 'unknown';

const tryThese = async (job: Job, state: QueuedOutbound, to: readonly To[], parts: AttemptParts): Promise<Position | null> => {
  const attemptId = v7() as AttemptId; // a new UUID
  const record = recorder(job, state, attemptId, to, parts);
  const domain = domainIn(to[0]?.address ?? '');
  if (domain === null) return record([...to].map(refusedWith('553 5.1.3 this is no email address')));
  if (parts.isOurs(domain)) return record(await parts.deliverInternally(state, to, attemptId));

  const reason = parts.heldBack(domain);
  if (reason !== null) return record([held(to, reason, parts.now() + HELD_FOR_MS)]);
  const sender = isShredded(state.envelopeFrom) ? null : domainIn(state.envelopeFrom);
  const usedUp = await parts.spend(state.mailboxId, sender ?? '', to.length);
  if (usedUp !== null) return record([held(to, `Held until ${timestamp(usedUp.until)}: ${usedUp.rule}.`, usedUp.until)]);
  return transmit(job, state, to, attemptId, record, parts);
};

type Write = (outcomes: readonly Outcome[]) => Promise<Position>;

const transmit = async (
  job: Job,
  state: QueuedOutbound,
  to: readonly To[],
  attemptId: AttemptId,
  record: Write,
  parts: AttemptParts,
): Promise<Position | null> => {
  const { commands, transport, messages, measures } = parts;
  const byAddress = new Map(to.map((one) => [one.address, one]));
  const envelopeFrom = isShredded(state.envelopeFrom) ? '' : state.envelopeFrom;
  let begun: readonly number[] = [];

  const begin = async (host: string, accepted: readonly string[]): Promise<boolean> => {
    const recipients = accepted.flatMap((address) => byAddress.get(address)?.at ?? []);
    const command = { type: 'BeginTransmission', attemptId, recipients, host, leaseToken: parts.leaseToken } as const;
    const commandId = derivedId<CommandId>('begin-transmission', attemptId, host);
    const done = await commands.transact(outbound, outboundKey(job.emailId), command, { commandId });
    if (E.isLeft(done) || done.right.state.kind === 'none') return false;
    const { recipients: states } = done.right.state;
    begun = recipients.filter((at) => states[at]?.status === 'sending' && states[at].lastAttempt === attemptId);
    return begun.length === recipients.length;
  };

  const startedAt = parts.now();
  try {
    const message = await messages.of(state);
    const mail = {
      ...message,
      // All of them are at one domain, so whoever of them reads the path can tell of nobody elsewhere.
      from: parts.returnPath(envelopeFrom, { emailId: job.emailId, recipient: to[0]?.at ?? null, isShared: to.length > 1 }),
      recipients: to.map(({ address }) => address),
      envelopeId: job.emailId,
    };
    const results = await transport.send(mail, begin);
    measures.transmitted((parts.now() - startedAt) / 1000);
    return await record(to.map((one) => outcomeOf(one, results.get(one.address), parts)));
  } catch (error) {
    // Nobody has got it, whatever was begun.
    if (error instanceof BlobNotFound) return record([...to].map(refusedWith('550 5.6.0 the message was destroyed before it was sent')));
    if (begun.length > 0)
      await record([
        held(
          to.filter(({ at }) => begun.includes(at)),
          'Held: a fault of ours.',
          parts.now() + AFTER_FAULT_MS,
        ),
      ]);
    throw error;
  }
};

const outcomeOf = (one: To, result: Transmission | undefined, { now, scheduleMs, unknownPolicy }: AttemptParts): Outcome => {
  const recipients = [one.at];
  if (result === undefined || result.type === 'withheld') return held([one], 'Held: another try is under way.', now());
  if (result.type === 'delivered') {
    const { host, tls, reply } = result;
    return { type: 'delivered', recipients, host, tls, reply, enhancedCode: enhancedCodeOf(reply) };
  }
  if (result.type === 'unknown') {
    const retryAt = unknownPolicy === 'retry' ? timestamp(now() + (scheduleMs[0] ?? 0)) : null;
    return { type: 'unknown', recipients, reply: result.reply, retryAt };
  }
  const { host, reply, later } = result;
  return refused(one, { host, reply, later }, now(), scheduleMs);
};

/** Later, as the schedule says, or never. */
export const refused = (
  { at, state }: { readonly at: number; readonly state: RecipientState },
  { host, reply, later }: { readonly host: string | null; readonly reply: string; readonly later: boolean },
  now: number,
  scheduleMs: readonly number[],
): Outcome => {
  const said = { recipients: [at], host, reply, enhancedCode: enhancedCodeOf(reply) };
  const pause = scheduleMs[state.retries];
  return later && pause !== undefined
    ? { type: 'deferred', ...said, retryAt: timestamp(now + pause), attempted: true }
    : { type: 'failed', ...said };
};

const refusedWith =
  (reply: string) =>
  ({ at }: To): Outcome => ({ type: 'failed', recipients: [at], host: null, reply, enhancedCode: enhancedCodeOf(reply) });

const held = (to: readonly { readonly at: number }[], reply: string, until: number): Outcome => ({
  ...{ type: 'deferred', recipients: to.map(({ at }) => at), host: null, reply, enhancedCode: null },
  ...{ retryAt: timestamp(until), attempted: false },
});

/** Writes down what became of it, for as long as it takes: it has happened. */
const recorder =
  (job: Job, state: QueuedOutbound, attemptId: AttemptId, to: readonly To[], parts: AttemptParts): Write =>
  async (outcomes) => {
    const { commands, logger, measures, signal } = parts;
    const command = { type: 'RecordOutcomes', attemptId, outcomes: together(outcomes) } as const;
    for (let failures = 1; ; failures += 1) {
      try {
        const context = { commandId: derivedId<CommandId>('record-outcomes', attemptId, JSON.stringify(command.outcomes)) };
        const done = await commands.transact(outbound, outboundKey(job.emailId), command, context);
        if (E.isLeft(done)) throw new Error(`refused: ${done.left.type}`);
        measures.recorded(command.outcomes, (parts.now() - job.queuedAt) / 1000);
        logger.info(
          { emailId: job.emailId, mailboxId: state.mailboxId, route: job.route, outcomes: counts(command.outcomes) },
          'mail tried',
        );
        return done.right.position;
      } catch (error) {
        if (signal.aborted && failures > 3) throw error;
        logger.warn(
          { err: error, emailId: job.emailId, recipients: to.length },
          'what became of a mail could not be recorded; trying again',
        );
        await backoff(failures, signal);
      }
    }
  };

/** Equal fates share an event. */
const together = (outcomes: readonly Outcome[]): readonly Outcome[] =>
  [...Map.groupBy(outcomes, (outcome) => JSON.stringify({ ...outcome, recipients: [] })).values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [{ ...first, recipients: [first, ...others].flatMap(({ recipients }) => recipients) }],
  );

const counts = (outcomes: readonly Outcome[]): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [...Map.groupBy(outcomes, ({ type }) => type)].map(([type, those]) => [type, those.flatMap(({ recipients }) => recipients).length]),
  );
