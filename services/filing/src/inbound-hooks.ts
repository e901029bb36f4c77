/**
 * Webhooks that are asked before a mail is filed: those of everything, and those of its mailbox. Each is told who wrote what to whom and what checkers
 * found, signed as all webhooks are; only a plain answer drops a mail, and one that does not answer, or says what cannot be understood, is waited for.
 */
import { decode } from '@tidings/contracts/codec';
import { INBOUND_MAIL, InboundAnswer } from '@tidings/contracts/http/webhooks';
import { derivedId, type EventId } from '@tidings/contracts/ids';
import { CheckerUnavailable } from '@tidings/contracts/ports/mail-checks';
import { timestamp } from '@tidings/contracts/time';
import { createCaller } from '@tidings/infra/webhooks/caller';
import { guardOf } from '@tidings/infra/webhooks/guard';
import { sign } from '@tidings/infra/webhooks/signature';
import { allWebhooks, type WebhookRow } from '@tidings/projections/webhooks/index';
import * as E from 'fp-ts/lib/Either.js';
import type { Platform } from '../../platform/src/platform.ts';
import type { HookActions, InboundHooks, InboundMail, InboundRuling } from './checks.ts';

/** So long a new webhook may stay unknown. */
const REREAD_MS = 1_000;
/** Raw bytes up to this size go along. */
const MAX_RAW = 1024 * 1024;

export const openInboundHooks = (
  platform: Pick<Platform, 'config' | 'read' | 'liveSchema' | 'now'>,
): { readonly hooks: InboundHooks; readonly close: () => void } => {
  const { config, read, liveSchema, now } = platform;
  const caller = createCaller({ ...guardOf(config), timeoutMs: config.mailChecks.timeoutMs });
  let known: { readonly at: number; readonly webhooks: Promise<readonly WebhookRow[]> } | null = null;

  const webhooks = (): Promise<readonly WebhookRow[]> => {
    if (known === null || now() - known.at > REREAD_MS) {
      const asking = read.any(allWebhooks(liveSchema('webhooks'))).then((all) => all.filter(({ events }) => events.includes(INBOUND_MAIL)));
      known = { at: now(), webhooks: asking };
      asking.catch(() => (known = null)); // whoever asked hears of it
    }
    return known.webhooks;
  };

  const askOne = async (webhook: WebhookRow, mail: InboundMail, signal: AbortSignal): Promise<InboundRuling> => {
    const body = JSON.stringify({
      id: derivedId<EventId>(INBOUND_MAIL, webhook.id, mail.mailboxId, mail.emailId),
      type: INBOUND_MAIL,
      createdAt: timestamp(now()),
      data: dataOf(mail),
    });
    const at = String(Math.floor(now() / 1000));
    const headers = {
      'content-type': 'application/json',
      'tidings-webhook-id': webhook.id,
      'tidings-timestamp': at,
      'tidings-signature': sign(webhook.secret, at, body),
    };
    let answer: Awaited<ReturnType<typeof caller.ask>>;
    try {
      answer = await caller.ask({ url: webhook.url, headers, body }, signal);
    } catch (error) {
      throw new CheckerUnavailable(`${originOf(webhook)}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    if (answer.status < 200 || answer.status > 299) throw new CheckerUnavailable(`${originOf(webhook)} answered ${answer.status}`);
    return rulingIn(answer.body, webhook);
  };

  return {
    hooks: {
      ask: async (mail, signal) => {
        const concerned = (await webhooks()).filter(({ mailboxId }) => mailboxId === null || mailboxId === mail.mailboxId);
        return together(await Promise.all(concerned.map((webhook) => askOne(webhook, mail, signal))));
      },
    },
    close: () => caller.close(),
  };
};

const dataOf = ({ emailId, mailboxId, size, raw, client, recipients, content, authentication, spam }: InboundMail) => ({
  emailId,
  mailboxId,
  size,
  envelope: { mailFrom: client.mailFrom, rcptTo: recipients, helo: client.helo, clientAddress: client.address },
  email: content,
  authentication,
  spam,
  /** Base64; null for what is too large to send along. */
  raw: size > MAX_RAW ? null : Buffer.from(raw).toString('base64'),
});

/** Without its path, which may hold a secret. */
const originOf = ({ url }: WebhookRow): string => new URL(url).origin;

/** One drops for all; the last that minds says whether it is spam; what is to be done adds up. */
const together = (rulings: readonly InboundRuling[]): InboundRuling => {
  const drop = rulings.find((ruling) => 'drop' in ruling);
  if (drop !== undefined) return drop;
  const filing = rulings.flatMap((ruling) => ('drop' in ruling ? [] : [ruling]));
  return { spam: filing.findLast(({ spam }) => spam !== null)?.spam ?? null, actions: filing.flatMap(({ actions }) => actions) };
};

/** @throws CheckerUnavailable for what is said in a way that nobody understands: it is not for us to guess what was meant */
const rulingIn = (body: string, webhook: WebhookRow): InboundRuling => {
  const decoded = decode(InboundAnswer, objectIn(body));
  if (E.isLeft(decoded)) {
    const faults = decoded.left.map(({ path, message }) => `${path} ${message}`).join('; ');
    throw new CheckerUnavailable(`${originOf(webhook)} answered what cannot be understood: ${faults}`);
  }
  const { action, isSpam = null } = decoded.right;
  return action === 'drop' ? { drop: originOf(webhook) } : { spam: isSpam, actions: actionsIn(decoded.right, webhook) };
};

const actionsIn = (answer: InboundAnswer, { createdBy: by }: WebhookRow): readonly HookActions[] => {
  const { addLabels: labels = [], assignTo = [], markRead: read = false, markStarred: starred = false } = answer;
  const { markArchived: archived = false, markTrashed: trashed = false } = answer;
  const isNone = labels.length === 0 && assignTo.length === 0 && !read && !starred && !archived && !trashed;
  return isNone ? [] : [{ by, labels, assignTo, read, starred, archived, trashed }];
};

const objectIn = (body: string): Readonly<Record<string, unknown>> => {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
};
